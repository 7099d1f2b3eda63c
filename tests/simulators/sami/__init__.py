"""SAMI's VoiceConversionStream and GetToken: strict, deterministic, and with the habits that the real service may have.

    async with simulator(hold=0.4, delay=0.05) as service:
        service.faults.add(Fault(kind="stall", on="output", after=0.5))
        ... service.url ... service.token_url ...
        await service.saw("finish")
        service.faults.go_on()
        assert service.tasks[0].heard == pcm

It answers every rate and number of channels with `converted(pcm, source, target)`: the polarity is inverted, and nothing else
where the formats are equal. `Options` has its habits: how audio comes (binary, base64 text with or without an event, or all of
them in turn, which is the default), where the last of it is, how late and how uneven it comes, what it holds back until the end
(`hold=math.inf`: all). A fault strikes where its stage says:

    on       "token" (a GetToken came), "handshake", "start" (before TaskStarted), "started" (after it), "input" (`after` seconds
             came in), "output" (`after` seconds were written; 0: before the first), "finish" (FinishTask came), "end" (all audio
             is written but what TaskFinished brings), "ended" (after it)
    kind     "error"             TaskFailed with `told`, then the connection as `closes_after_failure` has it
             "status"            `told` as the status of a message that fails nothing by its event: TaskStarted on "start",
                                 TaskFinished on "end", one without an event elsewhere; the task is over
             "stall"             nothing for `seconds`; None: until `service.faults.go_on()`. On "input" it is deaf
             "close", "drop", "reset"      with a close frame of `code`; without one; as a TCP reset
             "refuse"            "token" and "handshake": HTTP `status` with `told` as its body
             "missing"           TaskStarted, or TaskFinished with the audio that it brings, is never told
             "early end"         TaskFinished, unasked
             "garbage text", "no object", "nulls", "bad base64", "odd bytes", "oversized", "unknown event", "odd types"
                                 a message more, before the usual one
    times    how often it strikes, each occasion once

A rule that the client breaks is told to it as TaskFailed and stands in the journal as "refused"; a habit of the vendor's samples
that is allowed but wasteful, or wrong, stands there as "habit" (text audio, payload again, resent, audio in FinishTask). Nothing
is raised. Messages are written and read here by hand, not by the codec under test; signatures too.
"""

from __future__ import annotations

from ..common.codes import Told
from .codes import SAMI
from .faults import Fault, Faults
from .journal import Entry
from .server import SamiSimulator, simulator
from .talk import Task
from .voice import converted
from .world import SPEAKERS, Account, Options

__all__ = [
    "SAMI",
    "SPEAKERS",
    "Account",
    "Entry",
    "Fault",
    "Faults",
    "Options",
    "SamiSimulator",
    "Task",
    "Told",
    "converted",
    "simulator",
]
