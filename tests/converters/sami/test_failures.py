"""The service's errors, in words for the user, told after the audio that came before them; and what is tried again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.converters.sami.failures import failed, refused
from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    QuotaExceeded,
    VoiceRefused,
)
from wyoming_server.protocols.sami import Told
from wyoming_server.upstream.failures import Asked
from wyoming_server.upstream.websocket import HandshakeRefused

from ...simulators.sami import SAMI
from ...simulators.sami import Told as Says
from ...writing import Writer, written
from ..speech import Listener, converted, cut
from .converting import SPEAKER, Fault, SamiConverter, at, conversion, other, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ASKED = Asked(peer="SAMI", voice=SPEAKER, how="16000 to 24000 Hz")
ROWS: list[tuple[int, str, type[EngineError], str]] = [
    (40_000_010, "InvalidData", EngineError, "cannot use the audio"),
    (40_000_011, "EmptyData", EngineError, "cannot use the audio"),
    (40_000_012, "IllegalData", EngineError, "cannot use the audio"),
    (40_000_013, "ExceededDuration", EngineError, "more audio than the service takes"),
    (40_000_016, "ExceededDataSize", EngineError, "more audio than the service takes"),
    (40_000_020, "InvalidPayload", EngineError, "does not take what it was asked"),
    (40_000_022, "IllegalPayload", EngineError, f"check the speaker {SPEAKER}"),
    (40_000_022, "IllegalPayload:InvalidSpeaker", VoiceRefused, f"no speaker {SPEAKER}"),
    (40_200_001, "InvalidAppkey", CredentialsRefused, "check appkey"),
    (40_200_002, "", CredentialsRefused, "token"),
    (40_200_003, "", CredentialsRefused, "token"),
    (40_200_004, "", CredentialsRefused, "has expired"),
    (40_200_014, "", QuotaExceeded, "not opened for this account, or the account is in arrears"),
    (40_300_000, "Too many requests", EngineBusy, "at the same time"),
    (50_000_000, "InternalError", EngineUnavailable, "failed inside"),
    (55_000_000, "", EngineUnavailable, "failed inside"),
    (49_999_999, "news", EngineError, "its documents do not tell"),
]


@pytest.mark.parametrize(("code", "words", "error", "says"), ROWS)
def test_a_status_is_told_in_words_with_the_services_own(code: int, words: str, error: type[EngineError], says: str) -> None:
    found = failed(Told(status_code=code, status_text=words), ASKED, token="secret")
    assert type(found.error) is error
    assert says in str(found.error)
    assert f"SAMI said: {code} {words!r} (voice {SPEAKER}, 16000 to 24000 Hz)." in str(found.error)


HANDSHAKES: list[tuple[int, str, type[EngineError], str]] = [
    (400, '{"status_code": 40000022, "status_text": "IllegalPayload:InvalidSpeaker"}', VoiceRefused, "no speaker"),
    (400, '{"code":"40200014"}', QuotaExceeded, "arrears"),
    (400, "", EngineUnavailable, "check `url`"),
    (401, "", CredentialsRefused, "token"),
    (404, "", EngineUnavailable, "check `url`"),
    (429, "", EngineBusy, "at the same time"),
    (503, "", EngineUnavailable, "not there just now"),
]


@pytest.mark.parametrize(("status", "body", "error", "says"), HANDSHAKES)
def test_a_refused_handshake_is_told_by_the_code_in_its_body(status: int, body: str, error: type[EngineError], says: str) -> None:
    found = refused(HandshakeRefused(status, body, {}), ASKED, token="secret")
    assert type(found.error) is error
    assert says in str(found.error)


def test_a_token_that_the_service_repeats_is_not_told() -> None:
    found = failed(Told(status_code=40_200_003, status_text="bad token abc-def!"), ASKED, token="abc-def")
    assert "abc-def" not in str(found.error)


async def fails(converter: SamiConverter, error: type[EngineError], words: str, *pieces: bytes) -> bytes:
    """What was heard before it did."""
    listener = Listener(converter, written(*(pieces or (pcm(),))), conversion())
    with pytest.raises(error, match=words):
        await listener.end()
    return bytes(listener.audio)


@pytest.mark.parametrize("how", ["failed", "status", "body"])
async def test_a_speaker_that_there_is_not_is_told_however_the_service_says_it(how: Any) -> None:
    async with at(invalid_speaker=how, speakers=("somebody",)) as (service, converter):
        await fails(converter, VoiceRefused, f"no speaker {SPEAKER}")
        assert len(service.all("handshake")) == 1


async def test_a_speaker_that_is_refused_in_the_handshake_is_told() -> None:
    async with at(Fault(kind="refuse", on="handshake", told=SAMI["speaker"])) as (_, converter):
        await fails(converter, VoiceRefused, f"no speaker {SPEAKER}")


@pytest.mark.parametrize("kind", ["error", "status"])
@pytest.mark.parametrize("on", ["start", "started", "input", "output", "finish", "end"])
async def test_a_failure_at_any_point_ends_it_with_the_task_id(kind: Any, on: Any) -> None:
    fault = Fault(kind=kind, on=on, told=Says(code=40_000_012, message="IllegalData"), times=9)
    async with at(fault) as (service, converter):
        await fails(converter, EngineError, r"cannot use the audio.*IllegalData.*task id [0-9a-f]{32}")
        await service.saw("closed")
        assert len(service.all("handshake")) == 1, "what the table does not say is not tried again"


async def test_audio_before_a_failure_is_heard() -> None:
    async with at(Fault(kind="error", on="end"), last="before", piece=0) as (_, converter):
        assert await fails(converter, EngineUnavailable, "failed inside", *cut(pcm(), 3200)) == other(pcm())


async def test_a_service_that_ends_too_early_is_told() -> None:
    async with at(Fault(kind="early end", on="output", after=0.2), piece=0) as (_, converter):
        writer = Writer(*cut(pcm(), 3200))
        listener = Listener(converter, writer, conversion())
        with pytest.raises(EngineUnavailable, match="before all speech was sent"):
            await listener.end()
        assert other(pcm()).startswith(bytes(listener.audio))


@pytest.mark.parametrize("kind", ["close", "drop", "reset"])
@pytest.mark.parametrize("on", ["started", "input", "output", "finish", "end"])
async def test_a_connection_that_ends_too_early_is_told_and_not_tried_again(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on)) as (service, converter):
        await fails(converter, EngineUnavailable, "closed the connection.*The speech is not complete")
        assert len(service.all("handshake")) == 1


@pytest.mark.parametrize("kind", ["close", "drop", "reset", "error"])
async def test_a_task_that_ends_while_it_waits_for_speech_is_begun_anew_when_there_is_some(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "wyoming_server.converters")
    async with at(Fault(kind=kind, on="started")) as (service, converter):
        writer = Writer[bytes]()
        listener = Listener(converter, writer, conversion())
        async with asyncio.timeout(5):
            while "another is begun" not in caplog.text:  # noqa: ASYNC110  # nothing else tells
                await asyncio.sleep(0)
        writer.write(pcm())
        writer.end()
        await listener.end()
        assert bytes(listener.audio) == other(pcm())
        assert len(service.all("handshake")) == 2


@pytest.mark.parametrize("fault", [("drop", "handshake"), ("refuse", "handshake"), ("reset", "start"), ("error", "start")])
async def test_before_the_task_is_begun_it_is_tried_again(fault: tuple[Any, Any]) -> None:
    kind, on = fault
    async with at(Fault(kind=kind, on=on, status=503)) as (service, converter):
        assert await converted(converter, pcm(), conversion=conversion()) == other(pcm())
        assert len(service.all("handshake")) == 2
        assert service.tasks[-1].heard == pcm()


async def test_a_service_that_is_not_there_is_told_after_some_tries() -> None:
    async with at() as (_, converter):
        pass
    async with at(converter={"url": converter.options["url"]}) as (_, converter):
        await fails(converter, EngineUnavailable, "SAMI cannot be reached")


@pytest.mark.parametrize("kind", ["garbage text", "no object", "bad base64", "oversized"])
@pytest.mark.parametrize("on", ["started", "output", "end"])
async def test_what_is_not_the_protocol_is_told(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on)) as (_, converter):
        await fails(converter, EngineError, "cannot be read|more than is read")


@pytest.mark.parametrize("kind", ["nulls", "unknown event", "odd types"])
@pytest.mark.parametrize("on", ["start", "started", "output", "end"])
async def test_messages_that_say_nothing_are_passed_over(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on)) as (_, converter):
        assert await converted(converter, pcm(), conversion=conversion()) == other(pcm())


async def test_half_a_sample_at_the_very_end_is_not_heard() -> None:
    async with at(Fault(kind="odd bytes", on="started")) as (_, converter):
        heard = await converted(converter, pcm(), conversion=conversion())
        assert len(heard) == len(pcm()) + 480


# In time

LATE: list[tuple[str, dict[str, Any], str]] = [
    ("handshake", {"connect_timeout": 0.1}, r"did not accept a connection within 0\.1 s"),
    ("start", {"connect_timeout": 0.1}, r"did not begin a session within 0\.1 s"),
    ("input", {"first_audio_timeout": 0.1}, r"sent no audio within 0\.1 s"),
    ("finish", {"first_audio_timeout": 0.1}, r"sent no audio within 0\.1 s"),
    ("end", {"finish_timeout": 0.1}, r"did not end the conversion: nothing came for 0\.1 s"),
]


@pytest.mark.parametrize(("on", "options", "words"), LATE)
async def test_a_service_that_says_nothing_is_told(on: Any, options: dict[str, Any], words: str) -> None:
    hold = 60 if on == "finish" else 0
    async with at(Fault(kind="stall", on=on), converter=options, piece=0, hold=hold) as (service, converter):
        await fails(converter, EngineTimeout, words)
        service.faults.go_on()


async def test_a_service_that_stops_in_the_middle_is_told() -> None:
    options = {"gap_timeout": 0.1, "release": 0.02, "window": 0.3}
    async with at(Fault(kind="stall", on="output", after=0.2), converter=options, piece=0) as (service, converter):
        listener = Listener(converter, Writer(*cut(pcm(3), 3200)), conversion())
        with pytest.raises(EngineTimeout, match=r"sent no more audio within 0\.1 s"):
            await listener.end()
        service.faults.go_on()


async def test_a_writer_who_pauses_is_not_the_services_fault() -> None:
    options = {"first_audio_timeout": 0.1, "gap_timeout": 0.1}
    async with at(hold=0.3, converter=options) as (_, converter):
        writer = Writer(pcm(0.2))
        listener = Listener(converter, writer, conversion())
        for seconds in (0.7, 1.2):
            await asyncio.sleep(0.15)  # longer than the service may take
            writer.write(pcm(seconds)[len(pcm(0.2 if seconds == 0.7 else 0.7)) :])
        await asyncio.sleep(0.15)
        writer.end()
        assert await listener.end() == other(pcm(1.2))


async def test_a_listener_who_pauses_is_not_the_services_fault() -> None:
    async with at(converter={"gap_timeout": 0.1, "finish_timeout": 0.1, "window": 60}, piece=0) as (_, converter):
        pieces = converter.convert(written(*cut(pcm(3), 640)), conversion())
        heard = await anext(pieces)
        await asyncio.sleep(0.25)
        async for piece in pieces:
            heard += piece
        assert heard == other(pcm(3))


async def test_after_a_pause_of_the_listener_the_service_has_all_its_time() -> None:
    stall = Fault(kind="stall", on="end")
    async with at(stall, converter={"finish_timeout": 0.2, "window": 60}, piece=0, last="before") as (service, converter):
        pieces = converter.convert(written(*cut(pcm(1), 3200)), conversion())
        heard = await anext(pieces)  # eight wait for the listener, and the reader for a place for the tenth
        await asyncio.sleep(0.3)
        for _ in range(9):
            heard += await anext(pieces)
        asyncio.get_running_loop().call_later(0.02, service.faults.go_on)
        async for piece in pieces:
            heard += piece
        assert heard == other(pcm(1))


async def test_a_missing_end_is_waited_for_as_long_as_may_be() -> None:
    async with at(Fault(kind="missing", on="end"), converter={"finish_timeout": 0.1}, last="before") as (_, converter):
        assert await fails(converter, EngineTimeout, "did not end the conversion") == other(pcm())
