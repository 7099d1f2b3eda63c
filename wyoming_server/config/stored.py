"""Stored credentials under a document: they fill what neither the file nor the environment says, and nothing else.

What an engine or a converter lists in its `credentials` may be stored. Whatever else is there is told by its name, and left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..converters.base import Converter
from ..converters.registry import CONVERTERS, converter_class
from ..engines.base import Engine
from ..engines.registry import ENGINES, engine_class
from ..state.credentials import Stored
from .document import Document, Place
from .scalars import KeyPath, dotted
from .values import Config

_LOGGER = logging.getLogger(__name__)

NOTHING: Stored = MappingProxyType({})
"""Where nothing was stored."""
PLACE = Place(stored=True)


class _Kind(NamedTuple):
    singular: str
    registry: Mapping[str, str]
    class_of: Callable[[str], type[Engine | Converter]]


_KINDS: Mapping[str, _Kind] = {
    "engines": _Kind("engine", ENGINES, engine_class),
    "converters": _Kind("converter", CONVERTERS, converter_class),
}


def underlay(document: Document, stored: Stored) -> None:
    """Put every stored value into the document where nothing is said. A type of which nothing is said at all is so configured."""
    if document.root is None:
        document.root = {}
    for kind, services in stored.items():
        for name, values in services.items():
            _fill(document, (kind, name), values)


def unused(config: Config, stored: Stored) -> dict[str, dict[str, tuple[str, ...]]]:
    """Section → name → fields, of what is configured no more, or is switched off."""
    there: Mapping[str, Collection[str]] = {"engines": config.engines, "converters": config.converters}
    return {
        section: {name: tuple(fields) for name, fields in services.items() if name not in there[section]}
        for section, services in stored.items()
    }


def _fill(document: Document, path: KeyPath, values: Mapping[str, str]) -> None:
    kind = _KINDS[str(path[0])]
    its_type = _type(document, path)
    if its_type not in kind.registry:
        if path not in document.places:
            _LOGGER.warning("The stored credentials of %s are not used: there is no %s of this name", dotted(path), kind.singular)
        return  # that its type is wrong is told with the rest of its entry
    fields = {field.name for field in kind.class_of(its_type).credentials}
    for name, value in values.items():
        if name not in fields:
            _LOGGER.warning("The stored %s is not used: %s has no such credential", dotted((*path, name)), its_type)
        elif not document.says((*path, name)):
            document.put((*path, name), value, PLACE)


def _type(document: Document, path: KeyPath) -> str:
    """What its entry says, else the name; it may be the name of no type."""
    given = document.value((*path, "type"))
    return given.lower() if isinstance(given, str) else str(path[-1])
