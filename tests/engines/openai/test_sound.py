"""What a body is, by its first bytes; and server-sent events, cut anywhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from wyoming_server.audio.wav import wav_header
from wyoming_server.engines.openai.events import EventReader, Told
from wyoming_server.engines.openai.sound import Expected, NotAudio, Sound
from wyoming_server.engines.promise import Promises
from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.models import AudioFormat

PCM = bytes(range(1, 251)) * 40
MONO = AudioFormat(rate=24_000)
WAV = wav_header(MONO, data_size=None) + PCM


def sound(content_type: str = "", asked: str = "wav", rate: int = 24_000) -> Sound:
    promises = Promises(24_000)
    return Sound(Expected(content_type, asked, rate), promises.keep("alloy", MONO))


def heard(body: bytes, split: int = 0, **expected: Any) -> bytes:
    reader = sound(**expected)
    parts = [body[start : start + split] for start in range(0, len(body), split)] if split else [body]
    return b"".join([pcm for part in parts for pcm in reader.pieces(part)] + list(reader.flush()))


def events(*audio: bytes, done: bool = True) -> bytes:
    told: list[dict[str, Any]] = [{"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()} for part in audio]
    told += [{"type": "speech.audio.done", "usage": {}}] if done else []
    return b"".join(b"event: x\r\ndata: " + json.dumps(event).encode() + b"\r\n\r\n" for event in told)


@pytest.mark.parametrize("split", [0, 1, 3, 999])
@pytest.mark.parametrize("asked", ["wav", "pcm", "mp3"])
def test_wav_is_wav_whatever_was_asked_and_whatever_it_is_called(asked: str, split: int) -> None:
    for content_type in ("audio/wav", "application/octet-stream", "audio/mpeg", "application/json", ""):
        assert heard(WAV, split, asked=asked, content_type=content_type) == PCM


@pytest.mark.parametrize("split", [0, 1, 3, 999])
def test_pcm_has_no_sign_but_what_was_asked_or_told(split: int) -> None:
    assert heard(PCM, split, asked="pcm") == PCM
    assert heard(PCM, split, asked="pcm", content_type="application/octet-stream") == PCM
    assert heard(PCM, split, asked="wav", content_type="audio/pcm") == PCM
    assert heard(b"\xff\xfb" + PCM, split, asked="pcm", content_type="audio/pcm") == b"\xff\xfb" + PCM


def test_a_rate_in_the_content_type_counts() -> None:
    assert len(heard(PCM, asked="pcm", content_type="audio/L16; rate=48000")) == len(PCM) // 2
    assert len(heard(PCM, asked="pcm", rate=12_000)) == len(PCM) * 2


@pytest.mark.parametrize(
    "body", [b'{"error": "x"}', b' {\n "error": {}}', b"<!DOCTYPE html><html>", b"<html>", b"[]", b'["x"]'], ids=range(6)
)
@pytest.mark.parametrize("asked", ["wav", "pcm"])
def test_words_instead_of_audio_are_brought_as_they_are(body: bytes, asked: str) -> None:
    for content_type in ("application/json", "audio/wav", ""):
        with pytest.raises(NotAudio) as raised:
            heard(body, asked=asked, content_type=content_type)
        assert raised.value.body == body


def test_plain_words_are_known_by_what_they_are_called() -> None:
    with pytest.raises(NotAudio):
        heard(b"out of memory", content_type="text/plain; charset=utf-8")
    with pytest.raises(ProtocolError, match="no audio that Herald reads: content type audio/ogg"):
        heard(b"out of memory, and more", content_type="audio/ogg")


def test_a_page_without_an_end_is_left() -> None:
    with pytest.raises(NotAudio):
        list(sound().pieces(b"<html>" + bytes(100_000)))


def test_a_header_that_never_comes_whole_is_told() -> None:
    with pytest.raises(ProtocolError, match="ended after 20 bytes"):
        heard(WAV[:20])
    with pytest.raises(ProtocolError, match="no audio in what looks like mp3"):
        heard(b"ID3" + bytes(200), asked="mp3")


def test_a_body_without_a_byte_is_silence() -> None:
    assert heard(b"") == b""
    assert heard(WAV[:44]) == b""


@pytest.mark.parametrize("split", [0, 1, 7, 500])
@pytest.mark.parametrize("done", [False, True])
def test_audio_in_events_is_audio(split: int, *, done: bool) -> None:
    assert heard(events(WAV[:10], WAV[10:60], WAV[60:], done=done), split) == PCM
    assert heard(events(PCM[:3], PCM[3:], done=done).rstrip(), split, asked="pcm", content_type="text/event-stream") == PCM


def test_every_event_may_be_a_file_of_its_own() -> None:
    closed = wav_header(MONO, data_size=len(PCM)) + PCM
    for file in (WAV, closed):
        assert heard(events(file, file), 7) == PCM + PCM


@pytest.mark.parametrize("before", [b"data:\n\n", b":keep-alive\n\n"])
def test_a_server_that_keeps_the_line_alive_is_no_error(before: bytes) -> None:
    assert heard(before + events(WAV), content_type="text/event-stream") == PCM


def test_an_error_in_events_is_brought_as_it_is() -> None:
    told = b'{"type": "speech.audio.error", "error": {"message": "gone"}}'
    with pytest.raises(Told) as raised:
        heard(events(WAV, done=False) + b"data: " + told + b"\n\n")
    assert raised.value.body == told


@pytest.mark.parametrize("line", [b"data: nonsense\n", b'data: {"type": "speech.audio.delta", "audio": "*"}\n'])
def test_events_that_cannot_be_read_are_told(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(EventReader().push(line))


def test_an_event_has_a_limit() -> None:
    reader = EventReader(100)
    with pytest.raises(TooLarge, match="101 bytes; 100 are allowed"):
        list(reader.push(b"data: " + bytes(95)))


def test_what_is_no_data_is_passed_over() -> None:
    reader = EventReader()
    assert list(reader.push(b': ping\nid: 7\nretry: 1\ndata: {"type": "x"}\ndata: 7\n\ndata: [DONE]\n')) == []
    assert reader.done
