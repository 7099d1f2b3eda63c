"""The catalogue: what is listed, and which voice a client means."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from wyoming_server.config import Config, load_config
from wyoming_server.engines.base import Engine, EngineEvent, Utterance
from wyoming_server.engines.sentences import SentenceEngine
from wyoming_server.errors import EngineUnavailable, UnknownVoice
from wyoming_server.models import AudioFormat, Capabilities, Gender, Voice
from wyoming_server.voices import Catalogue

CONFIG = """
engines: {tone: {}}
voices:
  butler: {engine: espeak, voice: en-GB+Mike, aliases: [alloy]}
  siri: {engine: tone, voice: tone, language: de-DE}
aliases: {中文女: zh-CN, en-US: siri}
"""


WHO = {"mum": Gender.FEMALE, "dad": Gender.MALE}


class Speaker(SentenceEngine):
    """An engine with a few voices, and none after `broken` is set."""

    title = "Speaker"
    capabilities = Capabilities()

    def __init__(self, name: str, **languages: tuple[str, ...]) -> None:
        super().__init__(name, {})
        self.languages = languages
        self.people: frozenset[str] = frozenset()
        """Voices that need consent."""
        self.broken = False

    async def voices(self) -> Sequence[Voice]:
        if self.broken:
            msg = "It is gone."
            raise EngineUnavailable(msg)
        return [
            Voice(name=tags[0], engine=self.name, engine_voice=tags[0], languages=tags, description=voice, gender=WHO.get(voice))
            for voice, tags in self.languages.items()
        ]

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        base, plus, variant = voice_id.partition("+")
        if variant == "nobody":
            msg = "There is no variant 'nobody'."
            raise UnknownVoice(msg)
        return Voice(name=voice_id, engine=self.name, engine_voice=voice_id, languages=(base,)) if plus else None

    def needs_consent(self, voice_id: str) -> bool:
        return voice_id in self.people

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=22_050)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield b""


def espeak() -> Speaker:
    return Speaker(
        "espeak",
        british=("en-GB", "en"),
        american=("en-US",),
        german=("de",),
        chinese=("zh-CN", "cmn"),
        cantonese=("zh-HK", "yue"),
    )


async def catalogue(folder: Path, yaml: str = "", *engines: Engine) -> Catalogue:
    made = Catalogue(loaded(folder, yaml), {engine.name: engine for engine in engines or (espeak(),)})
    await made.refresh()
    return made


def loaded(folder: Path, yaml: str) -> Config:
    path = folder / "herald.yaml"
    path.write_text(yaml)
    return load_config(path, {})


@pytest.fixture
async def configured(tmp_path: Path) -> Catalogue:
    return await catalogue(tmp_path, CONFIG, espeak(), Speaker("tone", tone=("fr-FR",)))


async def test_without_configuration_every_espeak_voice_is_listed_by_its_tag(tmp_path: Path) -> None:
    listed = (await catalogue(tmp_path)).listed()
    assert [voice.name for voice in listed] == ["en-GB", "en-US", "de", "zh-CN", "zh-HK"]


async def test_configured_voices_come_first_and_hide_espeaks(configured: Catalogue) -> None:
    assert [voice.name for voice in configured.listed()] == ["butler", "siri", "tone/fr-FR"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("butler", "butler"),
        ("alloy", "butler"),
        ("中文女", "zh-CN"),
        ("en-US", "en-US"),  # a name goes before an alias
        ("tone/fr-FR", "tone/fr-FR"),
        ("de", "de"),  # hidden, but there
        ("en-GB+f3", "en-GB+f3"),
        ("cmn", "zh-CN"),
        ("fr", "tone/fr-FR"),
    ],
)
async def test_a_name_is_a_voice_an_alias_or_a_language_in_this_order(configured: Catalogue, asked: str, found: str) -> None:
    assert configured.find(asked).name == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("de-DE", "siri"),
        ("de", "de"),
        ("de-AT", "de"),
        ("en", "en-GB"),
        ("en_gb", "butler"),
        ("en-AU", "en-GB"),
        ("zh", "zh-CN"),
        ("zh-Hant-HK", "zh-CN"),
        ("yue", "zh-HK"),
        ("fr", "tone/fr-FR"),
    ],
)
async def test_a_language_is_spoken_by_the_exact_voice_before_the_nearest(configured: Catalogue, asked: str, found: str) -> None:
    assert configured.find(language=asked).name == found


async def test_an_id_that_one_engine_lists_does_without_the_engines_name(tmp_path: Path) -> None:
    clouds = Speaker("cloud", xiaohe=("de-CH",), anna=("de-LI",)), Speaker("sky", anna=("de-LI",))
    yaml = "engines: {tone: }\nvoices: {de-LU: {engine: tone}}\naliases: {hi: en-US}"
    made = await catalogue(tmp_path, yaml, espeak(), *clouds, Speaker("tone", other=("de-LU",)))
    assert made.find("de-CH").name == "cloud/de-CH"
    assert made.find("cloud/de-LI").name == "cloud/de-LI"
    assert made.find("de-LU").name == "de-LU"  # a name goes before an id
    assert made.find("hi").name == "en-US"  # so does an alias
    with pytest.raises(
        UnknownVoice, match=r"2 engines have a voice 'de-LI'. Name one with its engine: cloud/de-LI or sky/de-LI\."
    ):
        made.find("de-LI")
    assert made.find(language="de-LI").name == "cloud/de-LI"  # a language is no id


async def test_likely_are_the_configured_voices_and_the_default(tmp_path: Path) -> None:
    made = await catalogue(tmp_path, f"{CONFIG}default_voice: en-US", espeak(), Speaker("tone", tone=("fr-FR",)))
    assert [voice.name for voice in made.likely()] == ["butler", "siri", "en-US"]
    made = await catalogue(tmp_path, "default_voice: espeak/nobody", espeak())
    assert made.likely() == []


async def test_what_nobody_speaks_is_refused_with_what_there_is(configured: Catalogue) -> None:
    with pytest.raises(UnknownVoice, match="Did you mean butler"):
        configured.find("buttler")
    with pytest.raises(UnknownVoice, match="No voice speaks 'xx'"):
        configured.find(language="xx")
    with pytest.raises(UnknownVoice, match="variant"):
        configured.find("en-GB+nobody")


@pytest.mark.parametrize(
    ("yaml", "lang", "found"),
    [
        ("", "", "en-US"),
        ("", "C.UTF-8", "en-US"),
        ("", "de_AT.UTF-8", "de"),
        ("default_voice: zh-HK", "de_DE.UTF-8", "zh-HK"),
        (CONFIG, "C.UTF-8", "butler"),
        (CONFIG, "de_DE@euro", "siri"),
        (CONFIG, "fr_FR.UTF-8", "butler"),  # a voice that somebody chose goes before one that nobody did
    ],
)
async def test_the_default_is_the_configured_one_else_one_for_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yaml: str, lang: str, found: str
) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LANG", lang)
    assert (await catalogue(tmp_path, yaml, espeak(), Speaker("tone"))).find().name == found


async def test_a_configured_variant_speaks_its_language(configured: Catalogue) -> None:
    assert configured.find("butler").languages == ("en-GB",)


async def test_a_configured_variant_that_is_not_there_stops_nobody_else(tmp_path: Path) -> None:
    yaml = "voices: {butler: {engine: espeak, voice: en-GB+nobody}}"
    assert [voice.name for voice in (await catalogue(tmp_path, yaml)).listed()] == ["butler"]


async def test_an_engine_that_fails_keeps_the_voices_it_had(tmp_path: Path) -> None:
    engine = espeak()
    made = await catalogue(tmp_path, "", engine)
    revision, listed = made.revision, made.listed()
    engine.broken = True
    await made.refresh()
    assert (made.revision, made.listed()) == (revision, listed)
    engine.broken = False
    engine.languages["french"] = ("fr-FR",)
    await made.refresh()
    assert made.revision != revision
    assert made.find("fr-FR").description == "french"


async def test_no_voice_at_all_is_an_engine_that_is_not_there(tmp_path: Path) -> None:
    made = await catalogue(tmp_path, "", Speaker("espeak"))
    for asked in ({}, {"name": "en-GB"}, {"language": "en"}):
        with pytest.raises(EngineUnavailable, match="No voice is available"):
            made.find(**asked)


async def test_a_preset_of_cosyvoice_is_somebody_who_can_stand_in_for_it(tmp_path: Path) -> None:
    path = tmp_path / "herald.yaml"
    path.write_text("engines: {tone: {}}\nvoices: {he: {engine: tone, voice: tone, language: zh-CN, gender: male}}")
    catalogue = Catalogue(load_config(path, {}), {"espeak": Speaker("espeak", a=("zh-CN",), b=("yue",), c=("ko-KR",))})
    await catalogue.refresh()
    assert catalogue.find("中文男").name == "he"
    assert catalogue.find("中文女").language == "zh-CN"
    assert catalogue.find("粤语女").name == "yue"
    assert catalogue.find("韩语女").name == "ko-KR"
    with pytest.raises(UnknownVoice):
        catalogue.find("日语男")


SIRI = "engines: {tone: {}}\nvoices:\n  siri: {engine: tone, voice: tone, language: de-DE, gender: male}\n"


@pytest.mark.parametrize("name", ["alloy", "asset/zero_shot_prompt.wav"])
async def test_a_preset_without_a_language_is_the_default_voice(name: str, tmp_path: Path) -> None:
    assert (await catalogue(tmp_path, f"{SIRI}default_voice: siri\n")).find(name).name == "siri"


async def test_a_woman_is_found_for_a_womans_name(tmp_path: Path) -> None:
    others = "  anna: {engine: tone, voice: tone, language: de-AT, gender: female}\n"
    found = await catalogue(tmp_path, f"{SIRI}{others}default_voice: siri\n")
    assert [found.find(name).name for name in ("onyx", "nova")] == ["siri", "anna"]


async def test_nobody_who_did_not_agree_is_chosen_for_a_language_or_a_preset(tmp_path: Path) -> None:
    clones = Speaker("clones", mum=("zh-CN",), dad=("fr-FR",))
    clones.people = frozenset({"zh-CN", "fr-FR"})
    here = await catalogue(tmp_path, "engines: {tone: {}}", clones, espeak())
    assert here.find(language="zh-CN").engine == "espeak"
    assert here.find("中文女").engine == "espeak"
    assert here.find("clones/zh-CN").engine == "clones", "who is named is found, and told of"
    assert here.find(language="fr-FR").engine == "clones", "as is the only one"


async def test_a_short_preset_as_default_voice_is_no_circle(tmp_path: Path) -> None:
    found = await catalogue(tmp_path, "default_voice: ash\n")
    with pytest.raises(UnknownVoice, match="ash"):
        found.find("ash")


async def test_an_engine_that_tells_new_voices_is_asked_alone(tmp_path: Path) -> None:
    first, second = Speaker("tone", tone=("fr-FR",)), Speaker("other", one=("it-IT",))
    found = await catalogue(tmp_path, "", first, second)
    before = found.revision
    first.languages, second.languages = {"tone": ("fr-CA",)}, {"one": ("it-CH",)}
    await found.refresh_engine("tone")
    assert [voice.name for voice in found.listed()] == ["tone/fr-CA", "other/it-IT"]
    assert found.revision != before


async def test_one_engine_may_be_asked_alone(configured: Catalogue) -> None:
    assert configured.find(engine="espeak").name == "butler", "the default voice"
    assert configured.find(engine="tone").name == "siri", "anybody, where nobody speaks its language"
    assert configured.find("alloy", "en", engine="espeak").engine == "espeak", "though alloy is an alias of another's"
    assert configured.find("fr-FR", engine="tone").name == "tone/fr-FR"
    with pytest.raises(UnknownVoice):
        configured.find("butler", engine="tone")
    with pytest.raises(UnknownVoice, match="nobody"):
        configured.find(engine="nobody")


async def test_a_preset_speaks_the_language_that_is_asked_for(tmp_path: Path) -> None:
    found = await catalogue(tmp_path, f"{SIRI}default_voice: siri\n")
    assert found.find("alloy", "zh-CN").language == "zh-CN"
    with pytest.raises(UnknownVoice):
        found.find("alloy", "xx")


async def test_another_configuration_is_the_catalogue_at_once_and_its_engines_are_not_asked(tmp_path: Path) -> None:
    tones = Speaker("tone", tone=("fr-FR",))
    made = await catalogue(tmp_path, CONFIG, espeak(), tones)
    tones.broken = True
    made.configure(loaded(tmp_path, "engines: {tone: {}}\nvoices: {butler: {engine: tone, voice: fr-FR}}\naliases: {hi: butler}"))
    assert [voice.name for voice in made.listed()] == ["butler", "tone/fr-FR"]
    assert made.find("hi").languages == ("fr-FR",)
    with pytest.raises(UnknownVoice):
        made.find("siri")


async def test_an_engine_that_is_there_no_more_has_no_voices_and_a_new_one_those_it_tells(tmp_path: Path) -> None:
    engines: dict[str, Engine] = {"one": Speaker("one", a=("fr-FR",)), "two": Speaker("two", b=("it-IT",))}
    made = Catalogue(loaded(tmp_path, ""), engines)
    await made.refresh()
    del engines["one"]
    made.configure(loaded(tmp_path, ""))
    assert [voice.name for voice in made.listed()] == ["two/it-IT"]
    await made.refresh_engine("one")
    engines["three"] = Speaker("three", c=("es-ES",))
    made.configure(loaded(tmp_path, ""))
    assert [voice.name for voice in made.listed()] == ["two/it-IT"], "it was not asked yet"
    await made.refresh_engine("three")
    assert [voice.name for voice in made.listed()] == ["two/it-IT", "three/es-ES"]


async def test_what_an_engine_tells_after_it_was_replaced_is_not_believed(tmp_path: Path) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    class Slow(Speaker):
        async def voices(self) -> Sequence[Voice]:
            begun.set()
            await gate.wait()
            return await super().voices()

    engines: dict[str, Engine] = {"one": Slow("one", old=("fr-FR",))}
    made = Catalogue(loaded(tmp_path, ""), engines)
    asked = asyncio.create_task(made.refresh())
    await begun.wait()
    engines["one"] = Speaker("one", new=("it-IT",))
    gate.set()
    await asked
    assert made.listed() == []
    await made.refresh()
    assert [voice.name for voice in made.listed()] == ["one/it-IT"]


KEYED = "engines: {openspeech: {appid: one, token: %s}}\nvoices: {siri: {engine: openspeech, voice: BV001, consent: true, %s}}"


async def test_the_revision_is_the_same_after_a_restart_and_with_another_password(tmp_path: Path) -> None:
    first = await catalogue(tmp_path, KEYED % ("secret", "speed: 1.5"), Speaker("tone", tone=("fr-FR", "fr-CA")))
    again = await catalogue(tmp_path, KEYED % ("other", "speed: 1.5"), Speaker("tone", tone=("fr-FR", "fr-CA")))
    assert first.revision == again.revision
    script = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tests.test_voices import KEYED, Speaker, catalogue
made = catalogue(pathlib.Path({str(tmp_path)!r}), KEYED % ("s", "speed: 1.5"), Speaker("tone", tone=("fr-FR", "fr-CA")))
print(asyncio.run(made).revision)
"""
    for seed in ("1", "2"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        out, _ = await process.communicate()
        assert out.decode().strip() == first.revision


@pytest.mark.parametrize(
    "changed",
    [
        KEYED % ("secret", "speed: 1.2"),
        KEYED % ("secret", "speed: 1.5, trim_silence: false"),
        KEYED % ("secret", "speed: 1.5, language: fr"),
        (KEYED % ("secret", "speed: 1.5")).replace("token", "cluster: volcano_icl, token"),
        f"{KEYED % ('secret', 'speed: 1.5')}\nconverters: {{gain: {{factor: 2}}}}",
        f"{KEYED % ('secret', 'speed: 1.5')}\ndefault_voice: siri",
    ],
)
async def test_the_revision_is_another_wherever_a_voice_may_sound_otherwise(tmp_path: Path, changed: str) -> None:
    made = await catalogue(tmp_path, KEYED % ("secret", "speed: 1.5"))
    before, told = made.revision, list[str]()
    made.on_change = lambda: told.append(made.revision)
    made.configure(loaded(tmp_path, KEYED % ("another", "speed: 1.5")))
    await made.refresh()
    assert told == []
    made.configure(loaded(tmp_path, changed))
    assert told == [made.revision]
    assert made.revision != before


STAND_INS = """
engines: {tone: {}}
voices:
  nurse: {engine: tone, voice: fr-FR, language: fr-FR, fallback: [siri, de, espeak]}
  siri: {engine: tone, voice: tone, language: de-DE, aliases: [alex]}
  british: {engine: espeak, voice: en-GB, fallback: [siri]}
"""


async def test_behind_a_voices_own_fallbacks_stands_the_one_for_all(tmp_path: Path) -> None:
    engines = espeak(), Speaker("tone", tone=("fr-FR",))
    found = await catalogue(tmp_path, STAND_INS, *engines)
    assert found.understudies(found.find("nurse")) == ("siri", "de", "espeak")
    assert found.understudies(found.find("siri")) == ("espeak",)
    assert found.understudies(found.find("british")) == ("siri",)  # eSpeak NG does not stand in for itself
    none = await catalogue(tmp_path, f"fallback: none\n{STAND_INS}", *engines)
    assert none.understudies(none.find("siri")) == ()
    siri = await catalogue(tmp_path, f"fallback: siri\n{STAND_INS}", *engines)
    assert siri.understudies(siri.find("siri")) == ()
    assert siri.understudies(siri.find("nurse")) == ("siri", "de", "espeak")


async def test_espeak_stands_in_for_nobody_where_it_is_switched_off_or_no_speech_is_made(tmp_path: Path) -> None:
    found = await catalogue(tmp_path, STAND_INS, Speaker("tone", tone=("fr-FR",)))
    assert found.understudies(found.find("siri")) == ()
    signal = Speaker("tone", tone=("fr-FR",))
    signal.capabilities = Capabilities(speech=False)
    found = await catalogue(tmp_path, STAND_INS, espeak(), signal)
    assert found.understudies(found.find("siri")) == ()


@pytest.mark.parametrize(
    ("name", "voice", "text", "who"),
    [
        ("siri", "nurse", "", "siri"),
        ("alex", "nurse", "", "siri"),
        ("de", "nurse", "", "de"),
        ("de-DE", "nurse", "", "de"),  # a language means eSpeak NG's, even where another voice speaks it
        ("tone/fr-FR", "siri", "", "tone/fr-FR"),
        ("espeak", "siri", "Hallo", "de"),
        ("espeak", "siri", "门开了。", "zh-CN"),
        ("espeak", "nurse", "Bonjour", "de"),  # nobody speaks French: the default voice's language
    ],
)
async def test_who_stands_in(tmp_path: Path, name: str, voice: str, text: str, who: str) -> None:
    yaml = f"default_voice: siri\n{STAND_INS}"
    found = await catalogue(tmp_path, yaml, espeak(), Speaker("tone", tone=("fr-FR",)))
    assert found.understudy(name, found.find(voice), text).name == who
