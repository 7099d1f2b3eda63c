"""The stored credentials: what is kept, what is refused, and that nothing of it is shown or lost."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import BadSetting, ConfigError, HeraldError, TooLarge
from wyoming_server.state import credentials, secret_files
from wyoming_server.state.credentials import FIELDS_MAX, FILE_MAX, NAME_MAX, SERVICES_MAX, VALUE_MAX, CredentialStore

SECRET = "hunter2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "credentials.json"


@pytest.fixture
def store(path: Path) -> CredentialStore:
    return CredentialStore(path)


def write(path: Path, content: Any) -> bytes:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    path.chmod(0o600)
    return path.read_bytes()


def test_without_a_file_there_is_nothing_and_none_is_made(store: CredentialStore, path: Path) -> None:
    assert store.read() == {"engines": {}, "converters": {}}
    assert not path.parent.exists()
    path.parent.write_text("")  # no directory at all
    assert store.read() == {"engines": {}, "converters": {}}


def test_what_is_kept_outlives_the_store_in_a_file_for_its_owner(store: CredentialStore, path: Path) -> None:
    store.replace("engines", "openspeech", {"appid": "1", "token": '密 \t"x\\'})
    store.replace("converters", "sami", {"appkey": "a"})
    assert CredentialStore(path).read() == {
        "engines": {"openspeech": {"appid": "1", "token": '密 \t"x\\'}},
        "converters": {"sami": {"appkey": "a"}},
    }
    assert (S_IMODE(path.stat().st_mode), S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert json.loads(path.read_bytes())["version"] == 1


def test_values_are_merged_none_and_blanks_remove_and_an_empty_entry_disappears(store: CredentialStore) -> None:
    store.replace("engines", "my-cloud", {"appid": "1", "token": "2", "api_key": None})
    store.replace("engines", "my-cloud", {"token": " 3\n", "url": ""})
    assert store.read()["engines"] == {"my-cloud": {"appid": "1", "token": "3"}}
    store.replace("engines", "my-cloud", {"appid": None})
    assert store.read()["engines"] == {"my-cloud": {"token": "3"}}
    store.replace("engines", "my-cloud", {"token": "  "})
    assert store.read()["engines"] == {}


def test_one_name_is_forgotten_and_the_others_stay(store: CredentialStore) -> None:
    for kind, name in (("engines", "a"), ("engines", "b"), ("converters", "a")):
        store.replace(kind, name, {"token": name})
    store.remove("engines", "a")
    store.remove("engines", "never-there")
    assert store.read() == {"engines": {"b": {"token": "b"}}, "converters": {"a": {"token": "a"}}}


def test_what_changes_nothing_writes_nothing(store: CredentialStore, path: Path) -> None:
    store.remove("engines", "a")
    store.replace("engines", "a", {"token": None})
    assert not path.exists()
    store.replace("engines", "a", {"token": "x"})
    before = path.stat().st_ino
    store.replace("engines", "a", {"token": "x"})
    assert path.stat().st_ino == before


BROKEN: Mapping[str, bytes] = {
    "empty": b"",
    "no JSON": b'{"version": 1,\n "engines": {"a": {"token": hunter2}}}',
    "no text": b'{"version": 1, "engines": {"\xff": {}}}',
    "cut off": b'{"version": 1, "engines": {"a": {"token": "hunter2"',
    "too deep": b"[" * 200_000,
    "too large": b'{"version": 1}' + b" " * FILE_MAX,
    "a number that is too long": b"1" * 100_000,
    "no mapping": b'["hunter2"]',
    "no version": b"{}",
    "another version": b'{"version": 2, "engines": {"a": {"token": "hunter2"}}}',
    "another key": b'{"version": 1, "hunter2": 1}',
    "engines of another kind": b'{"version": 1, "engines": "hunter2"}',
    "an engine of another kind": b'{"version": 1, "engines": {"a": "hunter2"}}',
    "a name that is none": b'{"version": 1, "engines": {"hunter2!": {}}}',
    "a field that is none": b'{"version": 1, "engines": {"a": {"hunter2 ": "x"}}}',
    "a value that is no text": b'{"version": 1, "engines": {"a": {"token": ["hunter2"]}}}',
    "half a character": b'{"version": 1, "engines": {"a": {"token": "hunter2\\ud800"}}}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_with_its_name_and_left_as_it_is(store: CredentialStore, path: Path, content: bytes) -> None:
    write(path, content)
    for use in (
        store.read,
        lambda: store.replace("engines", "b", {"token": "x"}),
        lambda: store.remove("engines", "a"),
    ):
        with pytest.raises(ConfigError, match=r"cannot be used: .*left as it is") as caught:
            use()
        assert str(path) in str(caught.value)
        assert SECRET not in repr(caught.value)
        assert caught.value.__cause__ is None
    assert path.read_bytes() == content


def test_the_size_of_a_file_that_is_too_large_is_told(store: CredentialStore, path: Path) -> None:
    write(path, b" " * (FILE_MAX + 5))
    with pytest.raises(ConfigError, match=f"it has {FILE_MAX + 5} bytes; {FILE_MAX} are allowed"):
        store.read()


def test_what_cannot_be_read_or_written_is_told_in_words(store: CredentialStore, path: Path, tmp_path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(ConfigError, match=r"credentials\.json cannot be read: Is a directory"):
        store.read()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be stored in .*file/credentials\.json: .*--state"):
        CredentialStore(tmp_path / "file" / "credentials.json").replace("engines", "a", {"token": "x"})


def test_where_writing_fails_the_old_values_stay(store: CredentialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    store.replace("engines", "a", {"token": "old"})
    monkeypatch.setattr(secret_files, "replace", no_space)
    with pytest.raises(ConfigError, match="No space left on device"):
        store.replace("engines", "a", {"token": "new"})
    assert store.read()["engines"] == {"a": {"token": "old"}}


def test_a_file_that_others_can_read_is_mended_and_told(
    store: CredentialStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.replace("engines", "a", {"token": SECRET})
    path.chmod(0o644)
    assert store.read()["engines"] == {"a": {"token": SECRET}}
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert f"stored credentials {path} (mode 644)" in caplog.text
    assert SECRET not in caplog.text


# Limits


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a\n", "a/b", "é", "a" * (NAME_MAX + 1), "\ud800"])
def test_a_name_that_is_none_is_refused(store: CredentialStore, path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match="is no name") as caught:
        store.replace("engines", name, {"token": SECRET})
    assert SECRET not in str(caught.value)
    with pytest.raises(BadSetting, match="is no name"):
        store.replace("engines", "a", {name: SECRET})
    assert not path.parent.exists()


@pytest.mark.parametrize("value", ["hunter2\ud800", 5, ["hunter2"], {"hunter2": 1}])
def test_a_value_that_is_no_text_is_refused(store: CredentialStore, value: Any) -> None:
    with pytest.raises(BadSetting, match=r"^The credential token is no text\.$"):
        store.replace("engines", "a", {"token": value})


def test_sizes_have_limits_and_both_numbers_are_told(store: CredentialStore) -> None:
    store.replace("engines", "a", {"token": "x" * VALUE_MAX})
    with pytest.raises(
        TooLarge, match=f"{VALUE_MAX + 1} characters in the credential token are too many; {VALUE_MAX} are allowed"
    ):
        store.replace("engines", "a", {"token": "x" * (VALUE_MAX + 1)})
    store.replace("engines", "a", {f"f{number}": "x" for number in range(FIELDS_MAX - 1)})
    with pytest.raises(TooLarge, match=f"{FIELDS_MAX + 1} stored credentials of a are too many; {FIELDS_MAX} are allowed"):
        store.replace("engines", "a", {"one_more": "x"})
    assert len(store.read()["engines"]["a"]) == FIELDS_MAX


def test_numbers_of_names_have_a_limit_that_lets_old_ones_be_changed(store: CredentialStore, path: Path) -> None:
    write(path, {"version": 1, "engines": {f"e{number}": {"token": "x"} for number in range(SERVICES_MAX)}})
    store.replace("engines", "e0", {"token": "y"})
    with pytest.raises(TooLarge, match=f"{SERVICES_MAX + 1} engines with stored credentials are too many"):
        store.replace("engines", "more", {"token": "x"})
    store.remove("engines", "e1")
    store.replace("engines", "more", {"token": "x"})


def test_a_file_never_gets_too_large_to_be_read(store: CredentialStore) -> None:
    values = {f"f{number}": "密" * VALUE_MAX for number in range(FIELDS_MAX)}
    fit = FILE_MAX // (3 * VALUE_MAX * FIELDS_MAX)
    for number in range(fit):
        store.replace("engines", f"e{number}", values)
    with pytest.raises(TooLarge, match=f"bytes of stored credentials are too many; {FILE_MAX} are allowed"):
        store.replace("engines", "more", values)
    assert len(store.read()["engines"]) == fit > 1


# Secrecy, and several writers


def test_nothing_shows_a_value(store: CredentialStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store.replace("engines", "a", {"appid": "1", "token": SECRET})
    assert repr(store.read()) == "{'engines': {'a': <appid, token>}, 'converters': {}}"
    assert SECRET not in f"{store!r} {vars(store)} {caplog.text}"


def test_threads_do_not_lose_each_others_entries(path: Path) -> None:
    def keep(number: int) -> None:
        CredentialStore(path).replace("engines", f"e{number % 4}", {f"f{number}": str(number)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(24)))
    stored = CredentialStore(path).read()["engines"]
    assert {value for fields in stored.values() for value in fields.values()} == {str(number) for number in range(24)}


def test_processes_do_not_lose_each_others_entries(path: Path) -> None:
    code = """
import sys
from pathlib import Path
from wyoming_server.state.credentials import CredentialStore
for number in range(20):
    CredentialStore(Path(sys.argv[1])).replace("engines", sys.argv[2], {f"f{number}": "x"})
"""
    root = Path(credentials.__file__).parents[2]
    arguments = [[sys.executable, "-c", code, str(path), name] for name in ("a", "b", "c")]
    processes = [subprocess.Popen(one, cwd=root) for one in arguments]  # noqa: S603
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert {name: len(fields) for name, fields in CredentialStore(path).read()["engines"].items()} == {"a": 20, "b": 20, "c": 20}
    assert sorted(one.name for one in path.parent.iterdir()) == ["credentials.json", "credentials.json.lock"]


TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True), TEXTS, max_size=4))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    store = CredentialStore(tmp_path_factory.mktemp("state") / "credentials.json")
    store.replace("engines", "a", values)
    kept = {field: value.strip() for field, value in values.items() if value.strip()}
    assert store.read()["engines"] == ({"a": kept} if kept else {})


@given(st.binary(max_size=60) | st.recursive(st.none() | TEXTS, lambda inner: st.dictionaries(TEXTS, inner)).map(json.dumps))
def test_any_bytes_are_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    path = tmp_path_factory.mktemp("state") / "credentials.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    with suppress(HeraldError):
        CredentialStore(path).read()
