"""POST /api/tts/stream and /api/tts/interrupt: formats, fields, voices, and what is wrong in a request."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running
from wyoming_server.state.tokens import PairingToken

from ..audio.containers import read_back
from ..engines.openspeech.speaking import CLONE, KEYS, SECOND
from ..serving import TONE, ended, serving, tone, tone_of
from ..simulators.openspeech import simulator
from ..standstill import awake
from .http_client import RawClient
from .openai_serving import body_of, head_of
from .speech_serving import INTERRUPT, NATIVE, STREAM, asked, connected, interrupted, post, said

FORMATS = {
    "mp3": (Container.MP3, "audio/mpeg", 22_050),
    "wav": (Container.WAV, "audio/wav", 22_050),
    "flac": (Container.FLAC, "audio/flac", 22_050),
    "ogg": (Container.OGG_OPUS, "audio/ogg", 48_000),
    "pcm": (Container.PCM, "audio/pcm; rate=22050; channels=1", 22_050),
}
"""Name → container, media type, and rate (Hz) of an engine's 22050 Hz."""
CODEC_DELAY = 0.1
"""Seconds that MP3 adds at low rates."""
WITH_ESPEAK = TONE.replace(", espeak: {enabled: false}", "")
STRANGER = "X-Forwarded-For: 192.0.2.7\r\n"
EMPTY = AudioFormat(rate=22_050).silence(0.02)


def crossings(pcm: bytes) -> int:
    """Of zero: twice the frequency, in a second."""
    return int(np.count_nonzero(np.diff(np.signbit(np.frombuffer(pcm, "<i2")))))


# Formats


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_a_whole_file_of_the_right_type_and_rate(server: Running, name: str) -> None:
    container, media_type, rate = FORMATS[name]
    answer = await said(server, format=name)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-sample-rate"] == str(rate)
    assert answer.whole
    read = read_back(answer.body, container, AudioFormat(rate=22_050))
    assert (read.rate, read.channels) == (rate, 1)
    assert read.frames / read.rate == pytest.approx(2, abs=CODEC_DELAY)
    middle = read.samples[read.rate // 2 : read.rate]
    assert np.abs(middle).max() == pytest.approx(16_384, rel=0.15)
    assert np.count_nonzero(np.diff(np.signbit(middle))) == pytest.approx(440, abs=4)  # half a second of 440 Hz


async def test_mp3_is_the_default(server: Running) -> None:
    assert (await said(server)).headers["content-type"] == "audio/mpeg"


async def test_pcm_is_what_the_engine_made(server: Running) -> None:
    answer = await said(server, text="Hello.", format="PCM")
    assert answer.body == tone(6)


@pytest.mark.parametrize("name", ["mp3", "wav", "flac", "pcm"])
async def test_a_rate_may_be_asked_for(server: Running, name: str) -> None:
    answer = await said(server, format=name, sample_rate=16_000)
    assert answer.headers["x-sample-rate"] == "16000"
    read = read_back(answer.body, FORMATS[name][0], AudioFormat(rate=16_000))
    assert read.rate == 16_000
    assert read.frames / 16_000 == pytest.approx(2, abs=CODEC_DELAY)


async def test_pcm_of_another_rate_says_so_in_its_type(server: Running) -> None:
    answer = await said(server, format="pcm", sample_rate=8_000)
    assert answer.headers["content-type"] == "audio/pcm; rate=8000; channels=1"
    assert len(answer.body) == 2 * 2 * 8_000


@pytest.mark.parametrize("name", FORMATS)
async def test_of_stereo_both_are_the_same(server: Running, name: str) -> None:
    container, _, rate = FORMATS[name]
    answer = await said(server, format=name, channels=2)
    assert "channels=2" in answer.headers["content-type"] or name != "pcm"
    read = read_back(answer.body, container, AudioFormat(rate=22_050, channels=2))
    assert (read.rate, read.channels) == (rate, 2)
    left, right = read.samples[::2], read.samples[1::2]
    assert np.abs(left - right).max() <= 0.01 * np.abs(left).max()
    assert np.abs(left[rate // 2 : rate]).max() == pytest.approx(16_384, rel=0.15)


@pytest.mark.parametrize(("native", "rate"), [(19_000, 22_050), (95_999, 48_000)])
async def test_a_rate_that_mp3_has_not_becomes_one_that_it_has(tmp_path: Path, native: int, rate: int) -> None:
    yaml = TONE.replace("{per_character: 0.01}", f"{{per_character: 0.01, rate: {native}}}")
    async with serving(tmp_path, yaml) as server:
        answer = await said(server)
    assert answer.headers["x-sample-rate"] == str(rate)
    assert read_back(answer.body, Container.MP3, AudioFormat(rate=rate)).rate == rate


@pytest.mark.parametrize("name", FORMATS)
async def test_audio_comes_while_the_engine_still_speaks(server: Running, name: str) -> None:
    async with await connected(server) as client:
        client.writer.write(post({"format": name, "options": {"stall_at": 0.5}}))
        received = b""
        async with asyncio.timeout(5):
            await head_of(client)
            while True:
                size = int(await client.reader.readuntil(b"\r\n"), 16)
                received += (await client.reader.readexactly(size + 2))[:-2]
                if len(received) > 2_000:
                    read = read_back(received, FORMATS[name][0], AudioFormat(rate=22_050))
                    if read.frames / read.rate > 0.3:
                        break
        assert [event.what for event in tone_of(server).journal] == ["started"]
    await ended(tone_of(server), "cancelled")


# Fields


@pytest.mark.parametrize("text", ["   ", "\n", "😀", "😀 🎉\t", "***", "\u200b"])
async def test_text_without_words_is_a_moment_of_silence(server: Running, text: str) -> None:
    answer = await said(server, text=text, **NATIVE)
    assert answer.whole
    assert answer.body == EMPTY


@pytest.mark.parametrize("text", ["   ", "😀"])
async def test_text_without_words_is_a_whole_file_with_a_real_voice_too(tmp_path: Path, text: str) -> None:
    async with serving(tmp_path, WITH_ESPEAK) as server:
        answer = await said(server, text=text, voice="en-GB")
    assert answer.whole
    assert read_back(answer.body, Container.MP3, AudioFormat(rate=22_050)).frames > 0


async def test_settings_stand_in_options_or_beside_them(server: Running) -> None:
    beside = await said(server, speed=2, **NATIVE)
    within = await said(server, options={"speed": 2, "language": "en-US"}, **NATIVE)
    assert beside.body == within.body
    assert len(beside.body) == pytest.approx(len(tone(100)), rel=0.05)


async def test_options_are_the_engines_too(server: Running) -> None:
    answer = await said(server, text="a" * 100, options={"frequency": 880}, **NATIVE)
    assert crossings(answer.body) == pytest.approx(2 * 880, abs=4)


async def test_a_call_may_have_everything_read_as_it_stands(server: Running) -> None:
    for speakable, characters in ((False, 24), (True, 20), (None, 20)):
        option = {"speakable_text": speakable}
        for fields in (option, {"options": option}):
            answer = await said(server, text=f"**{'a' * 20}**", **fields, **NATIVE)
            assert len(answer.body) == len(tone(characters))


async def test_null_and_empty_fields_are_as_good_as_nothing(server: Running) -> None:
    nothing = {
        "voice": "",
        "voice_type": None,
        "session_id": "",
        "options": None,
        "speed": None,
        "emotion": "",
        "sample_rate": None,
    }
    answer = await said(server, text="Hello.", **NATIVE, **nothing)
    assert answer.body == tone(6)
    assert answer.headers["x-session-id"]


async def test_half_characters_do_no_harm(tmp_path: Path) -> None:
    async with serving(tmp_path, WITH_ESPEAK) as server, await connected(server) as client:
        client.writer.write(post(b'{"text": "Hell\\ud83d.", "voice": "en-GB"}'))
        await head_of(client)
        body, whole = await body_of(client)
    assert whole
    assert body


async def test_ssml_is_for_voices_that_take_it(tmp_path: Path) -> None:
    document = '<speak>Good <break time="800ms"/> morning.</speak>'
    async with serving(tmp_path, WITH_ESPEAK) as server:
        ssml = await said(server, text=document, text_format="ssml", voice="en-GB", format="wav")
        plain = await said(server, text="Good morning.", text_format="text", voice="en-GB", format="wav")
        refused = await asked(server, post({"text": document, "text_format": "ssml"}))
    assert len(ssml.body) - len(plain.body) > 0.5 * 2 * 22_050
    assert (refused.status, refused.code) == (400, "bad_setting")


async def test_the_longest_text_passes_however_it_is_written(tmp_path: Path) -> None:
    yaml = TONE.replace("port: 0", "port: 0, max_text: 200000").replace("0.01", "0.000001")
    body = b'{"format": "pcm", "text": "' + b"\\u4f60" * 200_000 + b'"}'
    async with serving(tmp_path, yaml) as server, await connected(server) as client:
        client.writer.write(post(body))
        await head_of(client)
        assert (await body_of(client))[1]


async def test_pace_keeps_little_ahead_of_what_is_heard(server: Running) -> None:
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    answer = await said(server, text="a" * 60, pace=0.1, **NATIVE)
    assert answer.body == tone(60)
    assert loop.time() - asked_at > 0.45
    begun = awake()
    await said(server, text="a" * 60, pace=600, **NATIVE)
    assert awake() - begun < 0.4


async def test_a_session_that_is_not_named_gets_an_id_of_its_own(server: Running) -> None:
    first, second = await said(server, text="a"), await said(server, text="a")
    assert first.headers["x-session-id"] != second.headers["x-session-id"]
    assert len(first.headers["x-session-id"]) == 32


@pytest.mark.parametrize("session_id", ["demo", "a" * 256, "厨房", "living room; 2", "é\U0001f600"])
async def test_the_session_is_told_as_it_was_named(server: Running, session_id: str) -> None:
    assert (await said(server, text="a", session_id=session_id)).headers["x-session-id"] == session_id


async def test_a_connection_serves_one_reply_after_the_other(server: Running) -> None:
    async with await connected(server) as client:
        for _ in range(2):
            client.writer.write(post({"text": "Hello.", **NATIVE}))
            await head_of(client)
            assert await body_of(client) == (tone(6), True)


# Voices

TWO = """
http: {host: 127.0.0.1, port: 0}
wyoming: {uri: "tcp://127.0.0.1:0"}
engines: {low: {type: tone, per_character: 0.01, frequency: 220}, high: {type: tone, per_character: 0.01, frequency: 880}}
voices:
  mine: {engine: high, voice: tone, language: de-DE}
  lily: {engine: low, voice: tone, language: [zh-CN, en], gender: female, aliases: [BV001_streaming]}
default_voice: mine
"""


@pytest.mark.parametrize(
    ("fields", "frequency"),
    [
        ({}, 880),
        ({"voice": "lily"}, 220),
        ({"voice_type": "lily"}, 220),
        ({"voice_type": "BV001_streaming"}, 220),
        ({"voice_type": "low/tone"}, 220),
        ({"voice_type": "中文女"}, 220),
        ({"voice": "high/tone"}, 880),
        ({"language": "zh"}, 220),
        ({"options": {"language": "zh"}}, 220),
        ({"voice": "mine", "language": "zh"}, 880),
    ],
)
async def test_a_voice_is_found_by_whatever_names_it(tmp_path: Path, fields: dict[str, Any], frequency: int) -> None:
    async with serving(tmp_path, TWO) as server:
        answer = await said(server, text="a" * 100, **NATIVE, **fields)
    assert crossings(answer.body) == pytest.approx(2 * frequency, abs=4)


async def test_a_real_voice_speaks(tmp_path: Path) -> None:
    async with serving(tmp_path, WITH_ESPEAK) as server:
        answer = await said(server, text="Good morning. It is seven o'clock.", voice="en-GB")
    read = read_back(answer.body, Container.MP3, AudioFormat(rate=22_050))
    assert read.frames / read.rate > 1.5
    assert np.abs(read.samples).max() > 3_000


OPENSPEECH = """
http: {{host: 127.0.0.1, port: 0}}
wyoming: {{uri: "tcp://127.0.0.1:0"}}
engines:
  tone: {{per_character: 0.01}}
  volcano: {{type: openspeech, url: "{url}", appid: "{appid}", token: {token}}}
voices:
  dad: {{engine: volcano, voice: S_abc1Def2G, language: zh-CN, consent: true}}
  beep: {{engine: tone, voice: tone, language: en-US, aliases: [zh_female_cancan]}}
default_voice: beep
cache: {{enabled: false}}
"""


async def test_a_voice_type_is_an_id_of_openspeech(tmp_path: Path) -> None:
    async with simulator() as service:
        yaml = OPENSPEECH.format(url=service.url, **KEYS)
        async with serving(tmp_path, yaml) as server:
            answers = {
                voice_type: await said(server, text="你好。", voice_type=voice_type)
                for voice_type in (SECOND, CLONE, "dad", "zh_female_cancan")
            }
            heard = [entry.line() for entry in service.journal if entry.what in {"session", "request"}]
            refused = await asked(server, post({"voice_type": "S_somebody"}))
            missing = await asked(server, post({"voice_type": "no voice"}))
    assert all(answer.whole and answer.body for answer in answers.values())
    assert [voice for line in heard for voice in (SECOND, CLONE) if voice in line] == [
        SECOND,
        CLONE,
        CLONE,
    ]
    assert len(heard) == 3  # the alias is the tone's
    assert (refused.status, refused.code) == (403, "consent_required")
    assert (missing.status, missing.code) == (404, "unknown_voice")


async def test_without_openspeech_a_voice_type_is_looked_for_among_all(server: Running) -> None:
    answer = await asked(server, post({"voice_type": "zh_female_nobody"}))
    assert (answer.status, answer.code) == (404, "unknown_voice")
    assert (await said(server, voice_type="tone", **NATIVE)).body == tone(200)


# Errors

WRONG: list[tuple[dict[str, Any], int, str, str]] = [
    ({"text": ""}, 400, "bad_setting", "text is missing"),
    ({"text": None}, 400, "bad_setting", "text is missing"),
    ({"text": 7}, 400, "bad_setting", "not 7"),
    ({"text": "a" * 50_001}, 413, "text_too_long", "50001 characters; 50000 are allowed (http.max_text)"),
    ({"voice": "nobody"}, 404, "unknown_voice", "no voice 'nobody'"),
    ({"voice": "tone", "voice_type": "tone"}, 400, "bad_setting", "voice and voice_type"),
    ({"voice": ["tone"]}, 400, "bad_setting", "voice is a text"),
    ({"voice": "a" * 257}, 400, "bad_setting", "257 characters; 256"),
    ({"language": "fr"}, 404, "unknown_voice", "No voice speaks 'fr'"),
    ({"format": "flv"}, 400, "bad_setting", "mp3, wav, flac, ogg, pcm, not 'flv'"),
    ({"format": 3}, 400, "bad_setting", "not 3"),
    ({"text_format": "html"}, 400, "bad_setting", "text, ssml, not 'html'"),
    ({"sample_rate": 7_999}, 400, "bad_setting", "8000 to 96000"),
    ({"sample_rate": 16_000.5}, 400, "bad_setting", "whole number"),
    ({"sample_rate": "16000"}, 400, "bad_setting", "not '16000'"),
    (
        {"sample_rate": 17_000},
        400,
        "bad_setting",
        "mp3 is one of 8000, 11025, 12000, 16000, 22050, 24000, ",
    ),
    ({"pace": -1}, 400, "bad_setting", "0 to 600, not -1"),
    ({"pace": True}, 400, "bad_setting", "not True"),
    ({"session_id": "a\nb"}, 400, "bad_setting", "cannot be shown"),
    ({"session_id": "a\r\nX-Evil: 1"}, 400, "bad_setting", "cannot be shown"),
    ({"session_id": " demo"}, 400, "bad_setting", "no header keeps"),
    ({"session_id": "a" * 257}, 400, "bad_setting", "257 characters; 256"),
    ({"session_id": 7}, 400, "bad_setting", "not 7"),
    ({"options": []}, 400, "bad_setting", "an object"),
    ({"options": {str(number): 0 for number in range(65)}}, 400, "bad_setting", "at most 64 entries"),
    ({"options": {"mood": 1}}, 400, "bad_setting", "take no mood"),
    ({"options": {"language": 1}}, 400, "bad_setting", "options.language"),
    ({"options": {"speed": 1}, "speed": 2}, 400, "bad_setting", "speed stands in the request and in its options"),
    ({"speed": 0.2}, 400, "bad_setting", "0.25 to 4, not 0.2"),
    ({"speed": "fast"}, 400, "bad_setting", "not 'fast'"),
    ({"emotion": "happy"}, 400, "bad_setting", "take no emotion"),
    ({"instructions": "Sadly."}, 400, "bad_setting", "take no instructions"),
    ({"pitch": 25}, 400, "bad_setting", "-24 to 24, not 25"),
    ({"converter": "nobody"}, 400, "bad_setting", "converter"),
    ({"voicetype": "a"}, 400, "bad_setting", "no field 'voicetype'; you may mean voice_type."),
    ({"input": "a", "Format": "mp3"}, 400, "bad_setting", "no field 'input', 'Format'; you may mean format."),
    ({"zzz": 1}, 400, "bad_setting", "There are: text, voice, "),
    (dict.fromkeys("qwxyz", 0), 400, "bad_setting", "'q', 'w', 'x' and 2 more"),
    ({"options": {"fail_at": 0}}, 502, "engine_failed", "failed at 0.00 s"),
    ({"options": {"fail_at": 0, "fail_with": "engine_timeout"}}, 504, "engine_timeout", "failed"),
    ({"options": {"fail_at": 0, "fail_with": "engine_unavailable"}}, 503, "engine_unavailable", "failed"),
]


@pytest.mark.parametrize(("fields", "status", "code", "words"), WRONG, ids=[str(row[0])[:60] for row in WRONG])
async def test_what_is_wrong_is_told_before_anything_is_sent(
    server: Running, fields: dict[str, Any], status: int, code: str, words: str
) -> None:
    answer = await asked(server, post(fields))
    assert (answer.status, answer.code) == (status, code)
    assert words in answer.json["message"]


@pytest.mark.parametrize("path", [STREAM, INTERRUPT])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000, b"1" * 5_000], ids=lambda body: str(body[:9])
)
async def test_a_body_that_is_no_object_is_told_so(server: Running, path: str, body: bytes) -> None:
    answer = await asked(server, post(body, path=path))
    assert (answer.status, answer.code) == (400, "protocol")
    assert answer.json["message"].startswith("The body is not ")


@pytest.mark.parametrize("path", [STREAM, INTERRUPT])
async def test_a_body_has_a_limit_whether_its_size_is_announced_or_not(server: Running, path: str) -> None:
    announced = await asked(server, f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    counted = await asked(server, head + 17 * chunk + b"0\r\n\r\n")
    for answer in (announced, counted):
        assert (answer.status, answer.code) == (413, "too_large")
        assert "1048576" in answer.json["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "session_id is missing"),
        ({"session_id": ""}, "session_id is missing"),
        ({"session_id": None}, "session_id is missing"),
        ({"session_id": 7}, "not 7"),
        ({"session_id": "a\0"}, "cannot be shown"),
        ({"session": "demo"}, "no field 'session'; you may mean session_id."),
    ],
)
async def test_an_interrupt_without_a_session_is_told_so(server: Running, fields: dict[str, Any], words: str) -> None:
    answer = await asked(server, post(fields, path=INTERRUPT))
    assert (answer.status, answer.code) == (400, "bad_setting")
    assert words in answer.json["message"]


async def test_an_interrupt_where_nothing_speaks_is_told_so(server: Running) -> None:
    answer = await interrupted(server, "demo")
    assert (answer.status, answer.code) == (404, "unknown_session")
    assert "'demo'" in answer.json["message"]


@pytest.mark.parametrize("path", [STREAM, INTERRUPT])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_is_offered(server: Running, method: str, path: str) -> None:
    async with await connected(server) as client:
        client.writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = (await client.reader.readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 405 ")
    assert "Allow: POST" in head


# Who may use it


@pytest.mark.parametrize("path", [STREAM, INTERRUPT])
async def test_a_stranger_needs_the_token(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as server:
        fields = {"text": "Hello.", "session_id": "demo"} if path == STREAM else {"session_id": "demo"}
        body = json.dumps(fields).encode()
        answer = await asked(server, post(body, STRANGER, path=path))
        assert (answer.status, answer.code) == (401, "token_required")
        token = PairingToken.load(tmp_path, {}).value
        async with await connected(server) as client:
            client.writer.write(post(body, f"{STRANGER}Authorization: Bearer {token}\r\n", path=path))
            status = (await client.reader.readuntil(b"\r\n\r\n")).decode().split()[1]
    assert status == ("200" if path == STREAM else "404")


async def test_foreign_pages_get_no_leave(server: Running) -> None:
    answer = await asked(server, post({}, "Origin: http://evil.example\r\n"))
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_request_that_comes_slowly_is_read_whole(server: Running) -> None:
    request = post({"text": "", "session_id": "s"})
    async with await RawClient.connect(server.http) as client:  # type: ignore[arg-type]
        assert (await client.dribble(request, 0)).code == "bad_setting"
