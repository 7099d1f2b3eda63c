"""Which engines there are. One line each; a module is imported when its engine is first used."""

from __future__ import annotations

from importlib import import_module

from .base import Engine

ENGINES: dict[str, str] = {
    "dashscope": "wyoming_server.engines.dashscope.engine:DashScopeEngine",
    "espeak": "wyoming_server.engines.espeak:EspeakEngine",
    "flowing": "wyoming_server.engines.flowing.engine:FlowingEngine",
    "indextts": "wyoming_server.engines.indextts.engine:IndexTtsEngine",
    "openai": "wyoming_server.engines.openai.engine:OpenAIEngine",
    "openspeech": "wyoming_server.engines.openspeech.engine:OpenSpeechEngine",
    "tone": "wyoming_server.engines.tone:ToneEngine",
    "wyoming": "wyoming_server.engines.wyoming.engine:WyomingEngine",
}
"""`type` in herald.yaml → module:class."""


def engine_class(engine_type: str) -> type[Engine]:
    """The class of an engine type. Raises KeyError for a type that is not in ENGINES."""
    module, _, name = ENGINES[engine_type].partition(":")
    found: type[Engine] = getattr(import_module(module), name)
    return found
