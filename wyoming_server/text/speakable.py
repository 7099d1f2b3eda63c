"""What a listener wants to hear of a text that was written to be seen: its words, without Markdown, tags, addresses and emoji.

Four stages, each reading every character once and keeping back only what it cannot know yet; so the result is the same however
the text was cut into fragments. Text without mark-up comes out as it went in.
"""

from __future__ import annotations

from .blocks import Blocks
from .emoji import Emoji
from .inline import Inline
from .pieces import Spacing


class SpeakableText:
    """Text in fragments in, the same without mark-up out.

    Kept back at most: a line's beginning while it may be a marker, a table's row, what stands between an opening mark and its
    partner (256 code points, never beyond the line), the white space at the end. All of it comes out with `flush`.
    """

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._inline = Inline()
        self._emoji = Emoji()
        self._spacing = Spacing()

    def push(self, fragment: str) -> str:
        """Go on with `fragment`; what is now known to be spoken."""
        return self._spacing.push(self._emoji.push(self._inline.push(self._blocks.push(fragment))))

    def flush(self) -> str:
        """The text ends here, or pauses long enough for what has come to be spoken. It may go on."""
        pieces = self._inline.push(self._blocks.flush())
        pieces = self._emoji.push([*pieces, *self._inline.flush()])
        return self._spacing.push([*pieces, *self._emoji.flush()]) + self._spacing.flush()
