"""Every row of the service's two tables of errors: what the user reads, and how often it was tried."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import NamedTuple

import pytest

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.openspeech.failures import Asked, failed
from wyoming_server.engines.openspeech.routes import route
from wyoming_server.errors import CODES, HeraldError
from wyoming_server.protocols.openspeech_frame import Failure
from wyoming_server.upstream import attempts

from ...simulators.openspeech import OpenSpeechSimulator
from ...simulators.openspeech.faults import Stage
from .speaking import BIG, SECOND, TEXT, Fault, Said, listen, log_id, pcm, requests, say, speaking, utterance

MANY = 3
"""At least so often is tried what may be tried until the time is over."""
ALWAYS = 99


class Row(NamedTuple):
    told: tuple[int, str]
    """Code and message of the service; an empty message is the one that goes with the code."""
    code: str
    """Herald's."""
    tries: int
    says: tuple[str, ...]
    """What happened, and what to do."""


CREDENTIALS = ("credentials are wrong", "check appid and access token")
NO_GRANT = ("may not use the voice", "order it", "choose another voice")
CONCURRENCY = ("Too many requests at the same time", "lower `concurrency`")
BUSY = ("too much to do", "a little later")
QUOTA = ("quota is used up", "buy more")
INVALID = ("request invalid", "check the voice's settings")
INSIDE = ("failed inside", "a little later")
LONG = ("too long", "use shorter sentences")
SPEECHLESS = ("nothing in this text",)

V1 = (
    Row((3001, "load grant: requested grant not found"), "credentials_refused", 1, CREDENTIALS),
    Row((3001, "get resource id: access denied"), "voice_refused", 1, NO_GRANT),
    Row((3001, "requested resource not granted"), "voice_refused", 1, NO_GRANT),
    Row((3001, "quota exceeded for types: text_words_lifetime"), "quota_exceeded", 1, QUOTA),
    Row((3001, "quota exceeded for types: concurrency"), "engine_busy", MANY, CONCURRENCY),
    Row((3001, "invalid request: audio.rate"), "engine_failed", 1, INVALID),
    Row((3003, ""), "engine_busy", MANY, CONCURRENCY),
    Row((3005, ""), "engine_busy", MANY, BUSY),
    Row((3006, ""), "engine_failed", 2, ("one it had already",)),
    Row((3030, ""), "engine_timeout", 2, ("took too long", "use shorter sentences")),
    Row((3031, "processing error"), "engine_busy", MANY, BUSY),
    Row((3031, "Init Engine Instance failed"), "voice_refused", 1, ("cluster volcano_tts", "do not belong together", "correct")),
    Row((3032, ""), "engine_busy", MANY, BUSY),
    Row((3040, ""), "engine_busy", MANY, BUSY),
    Row((3050, ""), "voice_refused", 1, (f"There is no voice {BIG}", "check its name")),
    Row((45000010, ""), "credentials_refused", 1, CREDENTIALS),
    Row((4711, "what nobody ever saw"), "engine_failed", 1, ("its documents do not tell",)),
)
V3 = (
    Row((45000000, "speaker permission denied"), "voice_refused", 1, NO_GRANT),
    Row((45000000, "quota exceeded for types: concurrency"), "engine_busy", MANY, CONCURRENCY),
    Row((45000000, "client error"), "engine_failed", 1, INVALID),
    Row((45000001, ""), "engine_failed", 1, INVALID),
    Row((40402003, ""), "text_too_long", 1, LONG),
    Row((45000030, ""), "voice_refused", 1, (*NO_GRANT, "the resource id seed-tts-2.0")),
    Row(
        (55000000, "resource ID is mismatched with speaker related resource"),
        "voice_refused",
        1,
        (f"resource id seed-tts-2.0 was sent for the voice {SECOND}", "set `resource_id`"),
    ),
    Row((55000000, ""), "engine_unavailable", MANY, INSIDE),
    Row((55000001, ""), "engine_unavailable", MANY, INSIDE),
    Row((55000030, ""), "engine_busy", MANY, BUSY),
    Row((55000031, ""), "engine_busy", MANY, BUSY),
)
HANDSHAKES = (
    (400, Row((0, "no resource id"), "engine_failed", 1, INVALID)),
    (401, Row((0, "no"), "credentials_refused", 1, CREDENTIALS)),
    (403, Row((45000010, "load grant: requested grant not found"), "credentials_refused", 1, CREDENTIALS)),
    (403, Row((45000030, "[resource_id=x] requested resource not granted"), "voice_refused", 1, NO_GRANT)),
    (403, Row((100, "what nobody ever saw"), "credentials_refused", 1, CREDENTIALS)),
    (404, Row((0, "no such path"), "engine_unavailable", 1, ("no such service", "check `url`"))),
    (429, Row((0, "slow down"), "engine_busy", MANY, CONCURRENCY)),
    (500, Row((0, "oh"), "engine_unavailable", MANY, INSIDE)),
    (502, Row((0, "oh"), "engine_busy", MANY, BUSY)),
    (503, Row((0, "oh"), "engine_busy", MANY, BUSY)),
    (504, Row((0, "oh"), "engine_busy", MANY, BUSY)),
    (507, Row((0, "oh"), "engine_unavailable", MANY, INSIDE)),
    (418, Row((0, "oh"), "engine_failed", 1, ("its documents do not tell",))),
)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.02)
    monkeypatch.setattr(attempts, "JITTER", 0)


async def failing(fault: Fault, how: Utterance, tries: int = MANY) -> tuple[OpenSpeechSimulator, HeraldError]:
    limit = 0.5 if tries == MANY else 10  # only that ends many attempts
    async with speaking(fault, engine={"first_audio_timeout": limit}) as (service, engine):
        with pytest.raises(HeraldError) as caught:
            await say(engine, how=how)
    return service, caught.value


def assert_told(row: Row, error: HeraldError, *parts: str) -> None:
    said = str(error)
    assert error.code == row.code in CODES
    assert error.retryable == CODES[row.code].retryable
    for part in (*row.says, row.told[1], *parts):
        assert part in said
    assert TEXT not in said
    assert "access-token" not in said
    assert "1234567890" not in said
    assert said.endswith(").")


def assert_tried(service: OpenSpeechSimulator, row: Row) -> None:
    tries = len(service.all("fault"))
    assert tries >= MANY if row.tries == MANY else tries == row.tries
    assert not service.counters.characters


def fault_of(row: Row, on: Stage = "start", status: int = 503) -> Fault:
    code, message = row.told
    return Fault(kind="refuse" if on == "handshake" else "error", on=on, code=code, message=message, status=status, times=ALWAYS)


@pytest.mark.parametrize("row", V1, ids=str)
async def test_what_v1_says_is_told_with_what_to_do(row: Row) -> None:
    service, error = await failing(fault_of(row), utterance(), row.tries)
    first = log_id(len(service.all("handshake")))
    assert_told(row, error, f"voice {BIG}", "cluster volcano_tts", f"log id {first}", str(row.told[0]))
    assert_tried(service, row)


@pytest.mark.parametrize("row", V3, ids=str)
async def test_what_v3_says_is_told_with_what_to_do(row: Row) -> None:
    service, error = await failing(fault_of(row), utterance(SECOND), row.tries)
    assert_told(row, error, f"voice {SECOND}", "resource id seed-tts-2.0", "log id 02", str(row.told[0]))
    assert_tried(service, row)


@pytest.mark.parametrize(("status", "row"), HANDSHAKES, ids=str)
async def test_what_a_refused_handshake_means_is_told_too(status: int, row: Row) -> None:
    service, error = await failing(fault_of(row, "handshake", status), utterance())
    assert_told(row, error, f"voice {BIG}", f"HTTP status {status}", "log id")
    assert_tried(service, row)


@pytest.mark.parametrize("how", ["frame", "gzip frame", "unsaid gzip frame", "text"])
async def test_the_same_is_read_however_an_error_was_packed(how: str) -> None:
    fault = Fault(kind="error", code=3001, message="get resource id: access denied", how=how)  # type: ignore[arg-type]  # of those
    _, error = await failing(fault, utterance())
    assert error.code == "voice_refused"
    assert "3001 'get resource id: access denied'" in str(error)


async def test_a_gateway_that_finds_nobody_behind_it_is_tried_again() -> None:
    service, error = await failing(Fault(kind="text frame", times=ALWAYS), utterance())
    assert error.code == "engine_unavailable"
    assert len(service.all("fault")) >= MANY


async def test_a_second_attempt_has_a_request_id_of_its_own() -> None:
    async with speaking(Fault(kind="error", code=3006)) as (service, engine):
        assert (await say(engine)).audio == pcm()
        assert len(service.all("fault")) == 1
        assert len({request["request"]["reqid"] for request in requests(service)}) == 2


async def test_a_service_that_is_busy_for_a_moment_is_not_noticed() -> None:
    async with speaking(Fault(kind="error", code=3003, times=2)) as (service, engine):
        assert (await say(engine)).audio == pcm()
        assert len(service.all("request")) == 3


async def test_pauses_grow_and_end_with_the_time_for_first_audio() -> None:
    fault = Fault(kind="error", code=3003, times=ALWAYS)
    async with speaking(fault, engine={"first_audio_timeout": 0.5}) as (service, engine):
        with pytest.raises(HeraldError):
            await say(engine)
        times = [entry.time_ns / 1e9 for entry in service.all("fault")]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(pauses) >= 2
    assert all(pause >= 0.02 * 2**number for number, pause in enumerate(pauses))
    assert times[-1] - times[0] < 0.5


@pytest.mark.parametrize("code", [3003, 3005, 3006, 3030, 3031, 3032, 3040])
async def test_nothing_is_tried_again_once_audio_was_heard(code: int) -> None:
    said = Said()
    async with speaking(Fault(kind="error", code=code, message="oh", on="audio", after=0.4)) as (service, engine):
        with pytest.raises(HeraldError, match="oh"):
            await listen(said, engine)
    assert len(service.all("request")) == 1
    assert 0 < len(said.audio) < len(pcm())
    assert pcm().startswith(bytes(said.audio))


async def test_a_sentence_with_nothing_to_say_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    fault = Fault(kind="error", code=3011, where="kettle")
    async with speaking(fault) as (service, engine):
        said = await say(engine, f"{TEXT} Thank you.")
    assert bytes(said.audio) == pcm("Thank you.")
    assert said.sentences == ["Thank you."]
    assert len(service.all("request")) == 2
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "left out" in warning.getMessage()
    assert "kettle" not in warning.getMessage()


ECHOES = (
    f"illegal text: {TEXT} at 3",
    "cannot say 'kettle is boiling'",
    '{"text": "kettle is boiling now", "why": "no"}',
)


@pytest.mark.parametrize("message", ECHOES)
async def test_text_that_the_service_repeats_is_not_repeated(message: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, error = await failing(Fault(kind="error", code=3050, message=message), utterance())
    logged = "".join(record.getMessage() for record in caplog.records)
    for said in (str(error), logged):
        assert "boiling" not in said
        assert "access-token" not in said
    assert "3050" in str(error)


def test_words_of_the_service_are_shortened() -> None:
    asked = Asked(engine="openspeech", voice=BIG, route=route(BIG, {}))
    said = str(failed(Failure(code=3005, message=f"{'oh ' * 300}end"), asked).error)
    assert len(said) < 700
    assert "…" in said
    assert "end" not in said


async def test_a_voice_2_is_not_told_about_a_cluster() -> None:
    _, error = await failing(Fault(kind="error", code=3031, message="Init Engine Instance failed"), utterance(SECOND))
    assert "resource id seed-tts-2.0" in str(error)
    assert "cluster" not in str(error)
