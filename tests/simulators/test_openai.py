"""The simulator of OpenAI-compatible services, heard by clients of their own: aiohttp's, OpenAI's, a bare socket."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
import wave
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from aiohttp import ClientError, ClientPayloadError, ClientResponse, ClientSession, ClientTimeout, ServerDisconnectedError

from .checks import decoded
from .openai import CANNED, KEY, PROFILES, Fault, OpenAISimulator, simulator, spoken

ROOT = Path(__file__).parent.parent.parent
TEXT = "Good morning."
SOVITS = {"text": TEXT, "text_lang": "en", "ref_audio_path": "voices/one.wav", "prompt_lang": "en"}
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "wav"},
    "kokoro": {"model": "kokoro", "input": TEXT, "voice": "af_heart", "response_format": "wav"},
    "speaches": {"model": "speaches-ai/Kokoro-82M-v1.0-ONNX", "input": TEXT, "voice": "af_heart", "response_format": "wav"},
    "vllm-omni": {"input": TEXT, "voice": "vivian", "response_format": "wav", "stream_format": "audio"},
    "index-tts-vllm": {"input": TEXT, "voice": "dad"},
    "gpt-sovits": {**SOVITS, "streaming_mode": True},
}
HEADER = {"kokoro": 78, "speaches": 78}
"""Bytes of WAV headers that are not 44 long."""


class Heard(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def posted(service: OpenAISimulator, body: Any = None, key: str = KEY) -> AsyncIterator[ClientResponse]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        sent = BODIES[service.profile.name] if body is None else body
        async with session.post(service.speech_url, json=sent, headers=headers, allow_redirects=False) as response:
            yield response


async def post(service: OpenAISimulator, body: Any = None, key: str = KEY) -> Heard:
    async with posted(service, body, key) as response:
        return Heard(response.status, dict(response.headers), await response.read())


async def get(url: str, key: str = KEY) -> Heard:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with ClientSession() as session, session.get(url, headers=headers) as response:
        return Heard(response.status, dict(response.headers), await response.read())


# What each server does


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_speaks_at_its_rate(profile: str) -> None:
    async with simulator(profile) as service:
        heard = await post(service)
        row = service.profile
        assert heard.status == 200
        assert heard.headers["Content-Type"] == "audio/wav"
        assert int.from_bytes(heard.body[24:28], "little") == row.rate
        assert heard.body[HEADER.get(profile, 44) :] == spoken(TEXT, row.rate)
        [request] = service.spoken
        assert request.came < request.answered < request.first < request.ended
        assert request.body == BODIES[profile]
        assert request.text == TEXT
        assert not request.gone


@pytest.mark.parametrize("says", ["endless", "zero", "true"])
async def test_a_wav_header_says_of_its_length_what_was_asked_for(says: str) -> None:
    async with simulator("openai", wav_size=says, rate=48_000) as service:
        heard = await post(service)
    length = len(spoken(TEXT, 48_000))
    expected = {"endless": (0xFFFFFFFF, 0xFFFFFFFF), "zero": (36, 0), "true": (36 + length, length)}[says]
    assert (int.from_bytes(heard.body[4:8], "little"), int.from_bytes(heard.body[40:44], "little")) == expected
    if says == "true":
        with wave.open(io.BytesIO(heard.body)) as file:
            assert file.getparams()[:4] == (1, 2, 48_000, length // 2)


@pytest.mark.parametrize("kind", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
async def test_every_format_plays(kind: str) -> None:
    async with simulator("kokoro") as service:
        heard = await post(service, {**BODIES["kokoro"], "response_format": kind})
    if kind == "pcm":
        assert heard.body == spoken(TEXT, 24_000)
        return
    assert decoded(heard.body) == pytest.approx(0.06 * len(TEXT), abs=0.1)


async def test_a_whole_answer_tells_its_length_and_a_streamed_one_does_not() -> None:
    async with simulator("kokoro") as service:
        streamed = await post(service)
        whole = await post(service, {**BODIES["kokoro"], "stream": False})
    assert "Content-Length" not in streamed.headers
    assert int(whole.headers["Content-Length"]) == len(whole.body)
    assert int.from_bytes(whole.body[4:8], "little") == len(whole.body) - 8


async def test_speed_makes_it_shorter() -> None:
    async with simulator("openai") as service:
        heard = await post(service, {**BODIES["openai"], "speed": 2.0})
    assert heard.body[44:] == spoken(TEXT, 24_000, 2.0)


@pytest.mark.parametrize(
    ("profile", "asks"),
    [("vllm-omni", {"stream": True}), ("vllm-omni", {"stream_format": "sse"}), ("speaches", {"stream_format": "sse"})],
)
async def test_events_come_where_they_are_asked_for(profile: str, asks: dict[str, Any]) -> None:
    body = {key: value for key, value in BODIES[profile].items() if key != "stream_format"}
    async with simulator(profile) as service:
        heard = await post(service, {**body, **asks, "response_format": "pcm"})
    assert heard.headers["Content-Type"] == "text/event-stream"
    events = [json.loads(line.removeprefix("data: ")) for line in heard.body.decode().split("\n\n") if line]
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert events[-1]["type"] == "speech.audio.done"
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == spoken(TEXT, service.profile.rate)


async def test_vllm_streams_audio_though_stream_is_set_too() -> None:
    async with simulator("vllm-omni") as service:
        heard = await post(service, {**BODIES["vllm-omni"], "stream": True})
    assert heard.body[44:] == spoken(TEXT, 44_100)


async def test_vllm_streams_at_no_other_speed() -> None:
    async with simulator("vllm-omni") as service:
        heard = await post(service, {**BODIES["vllm-omni"], "speed": 1.5})
        assert heard.status == 400
        assert heard.json["error"]["code"] == 400
        assert "speed" in service.requests[0].refused.lower()


async def test_gpt_sovits_is_asked_by_get_too() -> None:
    async with simulator("gpt-sovits") as service, ClientSession() as session:
        query = {**SOVITS, "text": "12", "streaming_mode": "true", "speed_factor": "1.0"}
        async with session.get(service.speech_url, params=query) as response:
            assert await response.read() == await reference("12")
        assert service.requests[0].body == {**SOVITS, "text": "12", "streaming_mode": True, "speed_factor": 1.0}


async def reference(text: str) -> bytes:
    async with simulator("gpt-sovits") as service:
        return (await post(service, {**BODIES["gpt-sovits"], "text": text})).body


VOICES: dict[str, Any] = {
    "kokoro": {"voices": [{"id": "one", "name": "one"}]},
    "speaches": {"voices": [{"name": "one", "language": "en-us", "gender": "female", "id": "one"}], "object": "list"},
    "vllm-omni": {"voices": ["one"], "uploaded_voices": []},
    "index-tts-vllm": {"one": ["assets/one.wav"]},
}


@pytest.mark.parametrize("profile", PROFILES)
async def test_voices_are_listed_in_each_servers_shape_or_nowhere(profile: str) -> None:
    async with simulator(profile, voices=("one",)) as service:
        heard = await get(service.voices_url)
        assert heard.status == (200 if profile in VOICES else 404)
        if profile in VOICES:
            assert heard.json == VOICES[profile]
            service.change(voices=())
            assert heard.json != (await get(service.voices_url)).json


# What they refuse


WRONG = {
    "openai": (400, 400, 400, 400),
    "kokoro": (422, 422, 422, 400),
    "speaches": (422, 422, 422, 422),
    "vllm-omni": (400, 400, 400, 400),
    "index-tts-vllm": (500, 500, 500, 404),
    "gpt-sovits": (400, 422, 422, 400),
}
"""Status of a missing text, a wrong type, an unknown field and an unknown voice."""


@pytest.mark.parametrize("profile", PROFILES)
async def test_each_refuses_in_its_own_shape(profile: str) -> None:
    async with simulator(profile, whole=True) as service:
        row, body = service.profile, BODIES[profile]
        wrong = [{**body, row.text: None}, {**body, row.text: 5}, {**body, "surprise": 1}, {**body, row.voice: "nobody"}]
        told = [await post(service, sent) for sent in wrong]
        assert tuple(heard.status for heard in told) == WRONG[profile]
        assert all(isinstance(heard.json, dict) for heard in told)
        assert all(request.refused for request in service.requests)
        assert not any(request.first for request in service.requests)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": "x" * 4097}, 400),
        ({"speed": 5}, 400),
        ({"speed": "1"}, 400),
        ({"speed": True}, 400),
        ({"response_format": "ogg"}, 400),
        ({"input": "  "}, 400),
        ({"model": "gpt-9"}, 404),
        ({"instructions": "Whisper."}, 400),
        ({"model": "gpt-4o-mini-tts", "instructions": "Whisper."}, 200),
        ({"voice": {"id": "alloy"}}, 200),
    ],
)
async def test_openai_looks_at_every_field(body: dict[str, Any], status: int) -> None:
    async with simulator() as service:
        assert (await post(service, {**BODIES["openai"], **body})).status == status


async def test_a_field_more_may_be_allowed() -> None:
    async with simulator(extra_fields=("seed",)) as service:
        assert (await post(service, {**BODIES["openai"], "seed": 1})).status == 200


async def test_no_json_is_refused() -> None:
    async with simulator("kokoro") as service, ClientSession() as session:
        async with session.post(service.speech_url, data=b"{") as response:
            assert response.status == 422
        assert service.requests[0].body == b"{"


@pytest.mark.parametrize(("key", "status"), [("", 401), ("sk-wrong", 401), (KEY, 200)])
async def test_a_key_is_needed_where_the_profile_says_so(key: str, status: int) -> None:
    async with simulator() as service:
        assert (await post(service, key=key)).status == status
    async with simulator(key="") as service:
        assert (await post(service, key=key)).status == 200


async def test_a_voice_that_is_not_there_breaks_a_streamed_answer_of_speaches() -> None:
    async with simulator("speaches") as service:
        with pytest.raises(ClientPayloadError):
            await post(service, {**BODIES["speaches"], "voice": "nobody"})
        assert "nobody" in service.requests[0].refused


async def test_a_path_that_is_not_there_is_not_found() -> None:
    async with simulator("index-tts-vllm") as service:
        assert (await get(service.url + "/v1/audio/voices")).status == 404
        assert (await get(service.speech_url)).status == 404


# What goes wrong


@pytest.mark.parametrize("name", CANNED)
async def test_usual_faults_strike_once(name: str) -> None:
    fault = CANNED[name]
    async with simulator() as service:
        service.faults.add(fault)
        first, second = await post(service), await post(service)
        assert first.status == (fault.status if fault.kind != "mislabel" else 200)
        assert all(first.headers[key] == value for key, value in fault.headers.items())
        assert service.faults.struck == [fault]
        assert second.body[44:] == spoken(TEXT, 24_000)


async def test_a_fault_strikes_as_often_as_it_says_and_only_where_it_fits() -> None:
    async with simulator() as service:
        service.faults.add(replace(CANNED["rate limit"], times=2, where="evening"))
        statuses = [
            (await post(service, {**BODIES["openai"], "input": text})).status for text in ("evening", TEXT, "evening", "evening")
        ]
        assert statuses == [429, 200, 429, 200]


@pytest.mark.parametrize("kind", ["drop", "reset"])
async def test_a_connection_ends_before_the_answer(kind: Any) -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind=kind))
        with pytest.raises((ServerDisconnectedError, ClientError)):
            await post(service)
        assert service.requests[0].broken


@pytest.mark.parametrize("kind", ["drop", "reset", "bad chunk"])
@pytest.mark.parametrize("whole", [False, True])
async def test_a_body_breaks_off_mid_audio(kind: Any, whole: bool) -> None:
    async with simulator(whole=whole) as service:
        service.faults.add(Fault(kind=kind, on="audio", after=0.3))
        with pytest.raises(ClientError):
            await post(service)
        request = await service.saw("broken")
        assert request.seconds == pytest.approx(0.3)


async def test_a_body_that_was_cut_ends_as_if_all_were_well() -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind="cut", on="audio", after=0.3, body=b"sorry"))
        heard = await post(service)
    assert heard.body[44:] == spoken(TEXT, 24_000)[: 3 * 4800] + b"sorry"


@pytest.mark.parametrize(("on", "where"), [("headers", 0), ("audio", 44), ("end", -5)])
async def test_something_stands_in_the_middle_of_the_audio(on: Any, where: int) -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind="insert", on=on, body="sorry"))
        body = (await post(service)).body
    assert body[where:][:5] == b"sorry"
    assert body.replace(b"sorry", b"", 1)[44:] == spoken(TEXT, 24_000)


@pytest.mark.parametrize("on", ["request", "headers", "audio", "end"])
async def test_a_stall_ends_when_it_may(on: Any) -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind="stall", on=on))
        answer = asyncio.create_task(post(service))
        await service.faults.strike()
        assert not service.requests[0].ended
        assert bool(service.requests[0].answered) is (on != "request")
        assert bool(service.requests[0].first) is (on == "end")
        service.faults.go_on()
        assert (await answer).body[44:] == spoken(TEXT, 24_000)


async def test_half_a_head_comes_and_no_more() -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind="half head"))
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert b"HTTP/1.1 200 OK\r\nContent" in await reader.readuntil(b"Content")
        service.faults.go_on()
        assert b"\r\n\r\n" not in await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_a_body_comes_in_odd_cuts() -> None:
    async with simulator(cuts=(1,) * 44, split=333) as service, posted(service) as response:
        parts = [part async for part, _ in response.content.iter_chunks()]
    assert b"".join(parts)[44:] == spoken(TEXT, 24_000)
    assert len(parts) > 44
    assert max(map(len, parts[:44])) < 44


async def test_faults_strike_lists_of_voices_too() -> None:
    async with simulator("kokoro") as service:
        service.faults.add(Fault(kind="error", of="voices", status=500))
        assert (await get(service.voices_url)).status == 500
        assert (await get(service.voices_url)).status == 200
        assert not service.spoken


def test_a_fault_that_makes_no_sense_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="answer on audio"):
        Fault(kind="answer", on="audio")
    with pytest.raises(ValueError, match="drop on audio of voices"):
        Fault(kind="drop", on="audio", of="voices")


# What is seen


@pytest.mark.parametrize("stage", ["request", "headers", "audio"])
async def test_a_client_that_leaves_is_seen_wherever_the_answer_is(stage: Any) -> None:
    async with simulator() as service:
        service.faults.add(Fault(kind="stall", on=stage))
        answer = asyncio.create_task(post(service))
        await service.faults.strike()
        answer.cancel()
        gone = await service.saw("gone")
        assert gone.gone > gone.came
        assert not gone.ended


async def test_a_client_that_leaves_between_pieces_is_seen_long_before_the_end() -> None:
    async with simulator(pace=0.1) as service:
        async with posted(service) as response:
            await response.content.readexactly(45)
            response.close()
        gone = await service.saw("gone")
        assert gone.seconds <= 0.2


async def test_two_answers_on_one_connection_are_known_as_such() -> None:
    async with simulator("kokoro") as service, ClientSession() as session:
        for _ in range(2):
            async with session.post(service.speech_url, json=BODIES["kokoro"]) as response:
                await response.read()
        await get(service.voices_url)
        first, second, third = (request.connection for request in service.requests)
        assert first == second != third


async def test_what_is_seen_can_be_waited_for_and_is_told() -> None:
    seen = []
    async with simulator() as service:
        service.on_moment(lambda moment, request: seen.append((moment, request.number)))
        waiting = asyncio.create_task(service.saw("ended", 2))
        await post(service)
        assert not waiting.done()
        await post(service)
        assert (await waiting).number == 2
        with pytest.raises(TimeoutError):
            await service.saw("gone", within=0)
    assert seen[:4] == [("came", 1), ("answered", 1), ("first", 1), ("ended", 1)]


# OpenAI's own client


@asynccontextmanager
async def client(service: OpenAISimulator, key: str = KEY) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=service.base_url, api_key=key, max_retries=0) as client:
        yield client


async def test_openais_client_streams_speech() -> None:
    async with simulator() as service, client(service) as openai_client:
        asked = openai_client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="nova", input=TEXT, response_format="pcm", instructions="Whisper."
        )
        async with asked as response:
            assert b"".join([part async for part in response.iter_bytes()]) == spoken(TEXT, 24_000)
        assert [model.id async for model in openai_client.models.list()] == list(service.models)


async def test_openais_client_knows_the_errors() -> None:
    async with simulator() as service:
        async with client(service, "sk-wrong") as openai_client:
            with pytest.raises(openai.AuthenticationError):
                await openai_client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
        async with client(service) as openai_client:
            with pytest.raises(openai.BadRequestError, match="Input should be 'alloy'"):
                await openai_client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
            service.faults.add(CANNED["rate limit"])
            with pytest.raises(openai.RateLimitError):
                await openai_client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)


# As a process


async def test_it_runs_as_a_process_that_tells_what_it_sees() -> None:
    command = [sys.executable, "-m", "tests.simulators.openai", "--profile", "kokoro", "--rate", "16000"]
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)
    assert child.stdout is not None
    async with asyncio.timeout(30):
        port = int(await child.stdout.readline())
        url = f"http://127.0.0.1:{port}/v1/audio/speech"
        async with ClientSession() as session, session.post(url, json=BODIES["kokoro"]) as response:
            assert (await response.read())[78:] == spoken(TEXT, 16_000)
        out, _ = await child.communicate(b"")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["moment"] for line in lines] == ["came", "answered", "first", "ended"]
    assert lines[-1]["text"] == TEXT
    assert child.returncode == 0
