"""IndexTTS against anything: what is written is read again, and only Herald's own errors escape."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import HeraldError, ProtocolError
from wyoming_server.protocols.indextts import (
    INTERVAL_SILENCE_MAX,
    MAX_TOKENS_MAX,
    Audio,
    ClientMessage,
    EmoMode,
    Ended,
    Failed,
    Queued,
    Request,
    ServerMessage,
    Started,
    Status,
    StatusQuery,
    TaskStatus,
    Unknown,
    Welcome,
    decode_client,
    decode_server,
    encode_client,
    encode_server,
)

from . import fuzzing
from .fuzzing import ROUNDS, UNICODE, distorted, mutated

TEXT_MAX = 100
WORDS = st.text(UNICODE, max_size=20)
SAID = st.text(UNICODE, min_size=1, max_size=20).filter(str.strip)
NAME = WORDS.map(str.strip)
GIVEN_NAME = SAID.map(str.strip)
PART = st.floats(0, 1)
EMOTIONS: Mapping[EmoMode, st.SearchStrategy[dict[str, Any]]] = {
    EmoMode.NONE: st.fixed_dictionaries({}),
    EmoMode.AUDIO: st.fixed_dictionaries({"emo_audio": GIVEN_NAME, "emo_alpha": PART}),
    EmoMode.VECTOR: st.fixed_dictionaries({"emo_vector": st.tuples(*[PART] * 8)}),
    EmoMode.TEXT: st.fixed_dictionaries({"emo_text": GIVEN_NAME, "emo_alpha": PART}),
}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    mode = draw(st.sampled_from(EmoMode))
    return Request(
        text=draw(SAID),
        prompt_audio=draw(NAME),
        emo_mode=mode,
        interval_silence=draw(st.integers(0, INTERVAL_SILENCE_MAX)),
        max_tokens=draw(st.integers(1, MAX_TOKENS_MAX)),
        use_random=draw(st.booleans()),
        **draw(EMOTIONS[mode]),
    )


CLIENT_MESSAGES = st.one_of(requests(), st.builds(StatusQuery, task_id=NAME))
SERVER_MESSAGES = st.one_of(
    st.builds(Welcome, session_id=WORDS),
    st.builds(Queued, task_id=WORDS, session_id=WORDS),
    st.builds(Started, task_id=WORDS, session_id=WORDS),
    st.builds(Audio, data=st.binary(max_size=50)),
    st.builds(Ended, task_id=WORDS, session_id=WORDS),
    st.builds(Failed, task_id=WORDS, session_id=WORDS, message=WORDS),
    st.builds(
        Status,
        task_id=WORDS,
        session_id=WORDS,
        status=st.sampled_from(TaskStatus),
        created_at=WORDS,
        completed_at=st.none() | SAID,
        error_message=st.none() | SAID,
    ),
    st.builds(Unknown, kind=WORDS.filter(lambda kind: kind not in ("queued", "start", "end", "task_status"))),
)


@given(CLIENT_MESSAGES)
def test_a_clients_message_comes_back(message: ClientMessage) -> None:
    assert decode_client(encode_client(message), text_max=TEXT_MAX) == message


@given(SERVER_MESSAGES)
def test_a_servers_message_comes_back(message: ServerMessage) -> None:
    assert decode_server(encode_server(message)) == message


# Anything else --------------------------------------------------------------------------------------------------------------


def _client(message: str | bytes) -> object:
    return decode_client(message, text_max=TEXT_MAX)


DECODERS: Mapping[str, Callable[[str | bytes], object]] = {"client": _client, "server": decode_server}
IDS = {"task_id": "7c9e6679", "session_id": "550e8400"}
UPS: list[ClientMessage] = [
    Request(text="你好", prompt_audio="dad"),
    Request(text="你好", emo_mode=EmoMode.AUDIO, emo_audio="sad", emo_alpha=0.8),
    Request(text="你好", emo_mode=EmoMode.VECTOR, emo_vector=(0.8, 0, 0, 0, 0, 0, 0.2, 0)),
    Request(text="你好", emo_mode=EmoMode.TEXT, emo_text="高兴", use_random=True),
    StatusQuery(task_id="7c9e6679"),
]
DOWNS: list[ServerMessage] = [
    Welcome(session_id="550e8400"),
    Queued(**IDS),
    Started(**IDS),
    Ended(**IDS),
    Failed(message="错误", **IDS),
    Status(status=TaskStatus.FAILED, created_at="2024-11-04T10:30:00.123456", error_message="错误", **IDS),
]
SEEDS = [*map(encode_client, UPS), *(str(encode_server(message)) for message in DOWNS)]
WORDS_OF_ITS_OWN = ("tts_stream", "task_status", "vector", "text", "audio", "error", "success")
ODD: list[Any] = [*fuzzing.ODD, float("nan"), float("inf"), [None] * 8, *WORDS_OF_ITS_OWN, "x" * 3000]


def survives(decode: Callable[[str | bytes], object], message: str | bytes) -> None:
    with contextlib.suppress(HeraldError):
        decode(message)


@pytest.mark.parametrize("name", DECODERS)
def test_a_truncated_message_is_refused(name: str) -> None:
    for text in SEEDS:
        for end in range(len(text)):
            with pytest.raises(ProtocolError, match="not JSON"):
                DECODERS[name](text[:end])


@pytest.mark.parametrize("name", DECODERS)
def test_mutants_of_valid_messages_give_only_heralds_errors(name: str) -> None:
    rng = random.Random(f"mutants {name}")
    for _ in range(ROUNDS):
        survives(DECODERS[name], mutated(rng, rng.choice(SEEDS)))


@pytest.mark.parametrize("name", DECODERS)
def test_odd_values_anywhere_give_only_heralds_errors(name: str) -> None:
    rng = random.Random(f"odd {name}")
    for _ in range(ROUNDS):
        survives(DECODERS[name], json.dumps(distorted(rng, json.loads(rng.choice(SEEDS)), ODD)))


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("nested", ["[" * 50000, '{"type":' * 50000, '{"a":' * 5000 + "1" + "}" * 5000, "1" * 5000, "1" * 400])
@pytest.mark.parametrize("key", ["more", "type", "text", "emo_vector", "emo_mode", "status", "max_tokens"])
def test_json_that_is_too_deep_or_too_long_is_no_trouble(name: str, nested: str, key: str) -> None:
    survives(DECODERS[name], nested)
    for text in SEEDS:
        survives(DECODERS[name], text[:-1] + f',"{key}":{nested}}}')


@given(st.text(max_size=100) | st.binary(max_size=100), st.sampled_from(sorted(DECODERS)))
def test_any_message_gives_only_heralds_errors(message: str | bytes, name: str) -> None:
    survives(DECODERS[name], message)


def test_what_was_read_has_no_half_characters_and_an_error_can_be_told() -> None:
    rng = random.Random("utf-8")
    for _ in range(ROUNDS):
        odd = json.dumps(distorted(rng, json.loads(rng.choice(SEEDS)), ODD))
        for decode in DECODERS.values():
            try:
                read: Any = decode(odd)
            except HeraldError as error:
                str(error).encode()
            else:
                told = [value for value in dataclasses.asdict(read).values() if isinstance(value, str)]
                "".join(told).encode()


def test_whatever_a_request_says_is_within_its_bounds() -> None:
    rng = random.Random("bounds")
    requests = []
    for _ in range(ROUNDS):
        with contextlib.suppress(HeraldError):
            requests.append(_client(json.dumps(distorted(rng, json.loads(rng.choice(SEEDS[:4])), ODD))))
    found = [request for request in requests if isinstance(request, Request)]
    assert {request.emo_mode for request in found} == set(EmoMode)
    for request in found:
        assert request.text.strip()
        assert 0 <= request.emo_alpha <= 1
        assert 0 <= request.interval_silence <= INTERVAL_SILENCE_MAX
        assert 1 <= request.max_tokens <= MAX_TOKENS_MAX
        assert (request.emo_vector is not None) == (request.emo_mode == EmoMode.VECTOR)
        assert all(isinstance(value, float) and 0 <= value <= 1 for value in request.emo_vector or ())
