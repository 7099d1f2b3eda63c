"""Wyoming satellites: Home Assistant has FFmpeg read the stream, and sends them what comes of it at once.

Their protocol knows no stop: what they were sent is heard, so that the stream's lead is how long they go on. A call whose stream
has ended, and that is cancelled until it is done, leaves the satellite free at once. Cancelled before that, it would leave FFmpeg
behind.
"""

from __future__ import annotations

from typing import ClassVar

from .satellite import Satellite


class Wyoming(Satellite):
    FORMAT: ClassVar[str] = "MKA"  # FFmpeg gives it out at once, of others it waits for seconds
    RATE: ClassVar[int | None] = 22_050  # as Home Assistant sends it
    LATE: ClassVar[float] = 0.5  # most never tell that they have played it, and are waited for as long again
