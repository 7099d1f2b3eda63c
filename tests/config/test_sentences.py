"""What is said about bad files, word by word."""

from __future__ import annotations

import pytest

from wyoming_server.engines.registry import ENGINES

from .loading import load, wrong


def test_every_problem_of_a_file_is_told_at_once_in_its_order() -> None:
    assert wrong("""\
        voices:
          xiaohe: {engine: espeak, sped: 1}
        wyoming:
          rate: 22k
          uri: [tcp://0.0.0.0:10230, 10230]
        http: {port: 70000, enabeld: true}
        """) == [
        "herald.yaml line 2: voices.xiaohe.sped is not a key here. Did you mean speed?",
        'herald.yaml line 4: wyoming.rate must be a whole number from 8000 to 96000 (Hz), not "22k".',
        "herald.yaml line 5: wyoming.uri must be tcp://HOST:PORT, tcp://[::]:PORT or unix:///path, not 10230.",
        "herald.yaml line 6: http.enabeld is not a key here. Did you mean enabled?",
        "herald.yaml line 6: http.port must be a whole number from 0 to 65535, not 70000.",
    ]


def test_at_most_twenty_problems_are_told() -> None:
    sentences = wrong("\n".join(f"wrong{number}: 1" for number in range(25)))
    assert sentences[19].startswith("herald.yaml line 20: wrong19 is not a key here.")
    assert sentences[20:] == ["5 more problems."]
    assert len(wrong("\n".join(f"wrong{number}: 1" for number in range(20)))) == 20


SENTENCES = {
    # servers
    "wyomng: {}": "wyomng is not a key here. Did you mean wyoming?",
    "xyz: {}": (
        "xyz is not a key here. The keys here are wyoming, http, log, cache, limits, engines, converters, voices, aliases, "
        "default_voice, fallback."
    ),
    "[wyoming]": "the file must hold keys of its own, not a list.",
    "hello": "the file must hold keys of its own, not a single value.",
    "wyoming: 10230": "wyoming must hold keys of its own, not a single value.",
    "http: [1]": "http must hold keys of its own, not a list.",
    "wyoming: {rate: 4000}": "wyoming.rate must be a whole number from 8000 to 96000 (Hz), not 4000.",
    "wyoming: {rate: '22050'}": 'wyoming.rate must be a whole number from 8000 to 96000 (Hz), not "22050".',
    "wyoming: {rate: yes}": "wyoming.rate must be a whole number from 8000 to 96000 (Hz), not yes.",
    "wyoming: {max_text: 1.5}": "wyoming.max_text must be a whole number from 1 to 1000000 (characters), not 1.5.",
    "wyoming: {max_text: yes}": "wyoming.max_text must be a whole number from 1 to 1000000 (characters), not yes.",
    "wyoming: {max_text: }": "wyoming.max_text must be a whole number from 1 to 1000000 (characters), not nothing.",
    "wyoming: {max_text: [5]}": "wyoming.max_text must be a whole number from 1 to 1000000 (characters), not a list.",
    "wyoming: {text_timeout: .inf}": 'wyoming.text_timeout must be a number from 1 to 3600 (seconds), not ".inf".',
    "wyoming: {text_timeout: .nan}": 'wyoming.text_timeout must be a number from 1 to 3600 (seconds), not ".nan".',
    "wyoming: {text_timeout: 0}": "wyoming.text_timeout must be a number from 1 to 3600 (seconds), not 0.",
    f"wyoming: {{max_text: {'9' * 5000}}}": (
        f'wyoming.max_text must be a whole number from 1 to 1000000 (characters), not "{"9" * 60}…".'
    ),
    "wyoming: {zeroconf: ''}": 'wyoming.zeroconf must be true, false, or a name of at most 63 bytes, not "".',
    f"wyoming: {{zeroconf: {'x' * 64}}}": (
        f'wyoming.zeroconf must be true, false, or a name of at most 63 bytes, not "{"x" * 60}…".'
    ),
    "wyoming: {allow: everybody}": (
        'wyoming.allow must be private, loopback, any, or a network such as 192.168.1.0/24, not "everybody".'
    ),
    "wyoming: {allow: {private: yes}}": "wyoming.allow must be a list, or text with commas, not a mapping.",
    "wyoming: {uri: unix://run/x}": ('wyoming.uri must be tcp://HOST:PORT, tcp://[::]:PORT or unix:///path, not "unix://run/x".'),
    "http: {allowed_hosts: 'http://a'}": (
        'http.allowed_hosts must be a host name such as herald.example.net, without scheme and port, not "http://a".'
    ),
    "log: {level: loud}": 'log.level must be one of debug, info, warning, error, not "loud".',
    # engines
    "engines: {My: {type: tone}}": (
        'engines.My must be a name of small letters, digits, _ and -, with a letter first, not "My".'
    ),
    "engines: {cloud: {}}": "engines.cloud.type is missing; it must be one of {}.".format(", ".join(ENGINES)),
    "engines: {a: {type: tome}}": 'engines.a.type must be one of {}, not "tome".'.format(", ".join(ENGINES)),
    "engines: {a: {type: tone, frequenzy: 5}}": "engines.a.frequenzy is not a key here. Did you mean frequency?",
    "engines: {a: {type: tone, delay: -1}}": "engines.a.delay must be a number from 0 to 3600, not -1.",
    "engines: {a: {type: tone, stall_at: x}}": 'engines.a.stall_at must be a number from 0 to 3600 or nothing, not "x".',
    "engines: {a: {type: tone, streaming_text: 2}}": "engines.a.streaming_text must be true or false, not 2.",
    "engines: {a: {type: tone, fail_with: x}}": (
        "engines.a.fail_with must be one of engine_failed, engine_unavailable, engine_timeout, engine_busy, "
        'credentials_refused, quota_exceeded, voice_refused, unspeakable, not "x".'
    ),
    "engines: {a: tone}": "engines.a must hold keys of its own, not a single value.",
    # voices
    "voices: {a: }": "voices.a.engine is missing; it must be the name of an engine.",
    "voices: {a: {engine: cloud}}": (
        'voices.a.engine names the engine "cloud", which is not configured. The engines are espeak.'
    ),
    "voices: {a: {engine: espaek}}": (
        'voices.a.engine names the engine "espaek", which is not configured. Did you mean "espeak"?'
    ),
    "engines: {tone: {enabled: false}}\nvoices: {a: {engine: tone}}": (
        'voices.a.engine names the engine "tone", which is switched off (enabled: false).'
    ),
    "voices: {a: {engine: [x]}}": "voices.a.engine must be the name of an engine, not a list.",
    "voices: {a: {engine: espeak, speed: 9}}": "voices.a.speed must be a number from 0.25 to 4, not 9.",
    "voices: {a: {engine: espeak, emotion: {}}}": "voices.a.emotion must be text, not a mapping.",
    "voices: {a: {engine: espeak, gender: x}}": 'voices.a.gender must be one of female, male, neutral, not "x".',
    "voices: {a: {engine: espeak, language: [en, e]}}": (
        'voices.a.language must be a language tag such as en-GB or zh-CN, not "e".'
    ),
    "voices: {a: {engine: espeak, fallback: [b/c]}}": (
        'voices.a.fallback names the engine "b", which is not configured. The engines are espeak.'
    ),
    "voices: {a: {engine: espeak, fallback: [Grandmom]}, Grandma: {engine: espeak}}": (
        'voices.a.fallback names "Grandmom", which is no voice here. Did you mean "Grandma"?'
    ),
    "voices: {a: {engine: espeak, fallback: [a]}}": 'voices.a.fallback names "a", which is the voice itself; name somebody else.',
    "voices: {a: {engine: espeak, aliases: [x], fallback: [en, x]}}": (
        'voices.a.fallback names "x", which is the voice itself; name somebody else.'
    ),
    "voices: {a: {engine: espeak, fallback: [en, fr, en]}}": (
        'voices.a.fallback names "en", which is named before; name somebody else.'
    ),
    "voices: {a: {engine: espeak, hedge: 0}}": "voices.a.hedge must be a number from 0.05 to 300, or none (seconds), not 0.",
    "fallback: Grandma": 'fallback names "Grandma", which is no voice here.',
    "voices: {a: {engine: espeak, converter: {type: x, speaker: y}}}": (
        'voices.a.converter.type names the converter "x", which is not configured.'
    ),
    "voices: {a: {engine: espeak, converter: x}}": "voices.a.converter must hold keys of its own, not a single value.",
    "engines: {tone: }\nvoices: {a: {engine: tone, frequency: 5}}": (
        "voices.a.frequency must be a whole number from 20 to 20000, not 5."
    ),
    "voices: {a.b c: {engine: espeak, x: 1}}": 'voices."a.b c".x is not a key here. ',
    'voices: {"a\\nb": {engine: espeak}}': (
        'voices."a\\nb" must be a name of 1 to 100 characters, without control characters or spaces around it, not "a\\nb".'
    ),
    "voices: {'': {engine: espeak}}": (
        'voices."" must be a name of 1 to 100 characters, without control characters or spaces around it, not "".'
    ),
    # names
    "aliases: {alloy: mama}": 'aliases.alloy names "mama", which is no voice here.',
    "voices: {Grandma: {engine: espeak}}\naliases: {alloy: Gramdma}": (
        'aliases.alloy names "Gramdma", which is no voice here. Did you mean "Grandma"?'
    ),
    "aliases: {alloy: cloud/x}": ('aliases.alloy names the engine "cloud", which is not configured. The engines are espeak.'),
    "aliases: {alloy: en, echo: alloy}": 'aliases.echo names "alloy", which is an alias itself; name its voice.',
    "voices: {a: {engine: espeak}}\naliases: {a: en}": 'aliases.a gives the name "a" a second time: it is already a voice.',
    "voices: {a: {engine: espeak, aliases: [x, y]}, b: {engine: espeak, aliases: [y]}}": (
        'voices.b.aliases gives the name "y" a second time: it is already an alias.'
    ),
    "default_voice: nobody": 'default_voice names "nobody", which is no voice here.',
    "default_voice: [en]": (
        "default_voice must be a name of 1 to 100 characters, without control characters or spaces around it, not a list."
    ),
}


@pytest.mark.parametrize(("text", "sentence"), SENTENCES.items())
def test_a_problem_is_told_in_one_sentence(text: str, sentence: str) -> None:
    line = text.count("\n") + 1
    [told] = wrong(text)
    assert told.startswith(f"herald.yaml line {line}: {sentence}")
    assert told.endswith((".", "?"))
    assert sentence.endswith(" ") or told == f"herald.yaml line {line}: {sentence}"


BAD_URIS = (
    "http://a:1 tcp://a tcp://:1 tcp://a:1/x tcp://me@a:1 tcp://:me@a:1 tcp://a:1?x tcp://a:1#x tcp://a:99999 tcp://a:x tcp://[::1:5"
    f" a:1 10230 unix:run/x unix:// unix:/// unix://host/x unix:///{'x' * 107}"
)


@pytest.mark.parametrize("uri", [*BAD_URIS.split(), "tcp://a:1 ", "tcp://a\\tb:1"])
def test_an_address_that_cannot_be_listened_on_is_refused(uri: str) -> None:
    assert wrong(f'wyoming: {{uri: ["{uri}"]}}')[0].startswith("herald.yaml line 1: wyoming.uri must be tcp://HOST:PORT")


def test_a_list_item_is_told_at_its_own_line() -> None:
    assert wrong("wyoming:\n  allow:\n    - private\n    - nobody\n")[0].startswith("herald.yaml line 4: wyoming.allow must be")


def test_a_key_is_told_at_its_own_line_wherever_its_value_begins() -> None:
    assert wrong("log:\n  level:\n    loud\n")[0].startswith("herald.yaml line 2: log.level must be")


def test_a_setting_that_the_engine_does_not_take_is_told_at_its_line() -> None:
    [told] = wrong("""\
        engines: {tone: }
        voices:
          a:
            engine: tone
            frequency: 440
            emotion: happy
        """)
    assert told.startswith("herald.yaml line 6: voices.a.emotion is not for this voice: ")
    assert "emotion" in told.partition("is not for this voice: ")[2]


def test_a_broken_engine_is_not_told_again_by_its_voices_and_aliases() -> None:
    assert wrong("""\
        engines: {beeps: {type: tone, rate: 1}}
        voices: {a: {engine: beeps, frequency: 880}}
        aliases: {b: beeps/tone}
        default_voice: a
        """) == ["herald.yaml line 1: engines.beeps.rate must be a whole number from 8000 to 96000, not 1."]


def test_all_problems_of_a_voice_are_told_with_its_unknown_engine() -> None:
    told = wrong("voices: {a: {engine: cloud, speed: 9, fallback: [b], frequency: 1}}")
    assert [sentence.split(": ")[1].split()[0] for sentence in told] == ["voices.a.engine", "voices.a.speed"]


def test_an_empty_fallback_is_none() -> None:
    assert load("voices: {a: {engine: espeak, fallback: [], converter: }}").voices["a"].fallback == ()
