"""The environment over a document: HERALD_SECTION__KEY beats the file, HERALD_SECTION__KEY_FILE names a file with the value.

Only says which variable is which key; what is allowed there, the schema decides as it does for the file. Variables that are not
meant for the configuration (HERALD_CONFIG, HERALD_STATE, those of scripts) have no double underscore and are left alone. Some
variables of programs that Herald replaces are another name for one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .document import Document, Place
from .problems import Problems
from .scalars import KeyPath, Plain, quoted, whole_text
from .schema import NAMED, TOP_KEYS

PREFIX = "HERALD_"
FILE_SUFFIX = "_FILE"
SECRET_SIZE_MAX = 65_536
"""Bytes of a file that a variable names."""

OPENSPEECH = "OPENSPEECH_"
_ENGINE, _VOICE = "HERALD_ENGINES__OPENSPEECH__", "HERALD_VOICES__OPENSPEECH__"

_OPENSPEECH_NAMES = {
    "APPID": f"{_ENGINE}APPID",
    "TOKEN": f"{_ENGINE}TOKEN",
    "CLUSTER": f"{_ENGINE}CLUSTER",
    "HOST": f"{_ENGINE}URL",
    "API_KEY": f"{_ENGINE}API_KEY",
    "SECRET_KEY": f"{_ENGINE}SECRET_KEY",
    "VOICE_TYPE": f"{_VOICE}VOICE",
    "CONSENT": f"{_VOICE}CONSENT",
}
OTHER_NAMES = {
    "LOG_LEVEL": "HERALD_LOG__LEVEL",
    **{f"{OPENSPEECH}{name}{end}": f"{own}{end}" for name, own in _OPENSPEECH_NAMES.items() for end in ("", FILE_SUFFIX)},
}
"""Variables of programs that Herald replaces; Herald's own name beats them."""
_VOICE_TYPE = f"{OPENSPEECH}VOICE_TYPE"
CONSENT = f"{OPENSPEECH}CONSENT"
"""States consent for the voice that the other names."""


class _Variable(NamedTuple):
    name: str
    key: str
    """The name without prefix and suffix, in lower case."""
    value: str
    from_file: bool


def overlay(document: Document, environ: Mapping[str, str], problems: Problems) -> None:
    """Put every variable's value into the document, at its key."""
    if document.root is None:
        document.root = {}
    if not isinstance(document.root, dict):
        return
    given: dict[KeyPath, str] = {}
    for variable in _variables(environ):
        place = Place(variable=variable.name, from_file=variable.from_file)
        path = _path(variable.key, document.root)
        if first := given.get(path):
            problems.add((), f"{first} sets the same key; keep one of them", place)
        elif (value := _value(variable, problems, place)) is not None:
            given[path] = variable.name
            _set(document, path, Plain(value), place, problems)
            if _base(variable.name) == _VOICE_TYPE:
                _imply_voice(document, str(path[1]), place, problems)


def names_in_use(environ: Mapping[str, str]) -> list[str]:
    """Herald's variables, and those of other names that configure it."""
    return sorted({*(name for name in environ if name.startswith(PREFIX)), *(variable.name for variable in _variables(environ))})


def variables_of_engine(name: str) -> list[str]:
    """The variables of other programs that configure the engine of this name."""
    own = f"{PREFIX}ENGINES__{name.upper()}__"
    return [other for other, ours in OTHER_NAMES.items() if ours.startswith(own) and not other.endswith(FILE_SUFFIX)]


def consent_variable(variable: str) -> str:
    """Where the environment states consent for a voice that `variable` named."""
    name = _base(variable)
    return CONSENT if name == _VOICE_TYPE else f"{name.rpartition('__')[0]}__CONSENT"


def _variables(environ: Mapping[str, str]) -> Iterator[_Variable]:
    """Those that configure something, in a stable order. An empty one says nothing."""
    given = {name: value for name, value in sorted(environ.items()) if value}
    upper = {name.upper() for name in given}
    for name, value in given.items():
        own = OTHER_NAMES.get(name, name)
        if not own.upper().startswith(PREFIX) or (own is not name and not _has_a_say(name, own, upper)):
            continue
        key, from_file = _base(own[len(PREFIX) :]).lower(), own.upper().endswith(FILE_SUFFIX)
        if "__" in key or key in TOP_KEYS:
            yield _Variable(name, key, value, from_file)


def _has_a_say(name: str, own: str, given: set[str]) -> bool:
    """Whether a variable of another program counts: not beside Herald's own; consent only where there is somebody to consent."""
    lonely = _base(name) == CONSENT and not given & {_VOICE_TYPE, _VOICE_TYPE + FILE_SUFFIX}
    return not lonely and not given & {_base(own), _base(own) + FILE_SUFFIX}


def _base(name: str) -> str:
    """The name without the ending that makes it one of a file."""
    return name[: -len(FILE_SUFFIX)] if name.upper().endswith(FILE_SUFFIX) else name


def _path(key: str, root: Mapping[str, Any]) -> KeyPath:
    """`engines__my_cloud__token` → engines, my-cloud, token: names of the user's are found whatever their case and hyphens."""
    section, *rest = key.split("__")
    if section not in NAMED or not rest:
        return (section, *rest)
    known = [*(root.get(section) or {}), *NAMED[section]] if isinstance(root.get(section), dict | None) else []
    name = next((one for one in known if _normal(one) == _normal(rest[0])), rest[0])
    return (section, name, *rest[1:])


def _normal(name: str) -> str:
    return name.casefold().replace("-", "_")


def _value(variable: _Variable, problems: Problems, place: Place) -> str | None:
    """The variable's value, from its file if it names one; `None`, and a problem, if there is none."""
    try:
        text = _read_secret(Path(variable.value)) if variable.from_file else variable.value
        return whole_text(text)
    except OSError as error:
        problems.add((), f"names a file that cannot be read: {error.strerror or error}", place)
    except UnicodeError:
        problems.add((), "is not UTF-8 text", place)
    except ValueError as error:
        problems.add((), str(error), place)
    return None


def _read_secret(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(SECRET_SIZE_MAX + 1)
    if len(data) > SECRET_SIZE_MAX:
        msg = f"names a file of {max(len(data), path.stat().st_size)} bytes; {SECRET_SIZE_MAX} are allowed"
        raise ValueError(msg)
    return data.decode("utf-8-sig").rstrip("\r\n")


def _set(document: Document, path: KeyPath, value: Plain | None, place: Place, problems: Problems) -> None:
    if (blocked := document.put(path, value, place)) is not None:
        problems.add(blocked, f"holds no keys, so there is no {quoted(str(path[len(blocked)]))} in it", place)


def _imply_voice(document: Document, name: str, place: Place, problems: Problems) -> None:
    """OPENSPEECH_VOICE_TYPE means an engine, a voice, and the default voice, as far as nothing else is said."""
    implied: dict[KeyPath, Plain | None] = {
        ("engines", "openspeech"): None,
        ("voices", name, "engine"): Plain("openspeech"),
        ("default_voice",): Plain(name),
    }
    for path, value in implied.items():
        if not document.says(path):
            _set(document, path, value, place, problems)
