"""One text that several write at once: whoever came first writes it, the others' must be the same; it waits for nobody else's.

    the first of those who write        its fragments are the text
    that one leaves before the end      the next one goes on, whose text is the same
    nobody is left who writes           the text ends there
    a text that says something else     ShareConflict, for that writer alone
    a text without a word               never in conflict: whoever only listens

Decides synchronously, and waits nowhere: it is written to, and fills a channel.
"""

from __future__ import annotations

from ...channel import Channel
from ...errors import ShareConflict
from ...models import PAUSE


class Writer:
    """What one of them wrote."""

    def __init__(self, text: SharedText) -> None:
        self._text = text
        self.written = bytearray()
        """UTF-8, whole characters: what two have in common ends between two."""
        self.agreed = 0
        """Bytes of it that are known to be the text's."""
        self.has_ended = False
        self.conflict: ShareConflict | None = None

    @property
    def may_lead(self) -> bool:
        """Whether there is something of the text here, or may be."""
        return self.conflict is None and bool(self.written or not self.has_ended)

    def write(self, fragment: str) -> None:
        self.written += fragment.encode(errors="surrogatepass")
        self._text.settle()
        if fragment == PAUSE:
            self._text.pause(self)

    def end(self) -> None:
        """This is all that it has."""
        self.has_ended = True
        self._text.settle()


class SharedText:
    """The text, as far as it is known."""

    def __init__(self) -> None:
        self.fragments: Channel[str] = Channel()
        """For its one reader. How much they may be, whoever takes the writers' texts limits."""
        self._known = bytearray()
        self._has_ended = False
        self._writers: list[Writer] = []
        self._paused = True
        """There is nothing new since the last pause."""

    def join(self) -> Writer:
        """One more, who is to write, end and leave."""
        writer = Writer(self)
        self._writers.append(writer)
        return writer

    def leave(self, writer: Writer) -> None:
        self._writers.remove(writer)
        self.settle()

    def pause(self, writer: Writer) -> None:
        """Whoever writes the text pauses there."""
        if writer is self._leader() and not (self._paused or self._has_ended):
            self._paused = True
            self.fragments.push(PAUSE)

    def settle(self) -> None:
        """Take what its writer has more, and see whether the others' is the same."""
        while not self._has_ended and (leader := self._leader()) is not None:
            self._compare(leader)
            if leader.conflict is None:
                self._take(leader)
                break
        if self._writers and self._leader() is None:
            self._end()
        for writer in self._writers:
            self._compare(writer)

    def _leader(self) -> Writer | None:
        return next((writer for writer in self._writers if writer.may_lead), None)

    def _take(self, leader: Writer) -> None:
        if more := leader.written[len(self._known) :]:
            self._known += more
            self._paused = False
            self.fragments.push(more.decode(errors="surrogatepass"))
        if leader.has_ended:
            self._end()

    def _end(self) -> None:
        self._has_ended = True
        self.fragments.end()

    def _compare(self, writer: Writer) -> None:
        written, known = writer.written, self._known
        common = min(len(written), len(known))
        is_same = written[writer.agreed : common] == known[writer.agreed : common]
        is_longer = self._has_ended and len(written) > len(known)
        is_shorter = writer.has_ended and 0 < len(written) < len(known)
        if is_same and not is_longer and not is_shorter:
            writer.agreed = common
        elif writer.conflict is None:
            writer.conflict = ShareConflict("This share speaks another text. Use another id for this one.")
