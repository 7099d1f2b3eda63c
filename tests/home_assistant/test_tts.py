"""Text to speech through Home Assistant's own manager and proxy, on a running server: who speaks, and what is heard."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path

import av
import pytest
from homeassistant.components import tts
from homeassistant.components.tts.entity import TTSAudioRequest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import ATTR_FRIENDLY_NAME, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.herald.const import DOMAIN
from custom_components.herald.speech import formats
from custom_components.herald.tts import Speaker

from .conftest import paired
from .listening import SPEAKER, fetched, kept, nothing_is_kept, on_disk, opened, seconds, settled, spoken
from .servers import Herald
from .speaking import PATIENCE, following, reload, state_of, until

VOICES = """
engines:
  tone: {per_character: 0.02, rate: 24000}
  other: {type: tone, per_character: 0.02}
  bad: {type: tone, fail_at: 0, fail_with: quota_exceeded}
  espeak: {enabled: false}
voices:
  high: {engine: tone, voice: tone, frequency: 880, language: zh-CN}
  lead: {engine: bad, voice: tone, language: de, fallback: [high]}
default_voice: tone/tone
"""
SATELLITE = {
    "preferred_format": "wav",
    "preferred_sample_rate": 22_050,
    "preferred_sample_channels": 1,
    "preferred_sample_bytes": 2,
}
TELEPHONE = {**SATELLITE, "preferred_sample_rate": 16_000}
VOICE_PE = {**SATELLITE, "preferred_format": "flac", "preferred_sample_rate": 48_000}
SPEAKER_HIGH = "tts.high_and_fast"


@pytest.fixture
async def server(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Herald]:
    async with Herald(tmp_path, VOICES).running() as server:
        yield server


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    """With one voice that was set up."""
    voice = ConfigSubentryData(
        subentry_type="voice",
        title="High and fast",
        unique_id=None,
        data={"voice": "high", "settings": {"speed": 2.0}, "fallback": False},
    )
    entry = await paired(hass, server, subentries=[voice])
    await following(entry)
    return entry


def speaker(hass: HomeAssistant, entity: str = SPEAKER) -> Speaker:
    found = hass.data["tts"].get_entity(entity)
    assert isinstance(found, Speaker)
    return found


async def learnt(entry: MockConfigEntry, true: Callable[[], object]) -> None:
    """Waits until it is so; it is looked at whenever the server told something."""
    happened = asyncio.Event()
    stop = entry.runtime_data.async_add_listener(happened.set)
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await happened.wait()
                happened.clear()
    finally:
        stop()


async def fragments(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text


def decoded(file: bytes, kind: str) -> tuple[int, int, int]:
    """Rate, channels and samples."""
    with av.open(io.BytesIO(file), "r", format=kind) as opened:
        stream = opened.streams.audio[0]
        samples = sum(frame.samples for frame in opened.decode(stream))
        return stream.rate, stream.channels, samples


# Who


async def test_the_servers_entity_has_its_name_and_all_languages(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    state = hass.states.get(SPEAKER)
    assert state is not None
    assert state.attributes[ATTR_FRIENDLY_NAME] == "Herald"
    entity = speaker(hass)
    assert entity.supported_languages == ["de", "en", "en-US", "zh", "zh-CN"]
    assert entity.default_language == "en-US"


async def test_voices_are_listed_by_language_and_told_apart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    entity = speaker(hass)
    english = entity.async_get_supported_voices("en")
    assert english == entity.async_get_supported_voices("en-US")
    assert [(voice.voice_id, voice.name) for voice in english or ()] == [
        ("tone/tone", "Test tone (tone)"),
        ("other/tone", "Test tone (other)"),
        ("bad/tone", "Test tone (bad)"),
    ]
    for language in ("zh", "zh-CN"):
        assert entity.async_get_supported_voices(language) == [tts.Voice("high", "high")]
    assert entity.async_get_supported_voices("fr") == []


async def test_the_frontend_is_told_of_languages_and_voices(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    client = await hass_ws_client()
    await client.send_json_auto_id({"type": "tts/engine/list", "language": "zh-Hans", "country": "CN"})
    providers = (await client.receive_json())["result"]["providers"]
    languages = {provider["engine_id"]: provider["supported_languages"] for provider in providers}
    assert languages[SPEAKER] == ["zh-CN", "zh"]
    await client.send_json_auto_id({"type": "tts/engine/voices", "engine_id": SPEAKER, "language": "zh-CN"})
    assert (await client.receive_json())["result"]["voices"] == [{"voice_id": "high", "name": "high"}]


async def test_a_voice_that_was_set_up_has_an_entity_and_a_device_of_its_own(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    (subentry_id,) = entry.subentries
    entity = speaker(hass, SPEAKER_HIGH)
    assert (entity.supported_languages, entity.default_language) == (["zh", "zh-CN"], "zh-CN")
    assert entity.default_options == {
        "voice": "high",
        "speed": 2.0,
        "fallback": False,
        "revision": entry.runtime_data.data.catalogue.revision,
    }
    registered = er.async_get(hass).async_get(SPEAKER_HIGH)
    assert registered is not None
    assert (registered.unique_id, registered.config_subentry_id) == (subentry_id, subentry_id)
    device = dr.async_get(hass).async_get(registered.device_id or "")
    assert isinstance(device, dr.DeviceEntry)
    assert device.identifiers == {(DOMAIN, subentry_id)}
    assert device.via_device_id == dr.async_get_device_id_by_identifier(hass, (DOMAIN, server.id), config_entry_id=entry.entry_id)


async def test_another_revision_is_another_key_of_the_cache(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    before = {entity: speaker(hass, entity).default_options for entity in (SPEAKER, SPEAKER_HIGH)}
    await reload(server, VOICES.replace("frequency: 880", "frequency: 990").replace("language: de", "language: fr"))
    await learnt(entry, lambda: "fr" in speaker(hass).supported_languages)
    assert "de" not in speaker(hass).supported_languages
    for entity, options in before.items():
        assert options is not None
        assert speaker(hass, entity).default_options == {**options, "revision": entry.runtime_data.data.catalogue.revision}
        assert speaker(hass, entity).default_options != options


async def test_an_entity_whose_voice_vanished_is_unavailable_until_it_is_back(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry
) -> None:
    assert state_of(hass, SPEAKER_HIGH) != STATE_UNAVAILABLE
    await reload(server, VOICES.replace("  high:", "  low:").replace("[high]", "[low]"))
    await until(hass, lambda: state_of(hass, SPEAKER_HIGH) == STATE_UNAVAILABLE)
    assert state_of(hass, SPEAKER) != STATE_UNAVAILABLE
    await reload(server, VOICES)
    await until(hass, lambda: state_of(hass, SPEAKER_HIGH) != STATE_UNAVAILABLE)


# What is heard


async def test_a_format_alone_is_byte_by_byte_what_the_server_makes(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    for name in ("mp3", "wav", "flac", "ogg"):
        status, body = await fetched(hass, client, "Dinner is ready.", {"preferred_format": name})
        assert status == HTTPStatus.OK
        assert body == await spoken(server, "Dinner is ready.", format=name)
    _, body = await fetched(hass, client, "Dinner is ready.")
    assert body == await spoken(server, "Dinner is ready.", format="mp3")


async def test_whoever_asks_for_more_gets_that(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    for options, kind, rate, channels in (
        (SATELLITE, "wav", 22_050, 1),
        (TELEPHONE, "wav", 16_000, 1),
        (VOICE_PE, "flac", 48_000, 1),
        ({"preferred_sample_rate": 44_100, "preferred_sample_channels": 2}, "mp3", 44_100, 2),
    ):
        status, body = await fetched(hass, client, "A" * 50, options)
        assert status == HTTPStatus.OK
        heard = decoded(body, kind)
        assert heard[:2] == (rate, channels)
        assert heard[2] / rate == pytest.approx(1, abs=0.1)


async def test_from_2026_11_on_it_is_exactly_what_was_asked_for(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "VERSION", (2026, 11))
    for options, asked in (
        (SATELLITE, {"format": "wav", "sample_rate": 22_050}),
        ({**SATELLITE, "preferred_sample_channels": 2}, {"format": "wav", "sample_rate": 22_050, "channels": 2}),
        (VOICE_PE, {"format": "flac", "sample_rate": 48_000}),
        ({"preferred_sample_rate": 48_000, "preferred_sample_channels": 2}, {"sample_rate": 48_000, "channels": 2}),
    ):
        request = TTSAudioRequest("en-US", options, fragments("Dinner is ready."))
        response = await speaker(hass).async_stream_tts_audio(request)
        assert response.extension == asked.get("format", "mp3")
        assert b"".join([piece async for piece in response.data_gen]) == await spoken(server, "Dinner is ready.", **asked)


async def test_what_2026_11_converts_is_heard_too(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "VERSION", (2026, 11))
    client = await hass_client_no_auth()
    options = {"preferred_format": "wav", "preferred_sample_rate": 96_000}
    status, body = await fetched(hass, client, "A" * 50, options)
    assert status == HTTPStatus.OK
    assert decoded(body, "wav") == (96_000, 1, 96_000)


async def test_streamed_text_is_heard_before_it_ends(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    heard = asyncio.Event()

    async def text() -> AsyncGenerator[str]:
        yield "A first sent"
        yield "ence. "
        await heard.wait()
        yield "And the rest."

    client = await hass_client_no_auth()
    response = await opened(hass, client, text(), {"preferred_format": "wav"})
    body = await response.content.readexactly(1_000)
    heard.set()
    body += await response.read()
    assert body == await spoken(server, "A first sentence. And the rest.", format="wav")
    await settled(hass)


async def test_a_call_may_say_who_and_how(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    said = {"voice": "high", "volume": 30}
    _, body = await fetched(hass, client, "Dinner is ready.", {"preferred_format": "wav", **said})
    assert body == await spoken(server, "Dinner is ready.", format="wav", **said)


async def test_numbers_may_be_said_in_words_and_nothing_by_no_word(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """As in `media-source://tts/tts.herald?message=…&speed=1.2`, and from templates."""
    client = await hass_client_no_auth()
    said = {"voice": "", "speed": "1.2", "volume": "30", "emotion": "", "pitch": ""}
    _, body = await fetched(hass, client, "Dinner is ready.", {"preferred_format": "wav", **said})
    assert body == await spoken(server, "Dinner is ready.", format="wav", speed=1.2, volume=30)


async def test_a_voice_that_was_set_up_speaks_with_its_settings_unless_a_call_says_otherwise(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    wav = {"preferred_format": "wav"}
    _, fast = await fetched(hass, client, "A" * 50, wav, entity=SPEAKER_HIGH)
    assert fast == await spoken(server, "A" * 50, format="wav", voice="high", speed=2)
    _, slow = await fetched(hass, client, "A" * 50, {**wav, "speed": 1}, entity=SPEAKER_HIGH)
    assert slow == await spoken(server, "A" * 50, format="wav", voice="high", speed=1)
    assert len(slow) > 1.5 * len(fast)


async def test_everything_is_read_where_the_call_or_the_voice_that_was_set_up_says_so(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    wav, text = {"preferred_format": "wav"}, "**" + "A" * 40 + "**"
    everything = await spoken(server, text, format="wav", speakable_text=False)
    assert len(everything) > len(await spoken(server, text, format="wav"))
    _, body = await fetched(hass, client, text, {**wav, "speakable_text": False})
    assert body == everything
    (subentry,) = entry.subentries.values()
    settings = {"voice": "high", "settings": {"speakable_text": False}, "fallback": True}
    hass.config_entries.async_update_subentry(entry, subentry, data=settings)
    await hass.async_block_till_done()
    _, body = await fetched(hass, client, text, wav, entity=SPEAKER_HIGH)
    assert body == await spoken(server, text, format="wav", voice="high", speakable_text=False)
    _, body = await fetched(hass, client, text, {**wav, "speakable_text": True}, entity=SPEAKER_HIGH)
    assert body == await spoken(server, text, format="wav", voice="high", speakable_text=True)


async def test_the_default_voice_speaks_its_own_language_and_whoever_can_another_one(
    hass: HomeAssistant, server: Herald, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    for language, voice in (("en", "tone/tone"), ("en-US", "tone/tone"), ("zh", "high"), ("zh-CN", "high")):
        _, body = await fetched(hass, client, "Dinner is ready.", {"preferred_format": "wav"}, language=language)
        assert body == await spoken(server, "Dinner is ready.", format="wav", voice=voice)


async def test_a_text_with_nothing_to_say_is_a_moment_of_silence(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(hass, client, "😀", {"preferred_format": "wav"})
    assert status == HTTPStatus.OK
    assert seconds(body) < 1


# What is refused


async def test_unknown_options_and_languages_are_refused_by_home_assistant(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    for options in ({"sped": 2}, {"revision": "mine"}, {"session_id": "mine"}):
        with pytest.raises(HomeAssistantError, match="ptions"):
            tts.async_create_stream(hass, SPEAKER, options=options)
    for language in ("fr", "EN", "en-GB"):
        with pytest.raises(HomeAssistantError, match=language):
            tts.async_create_stream(hass, SPEAKER, language=language)


async def test_a_voice_that_was_set_up_is_nobody_else(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    with pytest.raises(HomeAssistantError, match="voice"):
        tts.async_create_stream(hass, SPEAKER_HIGH, options={"voice": "tone/tone"})
    assert speaker(hass, SPEAKER_HIGH).async_get_supported_voices("zh") is None


async def test_what_the_server_refuses_is_told_and_not_kept(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = await hass_client_no_auth()
    for options, words in (
        ({"voice": "nobody"}, "There is no voice 'nobody'"),
        ({"speed": 9}, "speed is a number from 0.25 to 4, not 9"),
        ({"speed": "fast"}, "speed is a number from 0.25 to 4, not 'fast'"),
        ({"pitch": 2}, "take no pitch"),
    ):
        caplog.clear()
        status, _ = await fetched(hass, client, "Dinner is ready.", options)
        assert status == HTTPStatus.INTERNAL_SERVER_ERROR
        assert "Herald cannot do this: " in caplog.text
        assert words in caplog.text
    nothing_is_kept(hass)


# What is kept


async def test_what_was_spoken_well_is_kept_for_good(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator, hass_config_dir: str
) -> None:
    client = await hass_client_no_auth()
    await fetched(hass, client, "Dinner is ready.")
    in_memory, for_good = kept(hass)
    assert len(in_memory) == len(for_good) == on_disk(hass_config_dir) == 1


async def test_what_somebody_else_spoke_is_heard_whole_and_not_kept(
    hass: HomeAssistant,
    server: Herald,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = await hass_client_no_auth()
    status, body = await fetched(hass, client, "Dinner is ready.", {"voice": "lead", "preferred_format": "wav"})
    assert status == HTTPStatus.OK
    assert body == await spoken(server, "Dinner is ready.", format="wav", voice="lead")
    assert "Another voice spoke than was asked for" in caplog.text
    status, body = await fetched(hass, client, "A" * 50, {"voice": "lead", **SATELLITE})
    assert status == HTTPStatus.OK
    assert seconds(body) == pytest.approx(1, abs=0.01)
    nothing_is_kept(hass)
