"""What the user reads when a server fails, what is tried again before he does, and what closing a reply does to its request."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    TextTooLong,
    VoiceRefused,
)

from ...standstill import awake
from .speaking import CANNED, TEXT, VOICES, Fault, Listener, at, hear, how, made, simulator, spoken, written

LONG = "The kettle is boiling now, and somebody should take it off the stove before the kitchen is full of steam."
QUOTA = {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}}


def answer(status: int, body: Any, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(kind="answer", status=status, body=body, headers=named, times=99)


def detail(words: str) -> dict[str, Any]:
    return {"detail": [{"type": "string_too_long", "loc": ["body", "input"], "msg": words, "input": TEXT}]}


NO_MODEL = {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}
TRACEBACK = {"status": "error", "error": "Traceback (most recent call last):\n  x\nValueError: 7\n"}
TOLD = [
    (answer(401, {"error": {"message": "Incorrect API key provided: sk-simu****ator."}}), CredentialsRefused, "`api_key`", 1),
    (answer(403, {"detail": "Not authenticated"}), CredentialsRefused, "what it is allowed to do", 1),
    (answer(429, QUOTA), QuotaExceeded, "used up", 1),
    (answer(404, NO_MODEL), EngineError, "set `model`", 1),
    (answer(404, "404 page not found"), EngineUnavailable, "check `url` and `profile`", 1),
    (answer(404, "<html><title>Nothing</title></html>", Content_Type="text/html"), EngineUnavailable, "said: 404 web page", 1),
    (answer(422, detail("String should have at most 4096 characters")), TextTooLong, "use shorter sentences", 1),
    (answer(413, ""), TextTooLong, "too long for one request", 1),
    (answer(400, {"message": "tts failed", "Exception": "参考音频在3~10秒范围外"}), VoiceRefused, "参考音频", 1),
    (answer(418, {"message": "teapot"}), EngineError, "finds the request invalid", 1),
    (answer(500, TRACEBACK), EngineUnavailable, "'ValueError: 7'", 3),
    (replace(CANNED["redirect"], times=99), EngineUnavailable, "another address", 1),
    (replace(CANNED["html with status 502"], times=3), EngineUnavailable, "502 web page '502 Bad Gateway'", 4),
    (replace(CANNED["html with status 200"], times=99), EngineUnavailable, "A web page came instead of audio", 1),
    (replace(CANNED["json error with status 200"], times=99), EngineUnavailable, "out of memory", 3),
    (replace(CANNED["flat json error with status 200"], times=99), EngineError, "'The engine is out of memory.'", 2),
    (replace(CANNED["garbage"], times=99), EngineError, "no audio that Herald reads", 2),
]  # fmt: skip


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("fault", "error", "words", "attempts"), TOLD, ids=[f"{fault.status} {words}" for fault, _, words, _ in TOLD]
)
async def test_every_failure_is_told_in_words(fault: Fault, error: type[HeraldError], words: str, attempts: int) -> None:
    async with at("openai", fault) as (service, engine):
        if attempts == 4:  # the service comes back
            assert (await hear(engine)).audio == spoken(TEXT, 24_000)
        else:
            with pytest.raises(error) as raised:
                await hear(engine)
            assert type(raised.value) is error
            assert words in str(raised.value)
            assert "model gpt-4o-mini-tts" in str(raised.value)
        assert len(service.spoken) == attempts


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("profile", sorted(VOICES))
async def test_a_voice_that_is_not_there_is_told_whoever_says_so(profile: str) -> None:
    late = {"gpt-sovits", "speaches"}  # these break the answer off instead
    async with at(profile, voices=("other",)) as (_, engine):
        with pytest.raises(EngineUnavailable if profile in late else VoiceRefused, match=VOICES[profile].split("/")[0]):
            await hear(engine, utterance=how(VOICES[profile]))


async def test_a_key_that_is_refused_is_told_without_the_key() -> None:
    async with at(engine={"api_key": "sk-wrong-and-long-1234"}) as (_, engine):
        with pytest.raises(CredentialsRefused, match=r"OpenAI|127.0.0.1") as raised:
            await hear(engine)
        assert "sk-" not in str(raised.value)
        with pytest.raises(CredentialsRefused, match="`api_key`"):
            await engine.verify()


async def test_neither_text_nor_credentials_are_repeated() -> None:
    secret = "The safe opens with 4711."
    body = {"error": {"message": f"Cannot say '{secret}' for sk-simulator and header-secret"}}
    async with at("openai", answer(400, body), engine={"headers": {"X-Gate": "header-secret"}}) as (service, engine):
        with pytest.raises(EngineError, match="Cannot say") as raised:
            await hear(engine, secret)
        assert not any(word in str(raised.value) for word in ("4711", "sk-simulator", "header-secret"))
        assert service.spoken[0].headers["X-Gate"] == "header-secret"


async def test_a_token_in_a_header_or_the_address_is_not_repeated_either() -> None:
    body = {"error": {"message": "No entry for 0123456789abc and query-secret."}}
    headers = {"Authorization": "Bearer 0123456789abc"}
    async with simulator("kokoro", key="") as service:
        service.faults.add(answer(400, body))
        url = f"{service.url}/v1?code=query-secret"
        async with made(profile="kokoro", url=url, headers=headers) as engine:
            with pytest.raises(EngineError, match="No entry") as raised:
                await hear(engine, utterance=how("af_heart"))
    assert not any(word in str(raised.value) for word in ("0123456789abc", "query-secret"))


def test_a_key_may_stand_in_a_header() -> None:
    made(headers={"authorization": "Bearer sk-1"})._address.check()  # noqa: SLF001  # the vendor is not asked from here


async def test_a_vendor_without_a_key_is_not_even_asked() -> None:
    async with made() as engine:
        with pytest.raises(CredentialsRefused, match="OpenAI needs an API key"):
            await hear(engine)
        with pytest.raises(CredentialsRefused, match="OpenAI needs an API key"):
            await engine.verify()


async def test_a_busy_server_is_given_the_time_that_it_asks_for() -> None:
    fault = Fault(kind="error", status=429, message="Rate limit reached.", headers={"Retry-After": "0.4"})
    async with at("openai", fault) as (service, engine):
        assert (await hear(engine)).audio == spoken(TEXT, 24_000)
        first, second = service.spoken
        assert (second.came - first.ended) / 1e9 >= 0.4


async def test_a_server_that_is_busy_for_too_long_is_told_at_once() -> None:
    fault = Fault(kind="error", status=429, message="Rate limit reached.", headers={"Retry-After": "60"})
    async with at("openai", fault) as (service, engine):
        with pytest.raises(EngineBusy, match="lower `concurrency`"):
            await hear(engine)
        assert len(service.spoken) == 1


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "fault",
    [
        replace(CANNED["html with status 502"], times=2),
        replace(CANNED["garbage"]),
        Fault(kind="drop"),
        Fault(kind="reset"),
        Fault(kind="drop", on="headers"),
        Fault(kind="reset", on="headers"),
        Fault(kind="bad chunk", on="headers"),
        Fault(kind="error", status=503),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} on {fault.on}",
)
async def test_what_may_help_is_tried_again_before_anybody_hears(fault: Fault) -> None:
    async with at("openai", fault) as (_, engine):
        heard = await hear(engine)
        assert heard.audio == spoken(TEXT, 24_000)
        assert heard.texts() == [TEXT]


@pytest.mark.parametrize("kind", ["drop", "reset", "bad chunk"])
async def test_audio_that_breaks_off_is_no_end(kind: Any) -> None:
    async with at("openai", Fault(kind=kind, on="audio", after=0.5), pace=20) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(EngineError, match=r"The speech is not complete"):
            await listener.task
        assert listener.heard.audio
        assert len(service.spoken) == 1


async def test_a_whole_answer_that_comes_short_is_no_end() -> None:
    async with at("openai", Fault(kind="cut", on="audio", after=0.5), whole=True) as (_, engine):
        with pytest.raises(EngineUnavailable, match="The speech is not complete"):
            await hear(engine)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_server_that_closes_every_connection_is_heard_to_the_end(*, whole: bool) -> None:
    async with at(keep_alive=False, whole=whole) as (service, engine):
        texts = ["One is here.", "Two is there."]
        assert (await hear(engine, " ".join(texts))).audio == b"".join(spoken(text, 24_000) for text in texts)
        assert len({request.connection for request in service.spoken}) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="stall", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="half head", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="headers", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="audio", times=9), "sent no audio within 0.3 s"),
        (Fault(kind="stall", on="audio", after=0.5), "sent no more audio within 0.2 s"),
        (Fault(kind="stall", on="end"), "sent no more audio within 0.2 s"),
    ],
    ids=str,
)
async def test_a_server_that_falls_silent_is_told(fault: Fault, words: str) -> None:
    async with at("openai", fault, engine={"first_audio_timeout": 0.3, "gap_timeout": 0.2}) as (service, engine):
        with pytest.raises(EngineTimeout, match=words):
            await hear(engine)
        await service.saw("gone")


async def test_a_sentence_without_audio_costs_no_other() -> None:
    empty = replace(CANNED["empty"], where="Two")
    async with at("openai", empty) as (_, engine):
        heard = await hear(engine, "One is here. Two is there. Three is gone.")
        assert heard.audio == spoken("One is here.", 24_000) + spoken("Three is gone.", 24_000)


@pytest.mark.parametrize("label", ["wrong content type", "json content type on audio"])
async def test_audio_is_known_by_its_first_bytes_whatever_it_is_called(label: str) -> None:
    async with at("openai", CANNED[label]) as (_, engine):
        assert (await hear(engine)).audio == spoken(TEXT, 24_000)


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    async with made(profile="kokoro", url=f"http://127.0.0.1:{port}", first_audio_timeout=5) as engine:
        with pytest.raises(EngineUnavailable, match=f"Kokoro-FastAPI cannot be reached at 127.0.0.1:{port}"):
            await hear(engine, utterance=how("af_heart"))


async def test_a_name_that_nobody_has_is_told() -> None:
    async with made(profile="kokoro", url="http://herald.invalid:8880", first_audio_timeout=0.1) as engine:
        with pytest.raises((EngineUnavailable, EngineTimeout), match=r"cannot be found|sent no audio"):
            await hear(engine, utterance=how("af_heart"))


async def test_a_server_without_tls_is_told() -> None:
    async with at() as (service, _), made(url=service.url.replace("http:", "https:"), first_audio_timeout=5) as engine:
        with pytest.raises(EngineUnavailable, match="Check its certificate"):
            await hear(engine)


# closing


@pytest.mark.parametrize(
    "stalled",
    [Fault(kind="stall"), Fault(kind="stall", on="headers"), Fault(kind="stall", on="audio", after=0.5)],
    ids=["before the headers", "before the audio", "mid-audio"],
)
async def test_a_reply_that_is_cancelled_ends_its_request_at_once(stalled: Fault) -> None:
    async with at("openai", stalled) as (service, engine):
        listener = Listener(engine, written(LONG), how())
        await service.saw("first" if stalled.after else "answered" if stalled.on == "headers" else "came")
        if stalled.after:
            await listener.until_audio()
        begun = awake()
        await listener.stop()
        gone = await service.saw("gone")
        assert awake() - begun < 0.05
        assert not gone.ended


async def test_a_reply_that_is_closed_while_it_streams_ends_its_request_at_once() -> None:
    async with at(pace=2) as (service, engine):
        begun = awake()
        async with aclosing(engine.speak(written(LONG), how())) as events:
            async for event in events:
                if isinstance(event, bytes):
                    break
        await service.saw("gone")
        assert awake() - begun < 1


async def test_a_cancel_while_the_server_asks_to_wait_is_a_cancel() -> None:
    fault = Fault(kind="error", status=429, headers={"Retry-After": "5"})
    async with at("openai", fault) as (service, engine):
        listener = Listener(engine, written(LONG), how())
        await service.saw("ended")
        assert await listener.stop() < 1
        assert len(service.spoken) == 1


async def test_closing_the_engine_closes_every_connection() -> None:
    async with at("openai", Fault(kind="stall", on="headers", times=3)) as (service, engine):
        listeners = [Listener(engine, written(LONG), how()) for _ in range(3)]
        await service.saw("answered", 3)
        begun = awake()
        await engine.aclose()
        found = await asyncio.gather(*(listener.task for listener in listeners), return_exceptions=True)
        assert all(isinstance(error, EngineUnavailable) for error in found)
        await service.saw("gone", 3)
        assert awake() - begun < 1
