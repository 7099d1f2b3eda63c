"""A scenario out of a seed: the same one every time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import faults
from .scenario import Call, FrontEnd, Meanwhile, Scenario, Trouble, What
from .services import OTHER_TOKEN
from .voices import VOICES

TEXTS = (
    "Dinner is ready.",
    "The washing machine has finished. You may take out the laundry now.",
    "晚饭好了。请来吃饭。",
    "Somebody is at the front door!",
    "It is 21 degrees outside, and it will rain in the evening. Take an umbrella with you. Have a good day.",
    "Ja.",
    "Das Fenster in der Küche steht offen. 厨房的窗户开着。",
    "One. Two! Three? Four.",
)
LONG = " ".join(TEXTS * 2)
PAID_MAX = 180
"""Characters of what a paid service is given: it is asked for no more than ten seconds ahead of real time."""
NOTHING = ("", " ", "…", "\n\n", "👍")
"""Texts with nothing to say."""
FORMATS: Mapping[FrontEnd, Sequence[str]] = {
    FrontEnd.WYOMING: ("pcm",),
    FrontEnd.API: ("pcm", "wav", "mp3", "flac", "ogg"),
    FrontEnd.OPENAI: ("pcm", "wav", "mp3", "opus", "aac", "flac"),
    FrontEnd.WEBSOCKET: ("pcm", "wav", "mp3", "ogg_opus"),
    FrontEnd.INDEXTTS: ("pcm",),
}
TAKE_SESSIONS = (FrontEnd.API, FrontEnd.OPENAI, FrontEnd.WEBSOCKET, FrontEnd.WYOMING)
"""That let a client name its session; the last one has a namespace of its own."""
TAKE_FRAGMENTS = (FrontEnd.WYOMING, FrontEnd.WEBSOCKET)
RARE = ("never ends", "never ends then")
"""They take a second."""
ACCOUNTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "v1": ({"token": OTHER_TOKEN}, {"voices": frozenset()}, {"parallel": 0}),
    "openspeech": ({"token": OTHER_TOKEN}, {"voices": frozenset()}, {"parallel": 0}),
    "aliyun": ({"token": OTHER_TOKEN}, {"token": OTHER_TOKEN, "bad_token": "task"}, {"voices": frozenset()}, {"parallel": 0}),
    "dashscope": ({"api_key": OTHER_TOKEN}, {"voices": frozenset()}, {"parallel": 0}),
    "sami": ({"token": OTHER_TOKEN}, {"appkey": OTHER_TOKEN}, {"is_open": False}),
}
"""How an account may be another than Herald knows."""
CAN_BE_DOWN = ("indextts", "wyoming")
DUPLEX = ("v1", "openspeech", "aliyun", "cosyvoice", "dashscope")


def drawn(seed: int) -> Scenario:
    rng = random.Random(seed)
    voices = [_voice(rng) for _ in range(rng.choice([1, 1, 2, 3, 4]))]
    calls = _calls(rng, voices)
    return Scenario(
        seed=seed,
        calls=calls,
        manners={name: _manner(rng, name) for name in _concerned(calls)},
        troubles=_troubles(rng, calls),
        meanwhile=_meanwhile(rng, calls),
    )


def _voice(rng: random.Random) -> str:
    name = rng.choice(list(VOICES))
    return rng.choice(list(VOICES)) if name in RARE else name


def _calls(rng: random.Random, voices: Sequence[str]) -> list[Call]:
    calls: list[Call] = []
    for number, voice in enumerate(voices):
        call = _call(rng, voice, f"room {number}")
        # whoever shares says the same
        calls.append(
            _likewise(call, calls[0])
            if calls and (calls[0].share or rng.random() < 0.2)
            else replace(call, share="")
            if calls
            else call
        )
    return calls


def _call(rng: random.Random, voice: str, session: str) -> Call:
    front_end = rng.choice(list(FrontEnd))
    streamed = front_end in TAKE_FRAGMENTS and rng.random() < 0.5
    takes_session = front_end in TAKE_SESSIONS and rng.random() < 0.7
    text = _text(rng)[: PAID_MAX if VOICES[voice].services else None]
    return Call(
        front_end=front_end,
        voice=voice,
        fragments=_fragments(rng, text) if streamed else (text,),
        format=rng.choice(FORMATS[front_end]),
        events=front_end is FrontEnd.OPENAI and rng.random() < 0.2,
        session=session if takes_session else "",
        share="party" if front_end is not FrontEnd.INDEXTTS and rng.random() < 0.15 else "",
        cache=rng.random() < 0.7,
        after=rng.choice([0, 0, 0, 0.002] if streamed else [0, 0, 0, 0.002, 0.02]),
    )


def _likewise(call: Call, other: Call) -> Call:
    """The same voice and text as another's, perhaps in a share."""
    share = other.share if call.front_end is not FrontEnd.INDEXTTS else ""
    return replace(call, voice=other.voice, fragments=(other.text,), cache=other.cache, share=share)


def _text(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.04:
        return rng.choice(NOTHING)
    if chance < 0.07:
        return LONG
    return " ".join(rng.choice(TEXTS) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def _fragments(rng: random.Random, text: str) -> Sequence[str]:
    size = rng.choice([1, 3, 10, 40])
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]


def _concerned(calls: Sequence[Call]) -> list[str]:
    """Services that may be asked."""
    return sorted({name for call in calls for name in VOICES[call.voice].services})


def _manner(rng: random.Random, name: str) -> Mapping[str, Any]:
    """Slow and fast, in large and small pieces."""
    if name == "wyoming":
        return {"piece": rng.choice([256, 2048, 8192]), "cycles": rng.choice(["sentence", "stream"])}
    if name == "indextts":
        return {"delay": rng.choice([0, 0, 0.01]), "rtf": rng.choice([0, 0, 0.01])}
    manner: dict[str, Any] = {"pace": rng.choice([0, 0, 60, 200])}
    if name == "sami":
        return {
            **manner,
            "hold": rng.choice([0, 0, 0.3]),
            "burst": rng.choice([0, 0, 0.02]),
            "splits_samples": rng.random() < 0.3,
        }
    manner |= {"delay": rng.choice([0, 0, 0.01, 0.05]), "piece": rng.choice([0.05, 0.2, 0.6]), "split": rng.choice([0, 0, 333])}
    return {**manner, "latency": rng.choice([0, 0, 0.02])}


def _troubles(rng: random.Random, calls: Sequence[Call]) -> list[Trouble]:
    concerned = _concerned(calls)
    if not concerned or rng.random() < 0.3:
        return []
    return [_trouble(rng, rng.choice(concerned)) for _ in range(rng.choice([1, 1, 2, 3]))]


def _trouble(rng: random.Random, service: str) -> Trouble:
    chance = rng.random()
    if chance < 0.15 and service in ACCOUNTS:
        return Trouble(service=service, account=rng.choice(ACCOUNTS[service]))
    if chance < 0.15 and service in CAN_BE_DOWN:
        return Trouble(service=service, down=True)
    return Trouble(service=service, fault=faults.drawn(service, rng))


def _meanwhile(rng: random.Random, calls: Sequence[Call]) -> list[Meanwhile]:
    count = rng.choice([0, 0, 1, 1, 2, 3])
    return [_event(rng, calls, rng.randrange(len(calls))) for _ in range(count)]


def _event(rng: random.Random, calls: Sequence[Call], whom: int) -> Meanwhile:
    call = calls[whom]
    what = rng.choice([one for one in What if _can(one, call)])
    return Meanwhile(
        what=what, whom=-1 if what is What.END_ALL else whom, pieces=rng.choice([0, 0, 1, 2, 5]), more=_more(rng, what, call)
    )


def _can(what: What, call: Call) -> bool:
    """Whether it may happen to such a client."""
    needs: Mapping[What, bool] = {
        What.CANCEL: call.front_end in TAKE_FRAGMENTS,
        What.INTERRUPT: call.front_end in (FrontEnd.API, FrontEnd.OPENAI, FrontEnd.WEBSOCKET),
        What.END: call.front_end is not FrontEnd.WYOMING or bool(call.session),
        What.AGAIN: bool(call.session),
        What.JOIN: bool(call.share),
        What.CREDENTIALS: "openspeech" in VOICES[call.voice].services,
    }
    return needs.get(what, True)


def _more(rng: random.Random, what: What, call: Call) -> Call | None:
    if what is What.AGAIN:
        ends = (
            [FrontEnd.WYOMING]
            if call.front_end is FrontEnd.WYOMING
            else [one for one in TAKE_SESSIONS if one is not FrontEnd.WYOMING]
        )
        return replace(
            _call(rng, rng.choice([call.voice, "tone", "espeak"]), call.session),
            front_end=rng.choice(ends),
            session=call.session,
            share="",
            events=False,
            format="pcm",
        )
    if what is What.JOIN:
        joins = replace(_call(rng, call.voice, ""), front_end=rng.choice(TAKE_SESSIONS), session="", events=False, format="pcm")
        return replace(_likewise(joins, call), share=call.share)
    return None
