"""Cuts growing text into sentences, as soon as each is known to be whole.

A machine that reads every character once. What it decides depends on the characters read so far and on nothing else, so the
sentences, and the moment each comes out, are the same however the text was cut into fragments. Mark-up is not its business.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..models import Sentence
from .abbreviations import LONGEST, After, after_stop
from .characters import ATTACHED, ELLIPSIS, EN_DASH, ENDERS, SOFTS, Kind, is_flag_letter, joined, kind_of, traits_of
from .quotes import Quotes

_BREAKABLE_AFTER = frozenset({Kind.WIDE, Kind.WIDE_SOFT, Kind.WIDE_ENDER})
_EXTENDS_CLAUSE = frozenset({*SOFTS, Kind.CLOSER, Kind.MARK})
_EXTENDS_END = frozenset({*ENDERS, Kind.CLOSER, Kind.MARK})
_IN_WORD = frozenset({Kind.LETTER, Kind.DIGIT, Kind.MARK, Kind.STOP})
_MAY_JOIN = frozenset({Kind.MARK, Kind.OTHER})


def is_speakable(text: str) -> bool:
    """Whether an engine has anything to say: a letter, a digit, or a sign that is read aloud such as % or €."""
    return any(traits_of(char).spoken for char in text)


def ends_sentence(text: str) -> bool:
    """Whether it looks as if a sentence ended here; only the text behind it can prove it.

    A full stop counts only behind a word that it can end: not behind a number, an initial or an abbreviation.
    """
    text = text.rstrip()
    while text and kind_of(text[-1]) in (Kind.CLOSER, Kind.MARK):
        text = text[:-1]
    if not text or (kind := kind_of(text[-1])) not in ENDERS:
        return False
    before, _, word = text[:-1].rpartition(" ")
    return kind is not Kind.STOP or (not word.isdecimal() and after_stop(word, before) is After.ANYTHING)


@dataclass(slots=True)
class _End:
    """The end of a sentence that the next characters confirm or deny."""

    kind: Kind
    place: int
    """Offset after it and everything attached to it."""
    after: After
    closed: bool = False
    """A closing quote or bracket came after it."""
    spaced: bool = False
    """White space came after it: only the first character of the next word is missing."""

    @property
    def clear(self) -> bool:
        """Whether white space alone confirms it."""
        return self.kind is Kind.WIDE_ENDER or (self.after is After.ANYTHING and not self.closed)

    def extend(self, char: str, kind: Kind) -> None:
        """`char` is attached to it."""
        self.place += 1
        if kind is Kind.CLOSER:
            self.closed = True
        elif kind in ENDERS:
            is_ellipsis = char == ELLIPSIS or (kind is Kind.STOP and not self.closed)
            self.after = After.NO_LOWER if is_ellipsis else After.ANYTHING
            self.kind = max(self.kind, kind)
            self.closed = False

    def confirmed_by(self, char: str, kind: Kind) -> bool:
        """Whether it is one, now that `char` follows, with white space between or without."""
        if self.spaced:
            goes_on = kind in ENDERS  # ". . ."
        elif self.kind is Kind.WIDE_ENDER:
            return kind not in SOFTS
        else:
            goes_on = kind in SOFTS or kind in (Kind.LETTER, Kind.DIGIT) or char.isascii()
        return not goes_on and self.after.ends(char) and not (self.closed and char.islower())


@dataclass(slots=True)
class _Clause:
    """A soft end that the next character confirms or denies."""

    kind: Kind
    place: int
    """Offset after it and everything attached to it."""
    after_digit: bool
    needs_space: bool

    def confirmed_by(self, kind: Kind) -> bool:
        if kind is Kind.SPACE:
            return True
        if self.needs_space or (self.after_digit and kind is Kind.DIGIT):
            return False
        return self.kind is not Kind.SOFT or kind is Kind.WIDE


class SentenceSplitter:
    """Text in fragments in, sentences out.

    `first_min`: the first piece of a text may end at a comma once it has this much text, so that speech starts early, provided
    that a third as much follows before the sentence ends. Counted in Latin letters; a Chinese, Japanese or Korean character
    counts as three of them, for it takes about as long to speak.
    `soft_limit`: code points. What is longer ends at its last comma, or else at the next.
    `hard_limit`: code points. No sentence is longer: what is ends at its last white space (Chinese, Japanese: anywhere), or else
    between any two characters, and within one only if it alone is longer.
    """

    def __init__(self, *, first_min: int = 24, soft_limit: int = 200, hard_limit: int = 300) -> None:
        self._first_min = first_min
        self._tail_min = first_min // 3
        self._hard_limit = max(1, hard_limit)
        self._soft_limit = min(soft_limit, self._hard_limit)
        self._soft_min = max(1, self._soft_limit // 4)

        self._sentences: list[Sentence] = []
        self._first = True
        """Nothing to speak has come out yet."""
        self._quotes = Quotes()
        self._end: _End | None = None
        self._clause: _Clause | None = None
        self._before, self._kind_before = "\n", Kind.NEWLINE
        """The character before."""
        self._flag_letters = 0
        """How many regional indicators came in a row."""
        self._weight = 0
        """Of the sentence so far."""
        self._early: tuple[int, int] | None = None
        """Where the first piece may end, and its weight up to there."""
        self._inside = False
        """In a sentence, not between two."""

        self._buffer = ""
        # What follows are offsets in the text.
        self._base = 0
        """Of the buffer's first character."""
        self._position = 0
        """Of the character being read."""
        self._start = 0
        """Of the sentence being read."""
        self._word = 0
        """Of the word being read."""
        self._spoken = -1
        """Of the last character that an engine speaks."""
        self._soft = 0
        """After the last soft end."""
        self._break = 0
        """The last place where a line might be broken."""
        self._border = 0
        """The last place between two characters as a reader sees them."""

    def push(self, fragment: str) -> list[Sentence]:
        """Go on with `fragment`; the sentences that are now known to be whole."""
        self._buffer += fragment
        for char in fragment:
            self._read(char)
        return self._take()

    def flush(self) -> list[Sentence]:
        """The text ends here, or pauses long enough for what has come to be spoken. It may go on."""
        if self._inside:
            self._cut(self._position)
        self._before, self._kind_before = "\n", Kind.NEWLINE
        return self._take()

    def _take(self) -> list[Sentence]:
        base = self._start if self._inside else self._position
        self._buffer = self._buffer[base - self._base :]
        self._base = base
        done, self._sentences = self._sentences, []
        return done

    def _read(self, char: str) -> None:
        """One character: what it decides, where it stands, what it may begin."""
        own_kind, spoken, weight = traits_of(char)
        kind = self._quotes.kind(char, self._kind_before, own_kind)
        if self._end is not None:
            self._settle_end(self._end, char, kind)
        if self._clause is not None:
            self._settle_clause(self._clause, kind)
        if kind is Kind.NEWLINE:
            self._newline()
        elif not self._inside and kind is not Kind.SPACE:
            self._inside, self._start, self._word = True, self._position, self._position
        if self._inside:
            self._weight += weight
            if spoken:
                self._spoken = self._position
            self._track(char, kind)
            self._begin(char, kind)
        self._position += 1
        self._before, self._kind_before = char, kind
        if self._inside:
            self._keep_limits()

    def _newline(self) -> None:
        if self._inside:
            self._cut(self._position)
        self._quotes.reset()

    # What was seen before this character

    def _settle_end(self, end: _End, char: str, kind: Kind) -> None:
        """Extend, confirm or deny the end of a sentence."""
        if kind is Kind.SPACE and (self._quotes.guillemets or not end.clear):
            end.spaced = True
        elif end.spaced and char == "»" and kind is Kind.CLOSER:
            end.place, end.spaced, end.closed = self._position + 1, False, True
        elif not end.spaced and kind in _EXTENDS_END:
            end.extend(char, kind)
        elif kind is not Kind.NEWLINE:
            self._end = None
            confirmed = kind is Kind.SPACE or end.confirmed_by(char, kind)
            # What has nothing to say begins the next sentence.
            if confirmed and self._spoken >= self._start:
                self._cut(end.place)

    def _settle_clause(self, clause: _Clause, kind: Kind) -> None:
        """Extend, confirm or deny a soft end."""
        if kind in _EXTENDS_CLAUSE:
            clause.place += 1
            return
        self._clause = None
        if not clause.confirmed_by(kind):
            return
        self._soft = clause.place
        if self._first and self._early is None and self._weight >= self._first_min and self._spoken >= self._start:
            self._early = clause.place, self._weight

    # What this character begins

    def _begin(self, char: str, kind: Kind) -> None:
        if kind in ENDERS and self._end is None:
            self._end = _End(kind, self._position + 1, self._after(char, kind))
        elif kind in SOFTS and self._clause is None:
            needs_space = char == EN_DASH
            if not needs_space or self._kind_before is Kind.SPACE:
                self._clause = _Clause(kind, self._position + 1, self._kind_before is Kind.DIGIT, needs_space)

    def _after(self, char: str, kind: Kind) -> After:
        """What must follow `char` for it to be the end of a sentence."""
        if kind is not Kind.STOP:
            return After.NO_LOWER if char == ELLIPSIS else After.ANYTHING
        if self._word == self._position:
            return After.NO_LOWER if self._kind_before is Kind.SPACE else After.ANYTHING
        if self._position - self._word > LONGEST:
            return After.ANYTHING
        before = self._slice(max(self._start, self._word - LONGEST), self._word)
        return after_stop(self._slice(self._word, self._position), before)

    def _slice(self, start: int, end: int) -> str:
        return self._buffer[start - self._base : end - self._base]

    def _track(self, char: str, kind: Kind) -> None:
        """Note the word's beginning and where a cut might fall, in case one is needed."""
        if kind not in _IN_WORD and char not in "'’":
            self._word = self._position + 1
        self._flag_letters = self._flag_letters + 1 if is_flag_letter(char) else 0
        ends_flag = self._flag_letters > 0 and self._flag_letters % 2 == 0
        may_join = kind in _MAY_JOIN or self._kind_before in _MAY_JOIN
        if ends_flag or (may_join and joined(self._before, char)):
            return
        self._border = self._position
        between_words = kind is Kind.WIDE or self._kind_before in _BREAKABLE_AFTER
        if kind is Kind.SPACE or (between_words and kind not in ATTACHED and self._kind_before is not Kind.OPENER):
            self._break = self._position

    # Cuts

    def _keep_limits(self) -> None:
        """Cut where the sentence being read may start early or is too long."""
        length = self._position - self._start
        if self._early is not None and self._weight - self._early[1] >= self._tail_min:
            self._cut(self._early[0])
        elif length > self._soft_limit and self._soft - self._start >= self._soft_min:
            self._cut(self._soft)
        elif length > self._hard_limit:
            places = (self._break, self._border, self._start + self._hard_limit)
            self._cut(next(place for place in places if place > self._start))

    def _cut(self, place: int) -> None:
        """End the sentence at `place`; what was read beyond it begins the next one."""
        text = self._slice(self._start, place).rstrip()
        self._sentences.append(Sentence(text=text, start=self._start))
        self._first = self._first and not is_speakable(text)
        self._early, self._weight = None, 0
        rest = self._slice(place, self._position).lstrip()
        self._inside, self._start = bool(rest), self._position - len(rest)
        self._word = max(self._word, self._start)
        if self._end is not None and self._end.place <= place:
            self._end = None
        if self._clause is not None and self._clause.place <= place:
            self._clause = None
