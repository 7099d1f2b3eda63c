"""eSpeak NG: `engine` speaks, `voices` names, `pool` and `process` keep the workers, `worker` (only that) loads the library."""

from .engine import EspeakEngine

__all__ = ["EspeakEngine"]
