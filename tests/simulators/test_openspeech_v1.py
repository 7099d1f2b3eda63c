"""The OpenSpeech simulator keeps the rules of v1: shown with bytes written by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from .checks import V1_PCM, assert_refused, audio, decoded
from .openspeech import V1, Account, Fault, OpenSpeechSimulator, Style, Told
from .openspeech.raw import (
    TEXT,
    VOICE_2,
    got,
    rest,
    v1,
    v1_connection,
    v1_document,
    v1_message,
)


async def test_v1_submit_is_acknowledged_spoken_in_pieces_and_closed(service: OpenSpeechSimulator) -> None:
    messages = await v1(service, audio__encoding="pcm")
    assert [(message.kind, message.flags) for message in messages] == [(0xB, 0), (0xB, 1), (0xB, 1), (0xB, 3)]
    assert [message.number for message in messages] == [None, 1, 2, -3]
    assert audio(messages) == V1_PCM


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus", "wav"])
async def test_v1_query_is_answered_in_one_message(service: OpenSpeechSimulator, encoding: str) -> None:
    service.change(style=Style(acknowledge=False))
    [message] = await v1(service, audio__encoding=encoding, request__operation="query")
    assert message.number == -1
    assert decoded(message.payload) == pytest.approx(len(TEXT) * 0.06, abs=0.1)


async def test_v1_takes_a_request_that_is_not_compressed(service: OpenSpeechSimulator) -> None:
    payload = json.dumps(v1_document(audio__encoding="pcm")).encode()
    assert audio(await v1(service, b"\x11\x10\x10\x00" + len(payload).to_bytes(4, "big") + payload)) == V1_PCM


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        (V1["grant"], {"app__appid": "another"}),
        (V1["grant"], {"app__appid": None}),
        (V1["invalid"], {"app__token": ""}),
        (V1["invalid"], {"app__cluster": None}),
        (V1["ungranted"], {"app__cluster": "volcano_icl"}),
        (V1["ungranted"], {"audio__voice_type": "S_clone"}),
        (V1["invalid"], {"user__uid": ""}),
        (V1["voice"], {"audio__voice_type": "nobody"}),
        (V1["denied"], {"audio__voice_type": VOICE_2}),
        (V1["invalid"], {"audio__encoding": "flac"}),
        (V1["invalid"], {"audio__encoding": "wav"}),
        (V1["invalid"], {"audio__rate": 44_100}),
        (V1["invalid"], {"audio__speed_ratio": 2.5}),
        (V1["invalid"], {"audio__loudness_ratio": "1"}),
        (V1["invalid"], {"request__reqid": None}),
        (V1["invalid"], {"request__operation": "cancel"}),
        (V1["invalid"], {"request__extra_param": {"disable_emoji_filter": True}}),
        (V1["invalid"], {"request__silence_duration": 100}),
        (V1["invalid"], {"request__text_type": "ssml"}),
        (V1["long"], {"request__text": "字" * 342}),
        (V1["unspeakable"], {"request__text": " …！"}),
        (V1["unspeakable"], {"audio__voice_type": "en_male_adam_mars_bigtts"}),
    ],
)
async def test_v1_refuses_a_request_that_breaks_a_rule(service: OpenSpeechSimulator, told: Told, changes: dict[str, Any]) -> None:
    assert_refused(service, await v1(service, **changes), told)


@pytest.mark.parametrize(
    "message",
    [
        "text",
        b"",
        b"\x11\x10\x11",
        b"\x12" + v1_message(v1_document())[1:],
        b"\x11\x11" + v1_message(v1_document())[2:],
        b"\x11\x10\x10" + v1_message(v1_document())[3:],
        v1_message(v1_document()) + b"\x00",
        v1_message(v1_document())[:-1],
        b"\x11\x10\x10\x00\x00\x00\x00\x02[]",
    ],
)
async def test_v1_refuses_a_frame_that_is_not_as_documented(service: OpenSpeechSimulator, message: bytes | str) -> None:
    assert_refused(service, await v1(service, message), V1["invalid"])


async def test_v1_refuses_a_reqid_that_it_has_seen_on_any_connection(service: OpenSpeechSimulator) -> None:
    await v1(service, request__reqid="again")
    [refused] = await v1(service, request__reqid="again")
    assert refused.number == 3006


async def test_v1_knows_its_customers(service: OpenSpeechSimulator) -> None:
    async def speaks(authorization: str, **headers: str) -> int | None:
        named = {"Authorization": authorization} if authorization else headers
        async with v1_connection(service, named) as line:
            await line.send(v1_message(v1_document()))
            return (await rest(line))[-1].number

    assert await speaks("Bearer; access-token") == -3
    assert await speaks("Bearer;access-token") == -3
    assert await speaks("", **{"x-api-key": "api-key"}) == -3
    assert await speaks("Bearer access-token") == 3001
    assert await speaks("Bearer; another") == 3001
    assert await speaks("") == 3001
    service.change(account=Account(bad_token="token"))
    assert await speaks("") == 45000010


@pytest.mark.parametrize(("secret", "code"), [(b"secret-key", -3), (b"wrong", 3001)])
async def test_v1_checks_a_signature_over_the_handshake_and_the_first_message(
    service: OpenSpeechSimulator, secret: bytes, code: int
) -> None:
    message = v1_message(v1_document())
    signed = b"GET /api/v1/tts/ws_binary HTTP/1.1\nvalue\n" + message
    mac = base64.urlsafe_b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    headers = {"Custom": "value", "Authorization": f'HMAC256; access_token="access-token"; mac="{mac}"; h="Custom"'}
    async with v1_connection(service, headers) as line:
        await line.send(message)
        assert (await rest(line))[-1].number == code


async def test_v1_tells_when_each_word_is_spoken(service: OpenSpeechSimulator) -> None:
    messages = await v1(service, request__text="字, two", request__with_timestamp=1)
    [front_end] = [message.document for message in messages if message.kind == 0xC]
    assert front_end["words"] == [
        {"word": "字", "start_time": 0.0, "end_time": 0.06},
        {"word": "two", "start_time": 0.18, "end_time": 0.36},
    ]


async def test_v1_speaks_what_stands_in_the_tags(service: OpenSpeechSimulator) -> None:
    ssml = {"request__text": f"<speak>{TEXT}<break time='1s'/></speak>", "request__text_type": "ssml"}
    assert audio(await v1(service, audio__encoding="pcm", **ssml)) == V1_PCM


async def test_v1_stops_when_the_client_hangs_up(service: OpenSpeechSimulator) -> None:
    service.change(pace=1)
    async with v1_connection(service) as line:
        await line.send(v1_message(v1_document()))
        await line.recv()
        await line.recv()
    cancelled = await service.saw("cancelled")
    assert cancelled.detail == {"by": "close frame"}
    assert cancelled.characters == service.counters.characters == 3
    await service.saw("closed")
    assert (service.counters.connections, service.counters.sessions) == (0, 0)


async def test_v1_has_a_limit_of_requests_at_once(service: OpenSpeechSimulator) -> None:
    service.change(account=Account(parallel=1))
    service.faults.add(Fault(kind="stall"))
    async with v1_connection(service) as line:
        await line.send(v1_message(v1_document()))
        await service.saw("fault")
        [refused] = await v1(service)
        assert refused.number == 3003
        service.faults.go_on()
        assert (await rest(line))[-1].number == -3
    assert service.counters.sessions_most == 1


@pytest.mark.parametrize(
    ("style", "flags", "sequence"),
    [
        (Style(), 3, -3),
        (Style(last="flags 2"), 2, -3),
        (Style(gzip=True), 3, -3),
        (Style(extension=b"ext\x00"), 3, -3),
        (Style(empty_last=True), 3, -4),
    ],
)
async def test_v1_takes_every_liberty(service: OpenSpeechSimulator, style: Style, flags: int, sequence: int) -> None:
    service.change(style=style)
    messages = await v1(service, audio__encoding="pcm")
    assert (messages[-1].flags, messages[-1].number) == (flags, sequence)
    assert (not messages[-1].payload) is style.empty_last
    assert audio(messages) == V1_PCM


async def test_v1_takes_as_many_requests_as_it_is_set_to_one_at_a_time(service: OpenSpeechSimulator) -> None:
    service.change(requests_per_connection=3, style=Style(acknowledge=False), piece=0)
    async with v1_connection(service) as line:
        for _ in range(2):
            await line.send(v1_message(v1_document()))
            assert got(await line.recv()).number == -1
        service.faults.add(Fault(kind="stall"))
        await line.send(v1_message(v1_document()))
        await line.send(v1_message(v1_document()))
        [refused] = await rest(line)
        assert refused.number == 3001
    assert service.counters.sessions == 0


async def test_v1_may_leave_the_last_sequence_number_out(service: OpenSpeechSimulator) -> None:
    service.change(style=Style(last="flags 2 without sequence"), piece=0)
    async with v1_connection(service) as line:
        await line.send(v1_message(v1_document(audio__encoding="pcm")))
        await line.recv()
        assert await line.recv() == b"\x11\xb2\x00\x00" + len(V1_PCM).to_bytes(4, "big") + V1_PCM


async def test_messages_can_be_split_and_merged(service: OpenSpeechSimulator) -> None:
    service.change(split=777)
    messages = await v1(service, audio__encoding="pcm")
    assert max(len(message.payload) for message in messages) == 777
    assert audio(messages) == V1_PCM
    service.change(split=0, piece=0)
    assert len(await v1(service, audio__encoding="pcm")) == 2
