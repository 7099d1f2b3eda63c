"""herald.yaml as plain data that remembers its lines: bytes in, mappings and lists of text out. Knows no key.

Built from PyYAML's nodes with its safe loader, so that every value keeps its place; nothing in a file can build an object. Size,
depth and number of values are bounded, those that aliases repeat included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from ..errors import ConfigError
from .scalars import KeyPath, Plain, whole_text
from .syntax import syntax_sentence

SIZE_MAX = 1_048_576
"""Bytes of a file."""
VALUES_MAX = 20_000
"""Keys and values of a file, counted again wherever an alias repeats them."""
DEPTH_MAX = 20
"""Mappings and lists inside one another."""

_TAGS: dict[type[yaml.Node], tuple[str, ...]] = {
    yaml.ScalarNode: ("str", "int", "float", "bool", "null", "timestamp", "merge", "value"),
    yaml.SequenceNode: ("seq",),
    yaml.MappingNode: ("map",),
}
_TAG_PREFIX = "tag:yaml.org,2002:"


class Place(NamedTuple):
    """Where a value was given: a line of the file, an environment variable, or the stored credentials."""

    line: int = 0
    """From 1; 0 where it is none of the file's."""
    variable: str = ""
    from_file: bool = False
    """The variable names a file, which keeps a secret."""
    stored: bool = False


@dataclass(kw_only=True, slots=True)
class Document:
    """What was read, where each value stands, and what was wrong while reading."""

    root: Any = None
    """Mappings, lists, None, and text: `Plain` where it had no quotes."""
    places: dict[KeyPath, Place] = field(default_factory=dict)
    flaws: list[tuple[KeyPath, Place, str]] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place:
        """Where the value stands, or the nearest mapping around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(line=1))

    def value(self, path: KeyPath) -> Any:
        """What stands there; `None` where there is nothing, or no mapping around it."""
        at = self.root
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        return at

    def says(self, path: KeyPath) -> bool:
        """Whether there is a value, or something else where the mapping around it should be."""
        at = self.root
        for key in path:
            if not isinstance(at, dict):
                break
            at = at.get(key)
        return at is not None

    def put(self, path: KeyPath, value: Any, place: Place) -> KeyPath | None:
        """Put a value there, with the mappings around it. Where one of those is no mapping, nothing is put: the path of that."""
        at = self.root
        for depth, key in enumerate(path[:-1], start=1):
            if at.get(key) is None:
                at[key] = {}
                self.places[path[:depth]] = place
            at = at[key]
            if not isinstance(at, dict):
                return path[:depth]
        at[path[-1]] = value
        self.places[path] = place
        return None


def parse(data: bytes, name: str) -> Document:
    """The document in `data`. Raises ConfigError, naming the file `name`, for bytes that are not YAML or too many."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{name} line {line}: is not UTF-8 text. Save the file as UTF-8."
        raise ConfigError(msg) from None
    try:
        node = _compose(text)
        reader = _NodeReader()
        if node is not None:
            reader.document.root = reader.value(node, ())
    except yaml.YAMLError as error:
        # Not chained: PyYAML quotes the file, where a secret may stand.
        msg = f"{name} {syntax_sentence(error, text)}"
        raise ConfigError(msg) from None
    return reader.document


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, bounded in depth and number of nodes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._count += 1
        self._depth += 1
        event = self.peek_event()  # type: ignore[no-untyped-call]
        _check_bounds(self._count, self._depth, event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _NodeReader:
    """Turns nodes into a document."""

    def __init__(self) -> None:
        self.document = Document()
        self._count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count += 1
        _check_bounds(self._count, len(path), node.start_mark)
        self.document.places.setdefault(path, _place(node))
        if not self._may_have(node.tag, node):
            self._flaw(node, path, "begins with !, which means nothing here; text that begins with ! needs quotes")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._flaw(key_node, path, "holds a key that is not text")
            elif key in values:
                first = self.document.places[*path, str(key)].line
                self._flaw(key_node, (*path, str(key)), f"stands here a second time; the first is on line {first}")
            else:
                self.document.places[*path, str(key)] = _place(key_node)
                values[str(key)] = self.value(value_node, (*path, str(key)))
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> str | None:
        try:
            text = whole_text(node.value)
        except ValueError:
            self._flaw(node, path, "holds half a character: a \\u escape whose second half is missing")
            return None
        if node.tag == f"{_TAG_PREFIX}null":
            return None
        return text if node.style else Plain(text)

    @staticmethod
    def _may_have(tag: str, node: yaml.Node) -> bool:
        return tag.startswith(_TAG_PREFIX) and tag.removeprefix(_TAG_PREFIX) in _TAGS[type(node)]

    def _flaw(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.document.flaws.append((path, _place(node), message))


def _place(node: yaml.Node) -> Place:
    return Place(line=node.start_mark.line + 1)


def _check_bounds(count: int, depth: int, mark: yaml.Mark | None) -> None:
    if depth > DEPTH_MAX:
        raise yaml.MarkedYAMLError(problem=f"goes more than {DEPTH_MAX} levels deep", problem_mark=mark)
    if count > VALUES_MAX:
        raise yaml.MarkedYAMLError(problem=f"holds more than {VALUES_MAX} keys and values", problem_mark=mark)
