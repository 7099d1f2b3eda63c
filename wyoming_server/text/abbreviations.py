"""What a full stop after a word means: the end of a sentence, or an abbreviation, an initial, an ordinal, a date.

Tables of words in the languages that write abbreviations with a full stop. A missing word costs a pause too many, a wrong one a
sentence that is spoken together with the next; so words that are also ordinary ones count only before a number, or only with a
capital.
"""

from __future__ import annotations

import re
from enum import Enum, auto

LONGEST = 48
"""Code points before the full stop that are looked at."""


class After(Enum):
    """What has to follow for the sentence to be over."""

    ANYTHING = auto()
    NO_LOWER = auto()
    """Anything but a lower-case letter."""
    NO_LOWER_OR_DIGIT = auto()
    NO_DIGIT = auto()
    NOTHING = auto()
    """The sentence goes on, unless the text ends here."""

    def ends(self, following: str) -> bool:
        """Whether the sentence is over, now that the next word begins with the character `following`."""
        if self is After.NOTHING:
            return False
        if following.islower():
            return self in (After.ANYTHING, After.NO_DIGIT)
        return not following.isdigit() or self in (After.ANYTHING, After.NO_LOWER)


# Always followed by more of the same sentence; written with a capital, or else they are other words.
_TITLES = frozenset(
    "Dr Mr Mrs Ms Mx Prof St Ste Mt Gen Col Capt Cpt Lt Sgt Maj Adm Rev Hon Gov Sen Rep Pres Supt Messrs "  # English
    "Hr Fr Frl Dipl Ing Univ Hl "  # German
    "MM Mme Mlle Mgr "  # French
    "Sra Srta Sres Dra Ud Uds Dña Exmo Exma Mons "  # Spanish, Portuguese
    "Sig Sigg Dott Avv Geom "  # Italian
    "Dhr Mevr Mw Drs "  # Dutch
    "EE".split()
)

# The same in any case.
_NEVER_LAST = frozenset(
    "dr mr mrs ms prof sr vs viz cf approx "
    "bzw vgl ca evtl ggf inkl exkl zzgl bspw insb sog geb gest resp allg "
    "env "
    "núm tel "
    "sig dott "
    "dhr mevr bijv blz "
    "np tzn tzw ul "
    "тов проф акад ул им см напр гл "
    "डॉ श्री प्रो पं कु स्व".split()
)

# May stand last: over when the next word has a capital (or no case at all).
_MAY_BE_LAST = frozenset(
    "etc ex ej jr inc ltd co corp bros dept est usw uvm ecc enz itd itp др пр руб коп тыс млн млрд чел мин сек uu".split()
)

# Abbreviations only before a number: "No. 5", "p. 12", "Jan. 3".
_BEFORE_NUMBER = frozenset(
    "no nos nr nro num fig figs vol vols ch chap sec art pp par para eq ed ver pg tab "
    "abb kap bd bde ziff str hausnr abs "
    "pág págs cap jan feb mar apr jun jul aug sep sept oct nov dec okt dez mrz "
    "стр рис табл ст кв".split()
)

_DOTTED_MAY_BE_LAST = frozenset({"a.m", "p.m", "a.c", "d.c", "b.c", "u.s.w", "o.ä", "u.ä", "т.д", "т.п", "m.in"})

# Before an ordinal: "am 3. Oktober", "die 2. Etage", "ve 2. kapitole".
_ORDINAL_LEADERS = frozenset(
    "am der den dem des die das vom zum zur beim im ins ab bis seit vor nach jeden jeder jede und oder "
    "il el le la den det de i na ve v od do dne kl og och".split()
)

# One letter after these is a unit ("21 °C.", "5 km/h.", "USB-C."), not an initial.
_BEFORE_UNIT = (*"0123456789", "°", "/", "-")

_INITIALS = re.compile(r"[^\W\d_]{1,2}(?:\.[^\W\d_]{1,2})+")
_DATE = re.compile(r"\d{1,2}\.\d{1,2}")
_ORDINAL = re.compile(r"\d{1,3}")
_LEADER = re.compile(r"(\w+)(,?)\s+$")


def after_stop(word: str, before: str) -> After:
    """What a full stop after `word` means; `before` is the sentence up to the word."""
    if word.isdecimal():
        return _after_number(word, before)
    word = word.strip("'’")
    lowered = word.lower()
    if len(word) == 1 and before.rstrip().endswith(_BEFORE_UNIT):
        return After.NO_LOWER_OR_DIGIT
    if len(word) == 1 or word in _TITLES or lowered in _NEVER_LAST:
        return After.NOTHING
    if lowered in _DOTTED_MAY_BE_LAST or lowered in _MAY_BE_LAST or _DATE.fullmatch(word):
        return After.NO_LOWER_OR_DIGIT
    if lowered in _BEFORE_NUMBER:
        return After.NO_DIGIT
    return After.NOTHING if _INITIALS.fullmatch(word) else After.ANYTHING


def _after_number(number: str, before: str) -> After:
    """A list's number and an ordinal go on; any other number may be the last word."""
    if not _ORDINAL.fullmatch(number):
        return After.ANYTHING
    leader = _LEADER.search(before)
    if not any(map(str.isalnum, before)) or (leader and (leader[2] or leader[1].lower() in _ORDINAL_LEADERS)):
        return After.NOTHING
    return After.NO_LOWER_OR_DIGIT
