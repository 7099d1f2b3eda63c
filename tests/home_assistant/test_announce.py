"""The action announce on a running server, with players that fetch what they are told: who hears what, and whose turn it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import probatio
import pytest
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_load_integrations
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald.announcing import speaking
from custom_components.herald.announcing.model import Announcement, Mode
from custom_components.herald.announcing.players import PLAYERS
from custom_components.herald.announcing.players.media_player import MediaPlayer
from custom_components.herald.announcing.players.voip import Voip
from custom_components.herald.announcing.rooms import TABLE, Rank, Step
from custom_components.herald.api import Order
from custom_components.herald.const import DOMAIN

from . import players
from .hearing import seconds
from .house import (
    ATTIC,
    BATH,
    BY_ACTION,
    BY_ANNOUNCEMENT,
    COMPLETED,
    HALL,
    KITCHEN,
    PER_CHARACTER,
    ROOMS,
    SHORT,
    YAML,
    House,
    conversation,
    count,
    lived_in,
    moved_in,
    settled,
    states,
)
from .players import Satellite
from .servers import Herald
from .speaking import until


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, YAML).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    return await moved_in(hass, server)


@pytest.fixture
async def house(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> AsyncIterator[House]:
    async with lived_in(hass, server, entry, await hass_client_no_auth()) as house:
        yield house


# What is heard


async def test_three_rooms_hear_it_and_it_is_spoken_once(house: House) -> None:
    answer = await house.act("announce", entity_id=list(ROOMS), message=SHORT)
    assert len(answer["session_id"]) == 32
    assert answer["targets"].keys() == set(ROOMS)
    for entity_id, outcome in answer["targets"].items():
        assert (outcome["state"], outcome["reason"], outcome["message"]) == ("completed", None, None)
        assert outcome["voice"] == "tone/tone", "the server's default"
        assert outcome.keys() == {"state", "reason", "message", "first_audio_ms", "duration", "voice"}
        assert outcome["first_audio_ms"] >= 0
        assert outcome["duration"] == pytest.approx(len(SHORT) * PER_CHARACTER, abs=0.3)
        heard = await house.players[entity_id].heard()
        assert seconds(heard.audio) == pytest.approx(len(SHORT) * PER_CHARACTER, abs=0.2)
    assert await house.characters() == len(SHORT), "one request to the engine"


async def test_one_of_three_is_interrupted_and_the_others_go_on(house: House) -> None:
    text = " ".join(["Once upon a time there was a very small house."] * 3)
    announcing = house.begins(*ROOMS, message=text)
    await house.speaking(3)
    assert await house.interrupt(BATH) == 1
    outcomes = await announcing
    assert states(outcomes) == {KITCHEN: COMPLETED, BATH: BY_ACTION, ATTIC: COMPLETED}
    for entity_id, is_whole in ((KITCHEN, True), (BATH, False), (ATTIC, True)):
        length = seconds((await house.players[entity_id].heard()).audio)
        assert (length == pytest.approx(len(text) * PER_CHARACTER, abs=0.2)) is is_whole
    assert await house.characters() == len(text)


async def test_a_voice_of_ours_speaks_with_its_settings_and_a_call_has_the_last_word(house: House) -> None:
    outcomes = await house.announce(KITCHEN, voice="tts.anna")
    assert outcomes[KITCHEN]["voice"] == "anna"
    assert seconds((await house.players[KITCHEN].heard()).audio) == pytest.approx(len(SHORT) * PER_CHARACTER / 2, abs=0.15)
    await house.announce(KITCHEN, voice="tts.anna", options={"speed": 0.5})
    assert seconds((await house.players[KITCHEN].heard()).audio) == pytest.approx(len(SHORT) * PER_CHARACTER * 2, abs=0.2)
    await house.announce(KITCHEN, voice="anna")
    await house.told.until(lambda told: len(told.ended) == 3)
    assert [session.voice for session in house.told.ended] == ["anna"] * 3


async def test_home_assistants_own_chime_is_heard_first(house: House) -> None:
    await house.announce(KITCHEN, chime=True)
    with_chime = seconds((await house.players[KITCHEN].heard()).audio)
    await house.announce(KITCHEN, chime="none")
    assert with_chime > seconds((await house.players[KITCHEN].heard()).audio) + 0.2


async def test_without_its_chime_it_is_heard_all_the_same_and_whoever_asks_for_no_answer_is_told(house: House) -> None:
    chime = {"media_content_id": "media-source://media_source/local/gone.wav", "media_content_type": "audio/wav"}
    told = (await house.announce(KITCHEN, chime=chime))[KITCHEN]
    assert (told["state"], told["reason"]) == ("completed", "no_chime")
    assert told["message"].startswith("The chime cannot be used: No such file")
    data = {"entity_id": KITCHEN, "message": SHORT, "chime": chime}
    with pytest.raises(HomeAssistantError, match=r"without its chime. The chime cannot be used: No such file"):
        await house.hass.services.async_call(DOMAIN, "announce", data, blocking=True)


async def test_a_failure_is_an_outcome_or_an_exception_and_the_others_hear_it(house: House) -> None:
    house.players[BATH].fails = HomeAssistantError("it has no power")
    assert states(await house.announce(KITCHEN, BATH)) == {KITCHEN: COMPLETED, BATH: ("failed", "player_failed")}
    data = {"entity_id": [KITCHEN, BATH], "message": SHORT}
    with pytest.raises(HomeAssistantError, match=r"not heard everywhere: Bath: .*it has no power$"):
        await house.hass.services.async_call(DOMAIN, "announce", data, blocking=True)
    assert states(await house.announce("media_player.gone")) == {"media_player.gone": ("failed", "unavailable")}


async def test_a_voice_that_the_server_does_not_know_is_an_outcome(house: House) -> None:
    assert states(await house.announce(KITCHEN, voice="nobody")) == {KITCHEN: ("failed", "unknown_voice")}
    assert states(await house.announce(KITCHEN, options={"warp": 9})) == {KITCHEN: ("failed", "bad_setting")}


async def test_a_voice_or_server_that_is_not_there_is_told(hass: HomeAssistant, house: House) -> None:
    with pytest.raises(HomeAssistantError, match=r"tts\.nobody is no text-to-speech entity of Herald"):
        await house.announce(KITCHEN, voice="tts.nobody")
    await house.server.stop()
    await until(hass, lambda: not house.entry.runtime_data.last_update_success)
    with pytest.raises(ServiceValidationError, match="No Herald server"):
        await house.announce(KITCHEN)


async def test_what_is_said_of_several_is_said_once(house: House) -> None:
    data = {"entity_id": [KITCHEN, BATH], "message": SHORT, "voice": "nobody"}
    with pytest.raises(HomeAssistantError, match=r"everywhere: (Bath, Kitchen|Kitchen, Bath): There is no voice 'nobody'"):
        await house.hass.services.async_call(DOMAIN, "announce", data, blocking=True)


async def test_failures_are_told_in_the_language_of_home_assistant(hass: HomeAssistant, house: House) -> None:
    hass.config.language = "zh-Hans"
    await async_load_integrations(hass, {DOMAIN})
    data = {"entity_id": ["media_player.gone", BATH], "message": SHORT, "chime": "bell.mp3"}
    house.players[BATH].fails = ServiceValidationError(translation_domain=DOMAIN, translation_key="media_gone")
    with pytest.raises(HomeAssistantError) as failure:
        await house.hass.services.async_call(DOMAIN, "announce", data, blocking=True)
    told = (failure.value.translation_placeholders or {})["failures"].split("; ")
    assert told[0] == "无法使用提示音：bell.mp3 既不是媒体 ID，也不是声音的地址"
    assert set(told[1:]) == {"Bath: 它没有播放：已无法播放", "media_player.gone: 它不存在，或者目前不可用"}


async def test_a_server_that_ends_fails_it(house: House) -> None:
    announcing = house.begins(KITCHEN)
    await house.speaking()
    await house.server.stop(kill=True)
    outcomes = await announcing
    assert states(outcomes) == {KITCHEN: ("failed", "server_failed")}
    assert outcomes[KITCHEN]["message"].startswith("Herald at http://127.0.0.1:")


@pytest.mark.parametrize(
    "data",
    [
        {"entity_id": KITCHEN},
        {"entity_id": KITCHEN, "message": " "},
        {"message": SHORT},
        {"entity_id": KITCHEN, "message": SHORT, "volume": 1.5},
        {"entity_id": KITCHEN, "message": SHORT, "mode": "shout"},
        {"entity_id": KITCHEN, "message": SHORT, "options": {"share": "mine"}},
        {"entity_id": KITCHEN, "message": SHORT, "session_id": ""},
        {"entity_id": KITCHEN, "message": SHORT, "expires": -1},
        {"entity_id": KITCHEN, "message": SHORT, "chime": 5},
    ],
)
async def test_what_makes_no_sense_is_refused(house: House, data: dict[str, Any]) -> None:
    with pytest.raises(probatio.Invalid):
        await house.act("announce", **data)
    assert not house.told.started


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"message": " "}, "nothing to speak"),
        ({"message": "a" * 50_001}, "has 50001 characters, more than the 50000"),
        ({"message": SHORT, "mode": "shout"}, "shout is none of interrupt, replace, queue, drop"),
    ],
)
async def test_what_is_refused_is_said_in_words(house: House, data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(probatio.Invalid, match=sentence):
        await house.announce(KITCHEN, **data)


async def test_nobody_to_speak_to_is_told(house: House) -> None:
    with pytest.raises(ServiceValidationError, match="no media player and no satellite"):
        await house.act("announce", area_id=["nowhere"], message=SHORT)
    with pytest.raises(ServiceValidationError, match="Everything at once"):
        await house.act("announce", entity_id="all", message=SHORT)


# Whose turn it is

AT = {Rank.LOWER: 0, Rank.EQUAL: 1, Rank.HIGHER: 2}


@pytest.mark.parametrize(("mode", "rank"), [(mode, rank) for mode in TABLE for rank in TABLE[mode]])
async def test_every_mode_at_every_priority(house: House, mode: Mode, rank: Rank) -> None:
    old = house.begins(KITCHEN, priority=AT[rank], session_id="old")
    await house.speaking()
    new = house.begins(KITCHEN, message=SHORT, mode=mode.value, priority=1)
    match TABLE[mode][rank]:
        case Step.INTERRUPT:
            assert states(await old) == {KITCHEN: BY_ANNOUNCEMENT}
            assert states(await new) == {KITCHEN: COMPLETED}
        case Step.DROP:
            assert states(await new) == {KITCHEN: ("skipped", "busy")}
            assert not old.done()
        case Step.WAIT:
            assert not new.done()
            assert await house.interrupt(session_id="old") == 1
            assert states(await old) == {KITCHEN: BY_ACTION}
            assert states(await new) == {KITCHEN: COMPLETED}


async def test_ten_in_a_row_each_interrupt_the_one_before(house: House) -> None:
    announcing = []
    for number in range(10):
        announcing.append(house.begins(KITCHEN, mode="interrupt"))
        await house.speaking(number + 1)
    await house.interrupt(KITCHEN)
    outcomes = [states(await one)[KITCHEN] for one in announcing]
    assert outcomes == [BY_ANNOUNCEMENT] * 9 + [BY_ACTION]


async def test_who_waits_too_long_is_skipped_and_nobody_is_asked_for_it(house: House) -> None:
    old = house.begins(KITCHEN)
    await house.speaking()
    assert states(await house.announce(KITCHEN, BATH, expires=0.05)) == {KITCHEN: ("skipped", "expired"), BATH: COMPLETED}
    await house.interrupt()
    await old
    assert len(house.told.started) == 2


async def test_a_group_plays_once_and_its_members_are_taken(hass: HomeAssistant, house: House) -> None:
    group = "media_player.upstairs"
    house.players[group] = await players.player(hass, house.client, group)
    state = hass.states.get(group)
    assert state is not None
    hass.states.async_set(group, state.state, {**state.attributes, "entity_id": [BATH, ATTIC]})
    announcing = house.begins(group, BATH)
    await house.speaking()
    assert states(await house.announce(ATTIC, mode="drop")) == {ATTIC: ("skipped", "busy")}
    assert await house.interrupt(ATTIC) == 1
    assert states(await announcing) == {group: BY_ACTION, BATH: ("skipped", "in_group")}
    assert len(house.told.started) == 1


# A satellite that somebody talks to


@pytest.fixture
async def satellite(hass: HomeAssistant, house: House) -> Satellite:
    return await players.satellite(hass, house.client, HALL)


@pytest.mark.parametrize("mode", ["interrupt", "replace"])
@pytest.mark.usefixtures("satellite")
async def test_who_is_urgent_waits_for_no_conversation(house: House, mode: str) -> None:
    conversation(house, "listening")
    assert states(await house.announce(HALL, mode=mode)) == {HALL: COMPLETED}


@pytest.mark.usefixtures("satellite")
async def test_who_is_patient_waits_for_a_conversation_to_end(house: House) -> None:
    conversation(house, "listening")
    announcing = house.begins(HALL, message=SHORT)
    await settled()
    assert count(house) == 1
    conversation(house, "processing")
    await settled()
    assert not house.told.started
    conversation(house, "idle")
    assert states(await announcing) == {HALL: COMPLETED}


@pytest.mark.usefixtures("satellite")
async def test_who_waits_for_a_conversation_can_be_interrupted_and_expires(house: House) -> None:
    conversation(house, "listening")
    assert states(await house.announce(HALL, mode="drop")) == {HALL: ("skipped", "listening")}
    assert states(await house.announce(HALL, expires=0.05)) == {HALL: ("skipped", "expired")}
    announcing = house.begins(HALL)
    await settled()
    assert count(house) == 1
    assert await house.interrupt(HALL) == 1
    assert states(await announcing) == {HALL: BY_ACTION}
    assert not house.told.started


async def test_a_conversation_that_never_ends_keeps_nobody_silent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await players.satellite(house.hass, house.client, HALL)
    monkeypatch.setattr(speaking, "QUIET", 0.05)
    conversation(house, "responding")
    assert states(await house.announce(HALL)) == {HALL: COMPLETED}


# Players that do not what they should


class Stubborn(MediaPlayer):
    """Nothing interrupts it."""

    async def interrupt(self) -> None:
        await asyncio.Event().wait()


class Broken(MediaPlayer):
    def order(self, announcement: Announcement) -> Order:
        raise ZeroDivisionError


async def test_a_player_that_does_not_let_go_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(speaking, "LET_GO", 0.05)
    monkeypatch.setitem(cast("dict[tuple[str, str], Any]", PLAYERS), ("media_player", ""), Stubborn)
    old = house.begins(KITCHEN)
    await house.speaking()
    assert states(await house.announce(KITCHEN, mode="interrupt")) == {KITCHEN: COMPLETED}
    assert states(await old) == {KITCHEN: BY_ANNOUNCEMENT}
    assert "media_player.kitchen did not let go of an announcement" in caplog.text


async def test_a_telephone_is_skipped_and_that_is_no_failure(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[tuple[str, str], Any]", PLAYERS), ("assist_satellite", "assist_satellite"), Voip)
    await players.satellite(house.hass, house.client, HALL, unique_id="telephone")
    assert states(await house.announce(HALL, KITCHEN)) == {HALL: ("skipped", "not_supported"), KITCHEN: COMPLETED}
    data = {"entity_id": HALL, "message": SHORT}
    await house.hass.services.async_call(DOMAIN, "announce", data, blocking=True)
    assert len(house.told.started) == 1


async def test_what_goes_wrong_in_one_room_is_its_own_affair(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(cast("dict[tuple[str, str], Any]", PLAYERS), ("media_player", ""), Broken)
    await players.satellite(house.hass, house.client, HALL)
    assert states(await house.announce(KITCHEN, HALL)) == {KITCHEN: ("failed", "failed"), HALL: COMPLETED}
    assert "media_player.kitchen did not announce" in caplog.text
    told = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in told if SHORT in record.getMessage()], "nor is it told what was to be said"


# Told


async def test_the_event_entity_tells_who_is_spoken_to_and_by_which_announcement(hass: HomeAssistant, house: House) -> None:
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    await house.announce(KITCHEN, session_id="doorbell")
    await house.told.until(lambda told: len(told.ended) == 1)
    told = [
        state.attributes for change in changes if (state := change.data["new_state"]) and state.entity_id == "event.herald_speech"
    ]
    assert [event["event_type"] for event in told] == ["started", "finished"]
    assert {(tuple(event["targets"]), event["announcement"]) for event in told} == {((KITCHEN,), "doorbell")}
    assert not house.entry.runtime_data.targets
    assert not house.entry.runtime_data.announcements
