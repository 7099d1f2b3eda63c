"""Engines, catalogue and synthesis put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import cloud
from wyoming_server.config import Config, load_config
from wyoming_server.errors import EngineUnavailable
from wyoming_server.models import Voice
from wyoming_server.speech import speech
from wyoming_server.voices import Catalogue

YAML = """
engines: {espeak: {enabled: false}, openspeech: }
voices:
  one: {engine: openspeech, voice: zh_female_one}
  dad: {engine: openspeech, voice: S_1, consent: true}
default_voice: openspeech/en_male_two
"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[cloud.CloudEngine]:
    return cloud.install(monkeypatch)


def loaded(folder: Path, text: str) -> Config:
    path = folder / "herald.yaml"
    path.write_text(text)
    return load_config(path, {})


async def test_engines_are_told_which_voices_are_likely(tmp_path: Path, engine: type[cloud.CloudEngine]) -> None:
    async with speech(loaded(tmp_path, YAML), None):
        assert engine.prepared == [{"zh_female_one", "S_1", "en_male_two"}]


async def test_nothing_is_prepared_where_nobody_will_speak(tmp_path: Path, engine: type[cloud.CloudEngine]) -> None:
    async with speech(loaded(tmp_path, YAML), None, prepare=False):
        assert engine.prepared == []


async def test_an_engine_that_could_not_be_started_is_not_prepared(
    tmp_path: Path, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(_engine: cloud.CloudEngine) -> None:
        raise EngineUnavailable("It is gone.")

    monkeypatch.setattr(engine, "start", start)
    async with speech(loaded(tmp_path, YAML), None) as speaks:
        assert list(speaks.engines.failures) == ["openspeech"]
    assert engine.prepared == []


async def test_a_default_voice_that_is_not_there_stops_nothing(tmp_path: Path, engine: type[cloud.CloudEngine]) -> None:
    async with speech(loaded(tmp_path, "engines: {espeak: {enabled: false}, openspeech: }\ndefault_voice: xx"), None):
        assert engine.prepared == [set()]


async def test_what_cannot_be_prepared_is_only_told(
    tmp_path: Path, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def prepare(_engine: cloud.CloudEngine, _utterances: object) -> None:
        raise EngineUnavailable("There is no network.")

    monkeypatch.setattr(engine, "prepare", prepare)
    async with speech(loaded(tmp_path, YAML), None) as speaks:
        assert speaks.engines.failures == {}
    assert "There is no network." in caplog.text


async def test_an_engine_that_is_slow_to_tell_its_voices_holds_nobody_up(
    tmp_path: Path, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, told = asyncio.Event(), engine.voices

    async def voices(asked: cloud.CloudEngine) -> Sequence[Voice]:
        await gate.wait()
        return await told(asked)

    monkeypatch.setattr(engine, "voices", voices)
    monkeypatch.setattr("wyoming_server.speech.PATIENCE", 0)
    async with speech(loaded(tmp_path, "engines: {openspeech: }"), None) as speaks:
        assert not of_the_engine(speaks.catalogue)
        gate.set()
        await until(lambda: bool(of_the_engine(speaks.catalogue)))


async def test_voices_that_change_are_read_again(
    tmp_path: Path, engine: type[cloud.CloudEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with speech(loaded(tmp_path, "engines: {openspeech: }"), None) as speaks:
        (before,) = {len(of_the_engine(speaks.catalogue))}

        async def voices(_engine: cloud.CloudEngine) -> Sequence[Voice]:
            return []

        monkeypatch.setattr(engine, "voices", voices)
        assert before
        speaks.engines["openspeech"].on_voices_changed()
        await until(lambda: not of_the_engine(speaks.catalogue))


def of_the_engine(catalogue: Catalogue) -> list[str]:
    return [voice.name for voice in catalogue.listed() if voice.engine == "openspeech"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # a catalogue tells nobody
            await asyncio.sleep(0)
