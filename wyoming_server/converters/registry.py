"""Which voice converters there are. One line each; a module is imported when its converter is first used."""

from __future__ import annotations

from importlib import import_module

from .base import Converter

CONVERTERS: dict[str, str] = {
    "gain": "wyoming_server.converters.gain:GainConverter",
    "sami": "wyoming_server.converters.sami.converter:SamiConverter",
}
"""`type` in herald.yaml → module:class."""


def converter_class(converter_type: str) -> type[Converter]:
    """The class of a converter type. Raises KeyError for a type that is not in CONVERTERS."""
    module, _, name = CONVERTERS[converter_type].partition(":")
    found: type[Converter] = getattr(import_module(module), name)
    return found
