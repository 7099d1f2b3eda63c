"""One reply, from text to PCM: `synthesizer` is the way in.

`sources` is what a reply is made from (engine, and converter: `conversion`), `sharing` one that several listeners hear, `shaping`
what is done to it for one of them, `loudness` the learned gain of each voice, `chimes` what may be heard before it.
"""

from __future__ import annotations

from .synthesizer import ReplyEvent, Synthesizer, load_stages

__all__ = ["ReplyEvent", "Synthesizer", "load_stages"]
