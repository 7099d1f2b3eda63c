"""What good files mean."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from wyoming_server.config import Config, HttpConfig, LogConfig, VoiceConfig, WyomingConfig, load_config
from wyoming_server.models import Gender, VoiceSettings
from wyoming_server.networks import Networks

from .loading import FILE, load


def test_no_file_is_a_configuration() -> None:
    config = load_config(None, {"HOME": "/nonexistent"})
    assert (config.wyoming, config.http, config.log) == (WyomingConfig(), HttpConfig(), LogConfig())
    assert (config.voices, config.aliases, config.default_voice, config.source) == ({}, {}, None, None)
    assert [(engine.name, engine.type) for engine in config.engines.values()] == [("espeak", "espeak")]


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "---\n", "wyoming:\nengines:\nvoices:\naliases:\n", "\ufeffwyoming: {}", "{}"]
)
def test_an_empty_file_is_the_defaults(text: str) -> None:
    assert load(text) == dataclasses.replace(load_config(None, {"HOME": "/nonexistent"}), source=FILE)


def test_every_key_of_the_servers_is_read() -> None:
    config = load("""
        wyoming:
          uri: [tcp://127.0.0.1:10200, 'tcp://[::]:10230', unix:///run/herald.sock]
          rate: 22050
          allow: [loopback, 192.168.1.0/24, fd00::/8]
          max_connections: 5
          max_text: 1_000
          text_timeout: 7.5
          write_timeout: 8
          zeroconf: Kitchen
        http:
          enabled: no
          host: "::1"
          port: 8080
          max_connections: 6
          request_timeout: 3
          allowed_hosts: herald.example.net, speech
        log: {level: DEBUG, format: json}
        """)
    assert config.wyoming == WyomingConfig(
        uri=("tcp://127.0.0.1:10200", "tcp://[::]:10230", "unix:///run/herald.sock"),
        rate=22_050,
        allow=Networks.parse(("loopback", "192.168.1.0/24", "fd00::/8")),
        max_connections=5,
        max_text=1_000,
        text_timeout=7.5,
        write_timeout=8,
        zeroconf="Kitchen",
    )
    assert config.http == HttpConfig(
        enabled=False,
        host="::1",
        port=8080,
        max_connections=6,
        request_timeout=3,
        allowed_hosts=("herald.example.net", "speech"),
    )
    assert config.log == LogConfig(level="debug", format="json")


def test_every_key_of_a_voice_is_read() -> None:
    config = load("""
        engines: {beeps: {type: tone}}
        voices:
          Grandma:
            engine: espeak
            voice: en-GB
            language: [en-GB, en]
            gender: female
            description: Slow
            speed: 0.85
            volume: 60
            speakable_text: off
            even_loudness: false
            trim_silence: no
            aliases: granny, 奶奶
            consent: yes
          Beep: {engine: beeps, frequency: 880, stall_at: null}
        """)
    assert config.voices["Grandma"] == VoiceConfig(
        name="Grandma",
        engine="espeak",
        voice="en-GB",
        languages=("en-GB", "en"),
        gender=Gender.FEMALE,
        description="Slow",
        settings=VoiceSettings(speed=0.85, volume=60),
        speakable_text=False,
        even_loudness=False,
        trim_silence=False,
        aliases=("granny", "奶奶"),
        consent=True,
    )
    assert config.voices["Beep"] == VoiceConfig(
        name="Beep", engine="beeps", voice="Beep", settings=VoiceSettings(extras={"frequency": 880, "stall_at": None})
    )


def test_a_word_gets_its_type_from_its_key() -> None:
    config = load("""
        voices:
          123: {engine: espeak, voice: 0123, language: no, description: 1e3, consent: no}
          yes: {engine: espeak, voice: yes, description: "quoted"}
        """)
    assert [(voice.name, voice.voice, voice.description) for voice in config.voices.values()] == [
        ("123", "0123", "1e3"),
        ("yes", "yes", "quoted"),
    ]
    assert config.voices["123"].languages == ("no",)
    assert type(config.voices["123"].voice) is str
    assert config.voices["123"].consent is False


def test_limits_are_allowed_themselves() -> None:
    config = load(f"wyoming: {{zeroconf: {'x' * 63}, rate: 96000, text_timeout: 1}}\nvoices: {{{'n' * 100}: {{engine: espeak}}}}")
    assert (config.wyoming.zeroconf, config.wyoming.rate, config.wyoming.text_timeout) == ("x" * 63, 96_000, 1)
    assert list(config.voices) == ["n" * 100]


def test_an_engine_takes_its_options_and_fills_in_its_defaults() -> None:
    engine = load("engines: {beeps: {type: tone, rate: 16000, delay: 0.5}}").engines["beeps"]
    assert (engine.name, engine.type) == ("beeps", "tone")
    assert {key: engine.options[key] for key in ("rate", "delay", "pace", "fail_at")} == {
        "rate": 16_000,
        "delay": 0.5,
        "pace": 0,
        "fail_at": None,
    }
    assert not engine.options.keys() & {"type", "enabled"}


def test_an_engines_type_is_its_name_unless_it_says_otherwise() -> None:
    assert [(one.name, one.type) for one in load("engines: {tone: }").engines.values()] == [
        ("tone", "tone"),
        ("espeak", "espeak"),
    ]


def test_espeak_can_be_switched_off() -> None:
    assert not load("engines: {espeak: {enabled: false}}").engines


def test_an_engine_that_is_off_is_not_looked_at() -> None:
    assert list(load("engines: {tone: {enabled: false, nonsense: 1}}").engines) == ["espeak"]


def test_several_engines_of_one_type_keep_the_files_order() -> None:
    assert list(load("engines: {b: {type: tone}, espeak: {}, a: {type: tone}}").engines) == ["b", "espeak", "a"]


@pytest.mark.parametrize("target", ["Grandma", "espeak/en-GB", "en-GB", "zh", "zh_CN", "en-GB+f3", "art-x-pyash"])
def test_an_alias_and_the_default_lead_to_a_voice_or_a_language(target: str) -> None:
    config = load(f"voices: {{Grandma: {{engine: espeak}}}}\naliases: {{alloy: '{target}'}}\ndefault_voice: {target}")
    assert (config.aliases, config.default_voice) == ({"alloy": target}, target)


def test_the_default_may_be_an_alias() -> None:
    voices = "voices: {Grandma: {engine: espeak, aliases: [granny]}}\naliases: {alloy: Grandma}\n"
    assert load(voices + "default_voice: granny").default_voice == "granny"
    assert load(voices + "default_voice: alloy").default_voice == "alloy"


def test_anchors_repeat_values() -> None:
    config = load("""
        voices:
          a: &slow {engine: espeak, speed: 0.5}
          b: *slow
        """)
    assert config.voices["a"].settings == config.voices["b"].settings == VoiceSettings(speed=0.5)


def test_emoji_may_be_written_as_json_escapes() -> None:
    assert load(r'voices: {"\ud83d\ude00": {engine: espeak}}').voices.keys() == {"😀"}


def test_credentials_are_not_in_the_representation() -> None:
    config = load("engines: {beeps: {type: tone, frequency: 4711}}")
    assert config.engines["beeps"].options["frequency"] == 4711
    assert "4711" not in repr(config)


def test_the_example_loads() -> None:
    example = Path(__file__).parents[2] / "docs" / "herald.example.yaml"
    config = load_config(example, {})
    assert isinstance(config, Config)
    assert config.source == example
    assert config.voices.keys() == {"Grandma", "Beep"}


def test_what_is_commented_out_in_the_example_loads_too(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / "docs" / "herald.example.yaml").read_text()
    (tmp_path / "herald.yaml").write_text(re.sub(r"^( *)# ?(?= *[\w-]+:( |$))", r"\1", example, flags=re.MULTILINE))
    config = load_config(tmp_path / "herald.yaml", {})
    assert config.voices.keys() == {"Grandma", "Beep", "Xiaohe", "Huoli"}
    assert (config.engines["openspeech"].characters_per_day, config.limits.requests_per_minute) == (20_000, 120)


def test_fallbacks_are_voices_of_the_file_or_of_an_engine_and_languages() -> None:
    config = load("""
        voices:
          a: {engine: espeak, fallback: [b, espeak/en, zh-CN, espeak], first_audio_timeout: 2.5, hedge: 1}
          b: {engine: espeak, fallback: [a]}
        engines: {espeak: {breaker_failures: 0, breaker_seconds: 5}}
        """)
    voice, engine = config.voices["a"], config.engines["espeak"]
    assert voice.fallback == ("b", "espeak/en", "zh-CN", "espeak")
    assert (voice.first_audio_timeout, voice.hedge) == (2.5, 1)
    assert config.voices["b"].fallback == ("a",)  # whose own fallbacks are then not asked
    assert (engine.breaker_failures, engine.breaker_seconds) == (0, 5)
    assert config.fallback == "espeak"


@pytest.mark.parametrize("name", ["none", "espeak", "a", "zh-CN", "espeak/fr"])
def test_the_last_fallback_is_a_voice_or_nobody(name: str) -> None:
    assert load(f"fallback: {name}\nvoices: {{a: {{engine: espeak}}}}").fallback == name
