"""/v1/audio/speech with the official client: every format, voice, setting and list; then what it raises for every error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running
from wyoming_server.state.tokens import PairingToken

from ..audio.containers import read_back
from ..serving import TONE, ended, serving, tone, tone_of
from .http_client import GET
from .openai_serving import LONG, SPEECH, asked, audio, client_of, events, http_of, post

FORMATS = {
    "mp3": (Container.MP3, "audio/mpeg", 22_050),
    "opus": (Container.OGG_OPUS, "audio/ogg", 48_000),
    "aac": (Container.AAC, "audio/aac", 22_050),
    "flac": (Container.FLAC, "audio/flac", 22_050),
    "wav": (Container.WAV, "audio/wav", 22_050),
    "pcm": (Container.PCM, "audio/pcm", 24_000),
}
"""Name → container, media type, and rate (Hz) of an engine's 22050 Hz."""
CODEC_DELAY = 0.1
"""Seconds that MP3 and AAC add at low rates."""
WITH_ESPEAK = TONE.replace(", espeak: {enabled: false}", "")
STRANGER = "X-Forwarded-For: 192.0.2.7\r\n"


@pytest.fixture
async def client(server: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(server) as client:
        yield client


async def said(client: openai.AsyncOpenAI, **fields: Any) -> bytes:
    """The file that the client gets."""
    answer = await client.audio.speech.create(**{"model": "tts-1", "voice": "tone/tone", "input": "Hello.", **fields})
    return answer.content


async def pcm_of(client: openai.AsyncOpenAI, **fields: Any) -> bytes:
    """At the tone's own rate, and so without any change."""
    return await said(client, **{"response_format": "pcm", "extra_body": {"sample_rate": 22_050}, **fields})


# Formats


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_a_whole_file_of_the_right_type(client: openai.AsyncOpenAI, name: str) -> None:
    container, media_type, rate = FORMATS[name]
    answer = await client.audio.speech.create(model="tts-1", voice="alloy", input=LONG, response_format=name)  # type: ignore[arg-type]
    assert answer.response.headers["content-type"] == media_type
    read = read_back(answer.content, container, AudioFormat(rate=24_000))
    assert (read.rate, read.channels) == (rate, 1)
    assert read.frames / read.rate == pytest.approx(2, abs=CODEC_DELAY)
    middle = read.samples[read.rate // 2 : read.rate]
    assert np.abs(middle).max() == pytest.approx(16_384, rel=0.15)
    assert np.count_nonzero(np.diff(np.signbit(middle))) == pytest.approx(440, abs=4)  # half a second of 440 Hz


async def test_mp3_is_the_default(client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
    assert answer.response.headers["content-type"] == "audio/mpeg"


async def test_a_wave_file_is_what_the_engine_made(client: openai.AsyncOpenAI) -> None:
    assert (await said(client, response_format="wav"))[44:] == tone(6)


@pytest.mark.parametrize(
    ("name", "native", "rate"),
    [("mp3", 19_000, 22_050), ("aac", 19_000, 22_050), ("aac", 95_999, 96_000), ("mp3", 95_999, 48_000)],
)
async def test_a_rate_that_the_format_has_not_becomes_one_that_it_has(tmp_path: Path, name: str, native: int, rate: int) -> None:
    yaml = TONE.replace("{per_character: 0.01}", f"{{per_character: 0.01, rate: {native}}}")
    async with serving(tmp_path, yaml) as server, client_of(server) as client:
        read = read_back(await said(client, input=LONG, response_format=name), FORMATS[name][0], AudioFormat(rate=rate))
    assert read.rate == rate
    assert read.frames / rate == pytest.approx(2, abs=CODEC_DELAY)


@pytest.mark.parametrize("name", ["mp3", "wav", "flac", "pcm"])
async def test_a_rate_may_be_asked_for(client: openai.AsyncOpenAI, name: str) -> None:
    file = await said(client, input=LONG, response_format=name, extra_body={"sample_rate": 16_000})
    read = read_back(file, FORMATS[name][0], AudioFormat(rate=16_000))
    assert read.rate == 16_000
    assert read.frames / 16_000 == pytest.approx(2, abs=CODEC_DELAY)


async def test_text_that_only_an_eye_can_use_is_a_moment_of_silence(client: openai.AsyncOpenAI) -> None:
    assert await pcm_of(client, input="***") == AudioFormat(rate=22_050).silence(0.02)


# Streaming


@pytest.mark.parametrize("name", FORMATS)
async def test_audio_comes_while_the_engine_still_speaks(server: Running, client: openai.AsyncOpenAI, name: str) -> None:
    stalls: Any = {"model": "tts-1", "voice": "alloy", "input": LONG, "response_format": name}
    create = client.audio.speech.with_streaming_response.create
    async with asyncio.timeout(5), create(**stalls, extra_body={"options": {"stall_at": 0.5}}) as answer:
        received = b""
        async for data in answer.iter_bytes():
            received += data
            read = read_back(received, FORMATS[name][0], AudioFormat(rate=24_000)) if len(received) > 2_000 else None
            if read is not None and read.frames / read.rate > 0.3:
                break
        assert [event.what for event in tone_of(server).journal] == ["started"]
    await ended(tone_of(server), "cancelled")


async def test_server_sent_events_have_the_same_audio(client: openai.AsyncOpenAI) -> None:
    body = await pcm_of(client, stream_format="sse")
    told = events(body)
    assert {event["type"] for event in told[:-1]} == {"speech.audio.delta"}
    assert told[-1] == {"type": "speech.audio.done", "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}}
    assert audio(told) == tone(6)


async def test_server_sent_events_are_told_as_such(server: Running) -> None:
    async with client_of(server) as client:
        create = client.audio.speech.with_streaming_response.create
        async with create(model="tts-1", voice="alloy", input="Hello.", stream_format="sse") as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            told = events(await answer.read())
    read = read_back(audio(told), Container.MP3, AudioFormat(rate=22_050))
    assert read.frames > 0


async def test_a_connection_serves_one_reply_after_the_other(server: Running) -> None:
    async with client_of(server) as client:
        first, second = [await client.audio.speech.create(model="x", voice="alloy", input="Hello.") for _ in range(2)]
    assert first.content == second.content
    assert first.response.headers["x-session-id"] != second.response.headers["x-session-id"]


# Settings


async def test_speed_is_a_factor(client: openai.AsyncOpenAI) -> None:
    assert len(await pcm_of(client, input=LONG, speed=2)) == pytest.approx(len(tone(100)), rel=0.05)


async def test_a_speed_of_one_is_the_voices_own(tmp_path: Path) -> None:
    yaml = TONE + "voices: {hasty: {engine: tone, voice: tone, language: en, speed: 2}}"
    async with serving(tmp_path, yaml) as server, client_of(server) as client:
        assert len(await pcm_of(client, voice="hasty", input=LONG, speed=1.0)) == pytest.approx(len(tone(100)), rel=0.05)


@pytest.mark.parametrize("voice", ["tone/tone", "tone", "alloy", "en", "en-US", "", {"id": "tone/tone"}, {"id": ""}, None])
async def test_a_voice_is_found_as_in_every_front_end(client: openai.AsyncOpenAI, voice: Any) -> None:
    assert await pcm_of(client, voice=voice) == tone(6)


async def test_what_openai_does_not_have_is_taken_too(server: Running, client: openai.AsyncOpenAI) -> None:
    extra = {"sample_rate": 22_050, "language": "en-US", "options": {"frequency": 880}, "session_id": "küche"}
    answer = await client.audio.speech.create(model="tts-1", voice="", input="a" * 100, response_format="pcm", extra_body=extra)
    crossings = np.count_nonzero(np.diff(np.signbit(np.frombuffer(answer.content, "<i2"))))
    assert crossings == pytest.approx(2 * 880, abs=4)
    assert answer.response.headers["x-session-id"] == "küche"


async def test_unknown_fields_and_empty_ones_are_ignored(server: Running) -> None:
    fields = {"input": "Hello.", "stream": True, "lang_code": "a", "instructions": "", "speed": None, "voice": None, "model": ""}
    body = json.dumps({**fields, "response_format": "PCM", "sample_rate": 22_050}).encode()
    async with client_of(server) as client:
        answer = await client._client.post(f"{http_of(server).urls[0]}{SPEECH}", content=body)  # noqa: SLF001  # it sends anything
    assert answer.content == tone(6)


async def test_half_characters_do_no_harm(tmp_path: Path) -> None:
    async with serving(tmp_path, WITH_ESPEAK) as server, client_of(server) as client:
        body = b'{"input": "Hell\\ud83d.", "voice": "en-GB", "response_format": "pcm"}'
        answer = await client._client.post(f"{http_of(server).urls[0]}{SPEECH}", content=body)  # noqa: SLF001
    assert answer.status_code == 200
    assert answer.content


# Voices and models

TWO = """
http: {host: 127.0.0.1, port: 0}
wyoming: {uri: "tcp://127.0.0.1:0"}
engines: {low: {type: tone, per_character: 0.01, frequency: 220}, high: {type: tone, per_character: 0.01, frequency: 880}}
voices:
  mine: {engine: high, voice: tone, language: de-DE}
  lily: {engine: low, voice: tone, language: [zh-CN, en], gender: female, description: Our Lily}
default_voice: mine
"""


@pytest.mark.parametrize(
    ("model", "voice", "frequency"),
    [
        ("tts-1", "mine", 880),
        ("tts-1", None, 880),
        ("high", None, 880),
        ("low", None, 220),
        ("low", "tone", 220),
        ("high", "tone", 880),
        ("low", "lily", 220),
        ("low", "low/tone", 220),
        ("high", "de", 880),
    ],
)
async def test_a_model_that_is_an_engine_narrows_the_voice_to_it(
    tmp_path: Path, model: str, voice: str | None, frequency: int
) -> None:
    async with serving(tmp_path, TWO) as server, client_of(server) as client:
        pcm = await pcm_of(client, model=model, voice=voice, input="a" * 100)
    assert np.count_nonzero(np.diff(np.signbit(np.frombuffer(pcm, "<i2")))) == pytest.approx(2 * frequency, abs=4)


@pytest.mark.parametrize(
    ("model", "voice", "frequency"),
    [("low", "alloy", 660), ("low", "onyx", 550), ("low", "nova", 660), ("high", "alloy", 880), ("high", "nova", 880)],
)
async def test_an_engine_has_somebody_for_a_name_of_openais(tmp_path: Path, model: str, voice: str, frequency: int) -> None:
    more = """voices:
  lena: {engine: low, voice: tone, language: zh-CN, gender: female, frequency: 440}
  bert: {engine: low, voice: tone, language: de-AT, gender: male, frequency: 550}
  anna: {engine: low, voice: tone, language: de-DE, gender: female, frequency: 660}"""
    async with serving(tmp_path, TWO.replace("voices:", more)) as server, client_of(server) as client:
        pcm = await pcm_of(client, model=model, voice=voice, input="a" * 100)
        assert await said(client, model="espeak", voice=voice)
    assert np.count_nonzero(np.diff(np.signbit(np.frombuffer(pcm, "<i2")))) == pytest.approx(2 * frequency, abs=4)


@pytest.mark.parametrize(("model", "voice"), [("low", "mine"), ("high", "lily"), ("low", "high/tone"), ("high", "fr-FR")])
async def test_a_voice_of_another_engine_is_not_spoken_by_it(tmp_path: Path, model: str, voice: str) -> None:
    async with serving(tmp_path, TWO) as server, client_of(server) as client:
        with pytest.raises(openai.NotFoundError, match=rf"engine {model}, which `model` names, has no voice '{voice}'"):
            await said(client, model=model, voice=voice)


async def test_a_language_is_enough_where_a_model_is_an_engine(tmp_path: Path) -> None:
    async with serving(tmp_path, TWO) as server, client_of(server) as client:
        assert await said(client, model="low", voice="", extra_body={"language": "zh"})
        assert await said(client, model="espeak", voice="", extra_body={"language": "fr"})
        assert await said(client, model="espeak", voice="en-GB")
        with pytest.raises(openai.NotFoundError, match="has no voice 'zh'"):
            await said(client, model="high", voice="", extra_body={"language": "zh"})
        assert await said(client, model="espeak", voice="")


async def test_the_voices_are_listed_with_what_is_known_of_them(tmp_path: Path) -> None:
    async with serving(tmp_path, TWO) as server:
        answer = await asked(server, GET.format("/v1/audio/voices", ""))
    voices = {voice["id"]: voice for voice in answer.json["voices"]}
    assert list(voices) == ["mine", "lily", "low/tone", "high/tone"]
    assert voices["lily"] == {
        "id": "lily",
        "name": "lily",
        "language": "zh-CN",
        "languages": ["zh-CN", "en"],
        "gender": "female",
        "description": "Our Lily",
        "engine": "low",
    }


async def test_the_models_are_herald_its_engines_and_openais(client: openai.AsyncOpenAI, server: Running) -> None:
    names = ["herald", "tone", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"]
    assert [model.id async for model in client.models.list()] == names
    assert (await client.models.retrieve("tone")).object == "model"
    with pytest.raises(openai.NotFoundError, match="no model 'whisper-1'"):
        await client.models.retrieve("whisper-1")
    answer = await asked(server, GET.format("/v1/audio/models", ""))
    assert answer.json == {"models": [{"id": name} for name in names]}


async def test_a_real_voice_speaks(tmp_path: Path) -> None:
    async with serving(tmp_path, WITH_ESPEAK) as server, client_of(server) as client:
        text = "Good morning. It is seven o'clock."
        file = await said(client, model="espeak", voice="en-GB", input=text, response_format="wav")
    read = read_back(file, Container.WAV, AudioFormat(rate=22_050))
    assert read.frames / read.rate > 1.5
    assert np.abs(read.samples).max() > 3_000


# Errors

WRONG: list[tuple[dict[str, Any], type[openai.APIStatusError], str, str | None, str]] = [
    ({"input": ""}, openai.BadRequestError, "bad_setting", "input", "input is missing"),
    ({"input": 7}, openai.BadRequestError, "bad_setting", "input", "not 7"),
    ({"input": "a" * 50_001}, openai.APIStatusError, "text_too_long", "input", r"50001 characters; 50000 .*http\.max_text"),
    ({"voice": "nobody"}, openai.NotFoundError, "unknown_voice", "voice", "no voice 'nobody'"),
    ({"voice": ["alloy"]}, openai.BadRequestError, "bad_setting", "voice", "voice is a text"),
    ({"voice": {"id": 3}}, openai.BadRequestError, "bad_setting", "voice.id", "not 3"),
    ({"voice": "a" * 257}, openai.BadRequestError, "bad_setting", "voice", "257 characters; 256"),
    ({"model": {}}, openai.BadRequestError, "bad_setting", "model", "not {}"),
    ({"response_format": "flv"}, openai.BadRequestError, "bad_setting", "response_format", "mp3, opus, aac, flac, wav, pcm, not"),
    ({"stream_format": "text"}, openai.BadRequestError, "bad_setting", "stream_format", "audio, sse"),
    ({"speed": 0.2}, openai.BadRequestError, "bad_setting", "speed", "0.25 to 4, not 0.2"),
    ({"speed": True}, openai.BadRequestError, "bad_setting", "speed", "not True"),
    ({"speed": "fast"}, openai.BadRequestError, "bad_setting", "speed", "not 'fast'"),
    ({"instructions": "Sadly."}, openai.BadRequestError, "bad_setting", None, "take no instructions"),
    ({"instructions": "a" * 2001}, openai.BadRequestError, "bad_setting", "instructions", "2001 characters; 2000"),
    ({"sample_rate": 7_999}, openai.BadRequestError, "bad_setting", "sample_rate", "8000 to 96000"),
    ({"sample_rate": 16_000.5}, openai.BadRequestError, "bad_setting", "sample_rate", "whole number"),
    ({"sample_rate": 17_000}, openai.BadRequestError, "bad_setting", "sample_rate", "mp3 is one of 8000, .*not 17000"),
    ({"session_id": "a\nb"}, openai.BadRequestError, "bad_setting", "session_id", "cannot be shown"),
    ({"options": []}, openai.BadRequestError, "bad_setting", "options", "an object"),
    ({"options": {"mood": 1}}, openai.BadRequestError, "bad_setting", None, "take no mood"),
    ({"options": {"language": 1}}, openai.BadRequestError, "bad_setting", "options.language", "not 1"),
    ({"options": {"fail_at": 0}}, openai.InternalServerError, "engine_failed", None, "failed at 0.00 s"),
    ({"options": {"fail_at": 0, "fail_with": "engine_timeout"}}, openai.InternalServerError, "engine_timeout", None, "failed"),
]


@pytest.mark.parametrize(("fields", "raised", "code", "param", "words"), WRONG, ids=[str(row[0])[:40] for row in WRONG])
async def test_what_is_wrong_is_told_as_openai_tells_it(  # noqa: PLR0913, PLR0917  # a row
    client: openai.AsyncOpenAI, fields: dict[str, Any], raised: type[openai.APIStatusError], code: str, param: str, words: str
) -> None:
    with pytest.raises(raised, match=words) as caught:
        await said(client, extra_body=fields)
    error = caught.value
    assert (error.code, error.param) == (code, param)
    assert error.type == ("invalid_request_error" if error.status_code < 500 else "server_error")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"input"', b"\xff", b"[" * 100_000], ids=str)
async def test_a_body_that_is_no_object_is_told_so(server: Running, body: bytes) -> None:
    answer = await asked(server, post(body))
    assert answer.status == 400
    assert answer.json["error"]["code"] == "protocol"
    assert answer.json["error"]["message"].startswith("The body is not ")


async def test_a_body_without_an_announced_size_has_a_limit_too(server: Running) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = f"POST {SPEECH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    answer = await asked(server, head + 17 * chunk + b"0\r\n\r\n")
    assert (answer.status, answer.json["error"]["code"]) == (413, "too_large")
    assert "1048576 bytes" in answer.json["error"]["message"]


async def test_the_longest_text_passes_however_it_is_written(tmp_path: Path) -> None:
    yaml = TONE.replace("port: 0", "port: 0, max_text: 200000").replace("0.01", "0.000001")
    body = b'{"response_format": "pcm", "input": "' + b"\\u4f60" * 200_000 + b'"}'
    async with serving(tmp_path, yaml) as server, client_of(server) as client:
        answer = await client._client.post(f"{http_of(server).urls[0]}{SPEECH}", content=body)  # noqa: SLF001
    assert answer.status_code == 200


async def test_what_may_succeed_later_is_tried_again_and_nothing_else(server: Running) -> None:
    async with client_of(server, max_retries=1) as client:
        for code, times in (("engine_unavailable", 2), ("engine_failed", 1)):
            tone_of(server).journal.clear()
            with pytest.raises(openai.InternalServerError):
                await said(client, extra_body={"options": {"fail_at": 0, "fail_with": code}})
            assert [event.what for event in tone_of(server).journal].count("failed") == times


# Who may use it


async def test_a_stranger_without_the_token_is_told_by_the_client(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        async with client_of(server, default_headers={"X-Forwarded-For": "192.0.2.7"}) as client:
            with pytest.raises(openai.AuthenticationError, match="pairing token is wrong") as caught:
                await said(client)
            assert (caught.value.code, caught.value.type) == ("token_required", "authentication_error")
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()
        token = PairingToken.load(tmp_path, {}).value
        async with client_of(server, default_headers={"X-Forwarded-For": "192.0.2.7"}, api_key=token) as client:
            assert await pcm_of(client) == tone(6)


@pytest.mark.parametrize("path", ["/v1/audio/voices", "/v1/audio/models", "/v1/models", "/v1/models/herald"])
async def test_the_lists_are_for_those_with_the_token(server: Running, path: str) -> None:
    answer = await asked(server, GET.format(path, STRANGER))
    assert (answer.status, answer.json["error"]["code"]) == (401, "token_required")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await asked(server, GET.format(path, ""))).status == 200


async def test_foreign_pages_get_no_leave(server: Running) -> None:
    answer = await asked(server, post({}, "Origin: http://evil.example\r\n"))
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
