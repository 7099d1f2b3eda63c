"""The IndexTTS websocket service twice: as it was seen to behave (`manner="real"`), and as its document says (`"document"`).

    async with simulator(manner="real", delay=0.05) as service:
        service.faults.add(Fault(kind="stall", on="model"))
        ... service.url ...
        await service.saw("start")
        service.faults.go_on()

The real one does nothing at all while its model works: handshakes, pings, close frames and status queries wait, only the journal
tells at once who has left. `queued` comes right before `start`. Nothing cancels: requests of who has left are dropped when their
turn comes, what runs is finished "for nobody". The document's has a queue, answers `task_status` at any time, and ends what was
asked by who leaves. A fault strikes right before the message after which its stage is named, or while the model works:

    on       "handshake", "welcome", "queued", "start", "model", "audio", "end", "ended" (after it), "status" (a query's answer)
    kind     "error"             with the task_id; words of `message`, in which {text} is the request's text
             "bare error"        without a task_id
             "server error"      服务器错误 without a task_id, then close 1000
             "stall"             nothing for `seconds`; None: until `service.faults.go_on()`
             "close", "drop", "reset"      with a close frame of `code`; without one; as a TCP reset. The model goes on for nobody
             "refuse"            the handshake, with HTTP `status`
             "missing", "twice"  the message ("welcome", "queued", "start", "audio", "end", "status")
             "late"              `end`, told only after the next `start` on that connection
             "wav"               the WAV as `shape` says: see `sound.SHAPES`
             "garbage text", "no object", "garbage binary", "unknown event"     a message more, before the usual one

A rule that the client breaks is told to it as an error without a task_id and stands in the journal as "refused"; nothing is
raised. `stop()` ends everything as a crash does, and the port refuses until `start()`; with `is_open=False` it does so from the
beginning. Messages are written and read here by hand, not by the codec under test.
"""

from __future__ import annotations

from .faults import Fault, Faults
from .journal import Entry
from .server import IndexttsSimulator, simulator
from .sound import RATE, SHAPES, speech, wav
from .world import Options

__all__ = ["RATE", "SHAPES", "Entry", "Fault", "Faults", "IndexttsSimulator", "Options", "simulator", "speech", "wav"]
