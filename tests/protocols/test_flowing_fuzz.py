"""NLS and DashScope against anything: what is written is read again, and only the protocol's own errors escape."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import ProtocolError, TextTooLong, TooLarge
from wyoming_server.protocols import dashscope, flowing
from wyoming_server.protocols.flowing_events import (
    Audio,
    Cancel,
    ClientEvent,
    Completed,
    Failed,
    Finish,
    Message,
    SentenceBegin,
    SentenceEnd,
    ServerEvent,
    Start,
    Started,
    Subtitles,
    Text,
    Word,
)
from wyoming_server.protocols.flowing_json import new_id

from . import fuzzing
from .fuzzing import ROUNDS, UNICODE, distorted, mutated

WORDS = st.text(UNICODE, max_size=20)
SAID = st.text(UNICODE, min_size=1, max_size=20)
JSON = st.dictionaries(WORDS, st.recursive(st.none() | st.booleans() | st.integers() | WORDS, st.lists, max_leaves=5), max_size=4)
OWN_ID = st.uuids().map(lambda uuid: uuid.hex)
PEERS_ID = WORDS
COUNT = st.integers(0, 10**6)

CLIENT_EVENTS = st.one_of(
    st.builds(Start, task_id=OWN_ID, payload=JSON),
    st.builds(Text, task_id=OWN_ID, text=WORDS),
    st.builds(Finish, task_id=OWN_ID),
    st.builds(Cancel, task_id=OWN_ID),
)


def subtitles(sentence: st.SearchStrategy[bool | str]) -> st.SearchStrategy[tuple[Word, ...]]:
    word = st.builds(
        Word,
        text=WORDS,
        begin_time=st.none() | COUNT | st.floats(0, 1e6).filter(lambda value: not value.is_integer()),
        end_time=st.none() | COUNT,
        begin_index=st.none() | COUNT,
        end_index=st.none() | COUNT,
        sentence=sentence,
        phonemes=st.lists(JSON | WORDS, max_size=2).map(tuple),
    )
    return st.lists(word, max_size=3).map(tuple)


NLS_WORDS = subtitles(st.booleans() | SAID)
NLS_EVENTS = st.one_of(
    st.builds(Started, task_id=PEERS_ID, session_id=WORDS),
    st.builds(SentenceBegin, task_id=PEERS_ID, session_id=WORDS, index=COUNT),
    st.builds(Audio, data=st.binary(max_size=50)),
    st.builds(Subtitles, task_id=PEERS_ID, index=COUNT, words=NLS_WORDS),
    st.builds(SentenceEnd, task_id=PEERS_ID, session_id=WORDS, index=COUNT, words=NLS_WORDS),
    st.builds(Completed, task_id=PEERS_ID, session_id=WORDS, index=COUNT, reason=WORDS, characters=COUNT),
    st.builds(Failed, task_id=PEERS_ID, status=st.integers(1, 10**9), text=SAID),
)
DASHSCOPE_WORDS = subtitles(st.just(value=False))
DASHSCOPE_EVENTS = st.one_of(
    st.builds(Started, task_id=PEERS_ID),
    st.builds(SentenceBegin, task_id=PEERS_ID, index=COUNT, text=WORDS),
    st.builds(Audio, data=st.binary(max_size=50)),
    st.builds(Subtitles, task_id=PEERS_ID, index=COUNT, words=DASHSCOPE_WORDS),
    st.builds(SentenceEnd, task_id=PEERS_ID, index=COUNT, words=DASHSCOPE_WORDS, text=WORDS, characters=COUNT),
    st.builds(Completed, task_id=PEERS_ID, words=DASHSCOPE_WORDS, characters=COUNT),
    st.builds(Failed, task_id=PEERS_ID, code=WORDS, text=SAID),
)


@given(CLIENT_EVENTS, WORDS)
def test_a_clients_event_comes_back(event: ClientEvent, appkey: str) -> None:
    assert flowing.decode_client(flowing.encode_client(event, appkey=appkey)) == event
    assert dashscope.decode_client(dashscope.encode_client(event)) == event


@given(NLS_EVENTS)
def test_an_nls_servers_event_comes_back(event: ServerEvent) -> None:
    assert flowing.decode_server(flowing.encode_server(event)) == event


@given(DASHSCOPE_EVENTS)
def test_a_dashscope_servers_event_comes_back(event: ServerEvent) -> None:
    assert dashscope.decode_server(dashscope.encode_server(event)) == event


# Anything else --------------------------------------------------------------------------------------------------------------

DECODERS: dict[str, Callable[[Message], object]] = {
    "nls client": flowing.decode_client,
    "nls server": flowing.decode_server,
    "dashscope client": dashscope.decode_client,
    "dashscope server": dashscope.decode_server,
}
WORD = Word(text="你", begin_time=1, end_time=2, begin_index=0, end_index=1, phonemes=({"text": "n"},))


def seeds() -> list[str]:
    """A text message of every kind, in both protocols."""
    task = new_id()
    ups: list[ClientEvent] = [
        Start(task_id=task, payload={"voice": "中文女", "parameters": {"rate": 1}, "model": "m"}),
        Text(task_id=task, text="你好"),
        Finish(task_id=task),
        Cancel(task_id=task),
    ]
    downs: list[ServerEvent] = [
        Started(task_id=task, session_id="s"),
        SentenceBegin(task_id=task, index=1, text="你好"),
        Subtitles(task_id=task, index=1, words=(WORD,)),
        SentenceEnd(task_id=task, index=1, words=(WORD, WORD)),
        Completed(task_id=task, index=2, reason="interrupted", characters=3),
        Failed(task_id=task, status=40000001, code="InvalidParameter", text="No."),
    ]
    messages = [encode(event) for event in ups for encode in (flowing.encode_client, dashscope.encode_client)]
    return messages + [str(encode(event)) for event in downs for encode in (flowing.encode_server, dashscope.encode_server)]


SEEDS = seeds()
ODD: list[Any] = [*fuzzing.ODD, [None], {"words": {}}]


def survives(decode: Callable[[Message], object], message: Message) -> None:
    with contextlib.suppress(ProtocolError, TooLarge, TextTooLong):
        decode(message)


@pytest.mark.parametrize("name", DECODERS)
def test_a_truncated_message_is_refused(name: str) -> None:
    for text in SEEDS:
        for end in range(len(text)):
            with pytest.raises(ProtocolError, match="not JSON"):
                DECODERS[name](text[:end])


@pytest.mark.parametrize("name", DECODERS)
def test_mutants_of_valid_messages_give_only_the_protocols_errors(name: str) -> None:
    rng = random.Random(f"mutants {name}")
    for _ in range(ROUNDS):
        survives(DECODERS[name], mutated(rng, rng.choice(SEEDS)))


@pytest.mark.parametrize("name", DECODERS)
def test_odd_values_anywhere_give_only_the_protocols_errors(name: str) -> None:
    rng = random.Random(f"odd {name}")
    for _ in range(ROUNDS):
        survives(DECODERS[name], json.dumps(distorted(rng, json.loads(rng.choice(SEEDS)), ODD)))


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("nested", ["[" * 50000, '{"header":' * 50000, '{"a":' * 5000 + "1" + "}" * 5000, "1" * 5000])
def test_json_that_is_too_deep_or_too_long_is_no_trouble(name: str, nested: str) -> None:
    survives(DECODERS[name], nested)
    for text in SEEDS:
        survives(DECODERS[name], text.replace("{", '{"more":' + nested + ",", 1))


@given(st.text(max_size=100) | st.binary(max_size=100), st.sampled_from(sorted(DECODERS)))
def test_any_message_gives_only_the_protocols_errors(message: Message, name: str) -> None:
    survives(DECODERS[name], message)


@pytest.mark.parametrize("codec", [flowing, dashscope], ids=["nls", "dashscope"])
def test_what_was_read_has_no_half_characters(codec: Any) -> None:
    rng = random.Random(f"utf-8 {codec.__name__}")
    for _ in range(ROUNDS // 2):
        with contextlib.suppress(ProtocolError, TooLarge, TextTooLong):
            odd = json.dumps(distorted(rng, json.loads(rng.choice(SEEDS)), ODD))
            for event in (codec.decode_client(odd), codec.decode_server(odd)):
                told = [value for value in dataclasses.asdict(event).values() if isinstance(value, str)]
                "".join(told).encode()
