"""Credentials that were entered while Herald ran: one file in the state directory.

Who may enter them and what they are for, others know. Nothing is kept in memory: every reading is a new one. Values are in no
error, no log and no `repr`. Reading and writing block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import BadSetting, ConfigError, TooLarge
from . import secret_files

Stored: TypeAlias = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Kind → name of the engine or converter → field → value."""

FILE = "credentials.json"
"""In the state directory."""
KINDS = ("engines", "converters")
VERSION = 1
FILE_MAX = 1_048_576
"""Bytes of the file."""
VALUE_MAX = 4_096
"""Characters of one value."""
NAME_MAX = 100
"""Characters of a name, or of a field's."""
SERVICES_MAX = 200
"""Names of one kind."""
FIELDS_MAX = 32
"""Fields of one name."""

_NAME = re.compile(rf"[a-z][a-z0-9_-]{{0,{NAME_MAX - 1}}}")


class Fields(dict[str, str]):
    """Field → value, of which only the fields are ever shown."""

    def __repr__(self) -> str:
        return f"<{', '.join(self) or 'nothing'}>"


_Services: TypeAlias = dict[str, dict[str, Fields]]


class CredentialStore:
    """The file. Several stores of one file, in any process, lose nothing of each other's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Stored:
        """Everything. Raises ConfigError, naming the file, where it cannot be read or understood."""
        return self._read()

    def replace(self, kind: str, name: str, values: Mapping[str, str | None]) -> None:
        """Keep these values beside those that are there. `None`, or a blank, takes one out.

        Raises BadSetting or TooLarge for what cannot be kept, ConfigError for a file that cannot be read or written.
        """
        _check(name, values)
        with _told(self._path), secret_files.locked(self._path):
            stored = self._read()
            fields = stored[kind].get(name, Fields())
            merged = {**fields, **{field: value.strip() if value else None for field, value in values.items()}}
            self._keep(stored, kind, name, Fields({field: value for field, value in merged.items() if value}))

    def remove(self, kind: str, name: str) -> None:
        """Forget everything of one name; there need not be anything. Raises ConfigError as `replace` does."""
        with _told(self._path), secret_files.locked(self._path):
            self._keep(self._read(), kind, name, Fields())

    def _read(self) -> _Services:
        try:
            secret_files.hide(self._path, "stored credentials")
            data = secret_files.read(self._path, FILE_MAX)
        except (FileNotFoundError, NotADirectoryError):
            return {kind: {} for kind in KINDS}
        except OSError as error:
            msg = f"The stored credentials in {self._path} cannot be read: {error.strerror or error}."
            raise ConfigError(msg) from error
        if len(data) > FILE_MAX:
            raise _useless(self._path, f"it has {max(len(data), self._path.stat().st_size)} bytes; {FILE_MAX} are allowed")
        return _parsed(data, self._path)

    def _keep(self, stored: _Services, kind: str, name: str, fields: Fields) -> None:
        """Write the file with these fields of one name, unless that changes nothing."""
        before = stored[kind].pop(name, Fields())
        if fields == before:
            return
        if fields:
            stored[kind][name] = fields
        _check_number(len(stored[kind]), SERVICES_MAX, f"{kind} with stored credentials")
        _check_number(len(fields), FIELDS_MAX, f"stored credentials of {name}")
        data = json.dumps({"version": VERSION, **stored}, indent=1, ensure_ascii=False).encode()
        _check_number(len(data), FILE_MAX, "bytes of stored credentials")
        secret_files.replace(self._path, data + b"\n")


def _check(name: str, values: Mapping[str, str | None]) -> None:
    """Raise BadSetting or TooLarge for what nobody could read again."""
    for word in (name, *values):
        if not _NAME.fullmatch(word):
            msg = f"{word[:NAME_MAX]!r} is no name of small letters, digits, _ and -, with a letter first."
            raise BadSetting(msg)
    for field, value in values.items():
        if value is None:
            continue
        if not isinstance(value, str) or not _is_whole(value):
            msg = f"The credential {field} is no text."
            raise BadSetting(msg)
        _check_number(len(value), VALUE_MAX, f"characters in the credential {field}")


def _is_whole(text: str) -> bool:
    """False for half a character, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_number(number: int, most: int, things: str) -> None:
    if number > most:
        msg = f"{number} {things} are too many; {most} are allowed."
        raise TooLarge(msg)


def _parsed(data: bytes, path: Path) -> _Services:
    # What the parser says is not chained: it holds the whole file.
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        raise _useless(path, f"it is no JSON from line {error.lineno} on") from None
    except (ValueError, RecursionError):
        raise _useless(path, "it is no JSON") from None
    if not isinstance(content, dict) or content.keys() - {"version", *KINDS}:
        raise _useless(path, f"it must hold version, {' and '.join(KINDS)}, and nothing else")
    if content.get("version") != VERSION:
        raise _useless(path, f"its version is not {VERSION}; another Herald may have written it")
    return {kind: _services(content.get(kind, {}), kind, path) for kind in KINDS}


def _services(given: Any, kind: str, path: Path) -> dict[str, Fields]:
    if not isinstance(given, dict) or not all(map(_NAME.fullmatch, given)):
        raise _useless(path, f"{kind} must hold names of {kind}")
    for name, fields in given.items():
        good = isinstance(fields, dict) and all(map(_NAME.fullmatch, fields))
        if not good or not all(isinstance(value, str) and _is_whole(value) for value in fields.values()):
            raise _useless(path, f"{kind}.{name} must hold names of credentials, each with a text")
    return {name: Fields(fields) for name, fields in given.items()}


def _useless(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"The stored credentials in {path} cannot be used: {why}. The file was left as it is: mend it, or move it away and enter "
        "them again."
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system says of writing the file, as a ConfigError."""
    try:
        yield
    except OSError as error:
        msg = f"Credentials cannot be stored in {path}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error
