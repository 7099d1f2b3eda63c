"""The catalogue: which voices there are, what they are called, and which one a client means.

A voice is asked for by its name, an alias, the id that one engine lists, a preset of another server, or a language, in this
order; of a language the exact one goes before the nearest.
Configured voices hide eSpeak NG's from lists, never from lookups: eSpeak NG always answers for a language nobody else speaks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from .config import Config, ConverterConfig, EngineConfig, VoiceConfig
from .config.references import NOBODY
from .config.scalars import is_secret
from .engines.base import Engine
from .errors import EngineError, EngineUnavailable, HeraldError, UnknownVoice
from .models import Voice
from .presets import PRESETS
from .text.scripts import language_of

_LOGGER = logging.getLogger(__name__)

FALLBACK_ENGINE = "espeak"
"""Its voices go by their bare language tag and are hidden from lists by configured ones."""
LAST_RESORT = "en-US"
REVISION_DIGITS = 12


def _nobody_listens() -> None:
    """Of a catalogue that is used alone."""


class Catalogue:
    """All voices. `refresh` reads them from the engines; everything else answers from memory."""

    def __init__(self, config: Config, engines: Mapping[str, Engine]) -> None:
        self._config = config
        self._engines = engines
        self._told: dict[str, list[Voice]] = {}
        """By engine; none of an engine that never told any."""
        self._configured: dict[str, Voice] = {}
        self._offered: dict[str, Voice] = {}
        self._aliases: dict[str, str] = {}
        self.revision = ""
        """Differs wherever the list does, or anything in the configuration that shapes a voice's sound: also after a restart."""
        self.on_change: Callable[[], None] = _nobody_listens
        """Called when there is another revision."""

    def configure(self, config: Config) -> None:
        """Be the catalogue of this configuration from now on; the engines are those that were given, as they are now."""
        self._config = config
        self._settle()

    async def refresh(self) -> None:
        """Ask every engine for its voices, all at once. An engine that can't tell keeps the ones it told before."""
        self._settle()
        await asyncio.gather(*map(self.refresh_engine, self._engines))

    async def refresh_engine(self, name: str) -> None:
        """Ask one engine for its voices; one that is not configured any more has none."""
        engine = self._engines.get(name)
        try:
            told = [_named(voice) for voice in await engine.voices()] if engine is not None else []
            if self._engines.get(name) is engine:
                self._told[name] = told
        except EngineError as error:
            _LOGGER.warning("The engine %s does not tell its voices: %s", name, error)
        self._settle()

    def _settle(self) -> None:
        """Put together what is known now."""
        offered = {voice.name: voice for name in self._engines for voice in self._told.get(name, ())}
        configured = {name: self._configured_voice(voice, offered) for name, voice in self._config.voices.items()}
        self._configured, self._offered = configured, offered
        self._aliases = {**_voice_aliases(self._config.voices.values()), **self._config.aliases}
        self._revise()

    def _revise(self) -> None:
        engines = [(name, one.type, _public(one)) for name, one in self._config.engines.items()]
        converters = [(name, one.type, _public(one)) for name, one in self._config.converters.items()]
        voices = (list(self._configured.values()), list(self._offered.values()), self._config.default_voice)
        content = repr((*voices, engines, converters))
        revision = sha256(content.encode()).hexdigest()[:REVISION_DIGITS]
        if revision != self.revision:
            self.revision = revision
            self.on_change()

    def listed(self) -> list[Voice]:
        """What clients are shown, in a stable order: configured voices first, then each engine's own."""
        hidden = FALLBACK_ENGINE if self._configured else None
        return [*self._configured.values(), *(voice for voice in self._offered.values() if voice.engine != hidden)]

    def find(self, name: str | None = None, language: str | None = None, *, engine: str | None = None) -> Voice:
        """The voice that a client means, of whatever engine or of this one; without a name or language, the default voice.

        Raises UnknownVoice, naming the nearest ones.
        """
        if name:
            return self._by_name(name, language, engine)
        if language:
            return self._by_language_or_raise(language, engine)
        return self.default(engine)

    def has_name(self, name: str) -> bool:
        """Whether somebody goes by this name: a voice of herald.yaml or of an engine, an alias, a preset."""
        return any(name in names for names in (self._configured, self._offered, self._aliases, PRESETS))

    def default(self, engine: str | None = None) -> Voice:
        """The configured default, else a voice for the system's language, else the first configured one, else en-US.

        Where that is of another engine than the one asked for: somebody of its language, else anybody.
        """
        default = self._config.default_voice
        chosen = self._by_name(default, presets=False) if default else self._nearest()
        if engine in (None, chosen.engine):
            return chosen
        everybody = list(self._all(engine))
        if not everybody:
            msg = f"The engine {engine} has no voice that is known."
            raise UnknownVoice(msg)
        return self._chosen(chosen.language, everybody) or everybody[0]

    def _nearest(self) -> Voice:
        self._check_any()
        language, configured = _system_language(), self._configured.values()
        return (
            _by_language(language, configured)
            or next(iter(configured), None)
            or self._chosen(language, self._all())
            or self._chosen(LAST_RESORT, self._all())
            or next(self._all())
        )

    def likely(self) -> list[Voice]:
        """What is probably asked for first: the configured voices, and the default one."""
        try:
            default = [self.default()]
        except HeraldError:
            default = []  # whoever asks for it is told
        return [*self._configured.values(), *default]

    def understudies(self, voice: Voice) -> tuple[str, ...]:
        """Who speaks in a voice's place where it fails, the first first: its own fallbacks, then the one for all.

        eSpeak NG is not for itself, nor for an engine that makes no speech.
        """
        last = self._config.fallback
        engine = self._engines.get(voice.engine)
        is_speech = engine is None or engine.capabilities.speech
        if last == FALLBACK_ENGINE and (voice.engine == FALLBACK_ENGINE or not is_speech or FALLBACK_ENGINE not in self._engines):
            last = NOBODY
        return (*voice.fallback, *(() if last in (NOBODY, voice.name, *voice.fallback) else (last,)))

    def understudy(self, name: str, voice: Voice, text: str) -> Voice:
        """One of them, for so much of the text as is known. Raises UnknownVoice."""
        if name == FALLBACK_ENGINE:
            return self._espeak(language_of(text, voice.language))
        if self.has_name(name) or "/" in name:
            return self._by_name(name)
        return self._espeak(name)

    def _espeak(self, language: str) -> Voice:
        """Whoever of eSpeak NG speaks it, else the default language, else the one that every installation has."""
        everybody = list(self._all(FALLBACK_ENGINE))
        asked = (language, self.default().language, LAST_RESORT)
        found = next((voice for tag in asked if (voice := _by_language(tag, everybody)) is not None), None)
        if found is None:
            msg = "eSpeak NG offers no voice."
            raise UnknownVoice(msg)
        return found

    def _by_name(self, name: str, language: str | None = None, engine: str | None = None, *, presets: bool = True) -> Voice:
        meant = self._meant(name, language, engine, presets=presets)
        voice = next((voice for voice in meant if voice is not None and engine in (None, voice.engine)), None)
        if voice is None:
            self._check_any()
            raise UnknownVoice(_no_such_voice(name, self._all(engine)))
        return voice

    def _meant(self, name: str, language: str | None, engine: str | None, *, presets: bool) -> Iterator[Voice | None]:
        """Who may be meant, the likeliest first."""
        aliased = self._aliases.get(name, name)
        yield self._named(name)
        yield self._named(aliased)
        yield self._listed_id(aliased, engine)
        if presets:
            yield self._preset(aliased, language, engine)
        yield self._chosen(aliased, self._all(engine))
        if engine:
            yield self._unlisted(f"{engine}/{aliased}")

    def _named(self, name: str) -> Voice | None:
        return self._configured.get(name) or self._offered.get(name) or self._unlisted(name)

    def _listed_id(self, voice_id: str, engine: str | None) -> Voice | None:
        """A voice by its engine's id, without the engine's name before it. Raises UnknownVoice where several engines have it."""
        offered = (voice for voice in self._offered.values() if engine in (None, voice.engine))
        found = [voice for voice in offered if voice.engine_voice == voice_id]
        if len(found) > 1:
            names = sorted(voice.name for voice in found)
            msg = f"{len(names)} engines have a voice {voice_id!r}. Name one with its engine: {' or '.join(names)}."
            raise UnknownVoice(msg)
        return found[0] if found else None

    def _preset(self, name: str, language: str | None, engine: str | None) -> Voice | None:
        """Somebody of the right language, and of the right gender where it is known of anybody."""
        if (preset := PRESETS.get(name)) is None:
            return None
        default = self.default(engine)
        languages = preset.languages or (language or default.language,)
        if not preset.languages and not language and preset.gender in (None, default.gender):
            return default
        everybody = list(self._all(engine))
        free = list(filter(self._is_free, everybody))
        groups = (
            [voice for voice in voices if gender in (None, voice.gender)]
            for voices in (free, everybody)
            for gender in (preset.gender, None)
        )
        found = (_by_language(language, voices) for voices in groups for language in languages)
        return next((voice for voice in found if voice is not None), None if preset.languages or language else default)

    def _unlisted(self, name: str) -> Voice | None:
        """A voice that an engine accepts without listing it: `en-GB+f3` of eSpeak NG, `engine/id` of others."""
        engine_name, _, voice_id = name.rpartition("/")
        engine = self._engines.get(engine_name or FALLBACK_ENGINE)
        voice = engine.unlisted_voice(voice_id) if engine is not None else None
        return _named(voice) if voice is not None else None

    def _by_language_or_raise(self, language: str, engine: str | None) -> Voice:
        voice = self._chosen(language, self._all(engine))
        if voice is None:
            self._check_any()
            msg = f"No voice speaks {language!r}. The languages are: {', '.join(sorted(self.languages()))}."
            raise UnknownVoice(msg)
        return voice

    def _chosen(self, language: str, voices: Iterable[Voice]) -> Voice | None:
        """By the language alone, so somebody whose consent is missing only where nobody else speaks it."""
        voices = list(voices)
        return _by_language(language, filter(self._is_free, voices)) or _by_language(language, voices)

    def _is_free(self, voice: Voice) -> bool:
        """Whoever is configured is meant, and what is missing is told."""
        if voice.name in self._configured or voice.consent:
            return True
        return not self._engines[voice.engine].needs_consent(voice.engine_voice)

    def _check_any(self) -> None:
        if not self._configured and not self._offered:
            msg = "No voice is available: no engine could be started. See the log, or run: herald check"
            raise EngineUnavailable(msg)

    def languages(self) -> set[str]:
        return {language for voice in self.listed() for language in voice.languages}

    def _all(self, engine: str | None = None) -> Iterator[Voice]:
        """Everybody, or everybody of one engine."""
        for voice in (*self._configured.values(), *self._offered.values()):
            if engine in (None, voice.engine):
                yield voice

    def _configured_voice(self, voice: VoiceConfig, offered: Mapping[str, Voice]) -> Voice:
        """A voice of herald.yaml; what the file leaves out comes from the engine's own voice of that id."""
        own = self._engines_own(voice, offered)
        languages = voice.languages or (own.languages if own else ()) or (_system_language() or LAST_RESORT,)
        return Voice(
            name=voice.name,
            engine=voice.engine,
            engine_voice=voice.voice,
            languages=languages,
            description=voice.description or voice.name,
            gender=voice.gender or (own.gender if own else None),
            settings=voice.settings,
            speakable_text=voice.speakable_text,
            even_loudness=voice.even_loudness,
            trim_silence=voice.trim_silence,
            scene=own.scene if own else "",
            emotions=own.emotions if own else (),
            consent=voice.consent,
            cache=voice.cache,
            converter=voice.converter,
            fallback=voice.fallback,
            first_audio_timeout=voice.first_audio_timeout,
            hedge=voice.hedge,
        )

    def _engines_own(self, voice: VoiceConfig, offered: Mapping[str, Voice]) -> Voice | None:
        """What the engine says of a configured voice."""
        engine = self._engines.get(voice.engine)
        listed = next((o for o in offered.values() if (o.engine, o.engine_voice) == (voice.engine, voice.voice)), None)
        try:
            return listed or (engine.unlisted_voice(voice.voice) if engine is not None else None)
        except (EngineError, UnknownVoice) as error:
            _LOGGER.warning("The voice %s: %s", voice.name, error)
            return None


def _by_language(language: str, voices: Iterable[Voice]) -> Voice | None:
    """The first voice of exactly this language, else of a more special one, else of a more general one."""
    tagged = [(tag.lower(), voice) for voice in voices for tag in voice.languages]
    wanted = language.replace("_", "-").lower()
    while wanted:
        exact = (voice for tag, voice in tagged if tag == wanted)
        special = (voice for tag, voice in tagged if tag.startswith(f"{wanted}-"))
        if found := next(exact, None) or next(special, None):
            return found
        wanted = wanted.rpartition("-")[0]
    return None


def _named(voice: Voice) -> Voice:
    """An engine's own voice under its catalogue name: eSpeak NG's bare tag, otherwise `engine/id`."""
    if voice.engine == FALLBACK_ENGINE:
        return voice
    return dataclasses.replace(voice, name=f"{voice.engine}/{voice.engine_voice}")


def _public(service: EngineConfig | ConverterConfig) -> list[tuple[str, Any]]:
    """Its options without credentials: a new password changes no voice."""
    return sorted((key, value) for key, value in service.options.items() if not is_secret(("engines", service.name, key)))


def _voice_aliases(voices: Iterable[VoiceConfig]) -> dict[str, str]:
    return {alias: voice.name for voice in voices for alias in voice.aliases}


def _no_such_voice(name: str, voices: Iterable[Voice]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only on this error

    near = get_close_matches(name, [voice.name for voice in voices], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no voice {name!r}.{hint} `herald voices` lists them all."


def _system_language(environ: Mapping[str, str] = os.environ) -> str:
    """The locale's BCP 47 tag, or nothing for the C locale. Python's own `locale` takes C.UTF-8 for American English."""
    name = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(key))), "")
    language = re.split(r"[.@]", name)[0]
    return "" if language in ("", "C", "POSIX") else language.replace("_", "-")
