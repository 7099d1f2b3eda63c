"""Voices of the real OpenSpeech engine in herald.yaml: what depends on the voice, and on how it is spoken."""

from __future__ import annotations

import pytest

from .loading import load, wrong

BIG, SECOND, CLONE = "zh_female_wanwanxiaohe_moon_bigtts", "zh_female_vv_uranus_bigtts", "S_nLVvYpzH1"


def yaml(voice: str, keys: str) -> str:
    return f"engines: {{openspeech: }}\nvoices:\n  dad: {{engine: openspeech, voice: {voice}, {keys}}}"


@pytest.mark.parametrize(
    ("voice", "keys"),
    [
        (BIG, "speed: 1.5, pitch: 3"),
        (BIG, "operation: query, encoding: mp3"),
        (BIG, "api: v1, speed: 0.3"),
        (SECOND, "instructions: whisper"),
        (CLONE, "consent: true, cluster: volcano_icl"),
    ],
)
def test_what_a_voice_takes_loads(voice: str, keys: str) -> None:
    assert load(yaml(voice, keys)).voices["dad"].voice == voice


@pytest.mark.parametrize(
    ("voice", "keys", "words"),
    [
        (BIG, "api: v1, pitch: 3", "voices.dad.pitch is not for this voice: OpenSpeech voices take no pitch"),
        (BIG, "speed: 0.3", "voices.dad.speed is not for this voice: OpenSpeech voices take speed from 0.5 to 2, not 0.3."),
        (SECOND, "operation: query", f"voices.dad does not go together: The voice {SECOND} speaks only API v3"),
        (SECOND, "operation: ask", 'voices.dad.operation must be one of submit, query, not "ask".'),
        (CLONE, "speed: 1", "voices.dad.consent must be true: "),
    ],
)
def test_what_it_does_not_take_is_told_once(voice: str, keys: str, words: str) -> None:
    (line,) = wrong(yaml(voice, keys))
    assert line.startswith(f"herald.yaml line 3: {words}")


def test_an_address_that_is_none_is_told() -> None:
    (line,) = wrong("", {"OPENSPEECH_HOST": "ftp://openspeech.example"})
    assert line.startswith("OPENSPEECH_HOST: engines.openspeech")
    assert "url" in line
