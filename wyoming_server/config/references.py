"""What one part of the configuration says about another: voices their engines, aliases and the default their voices.

Only what can be known without starting an engine; the catalogue knows the engines' own voices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

from ..converters.registry import converter_class
from ..engines.base import Engine
from ..engines.registry import engine_class
from ..errors import BadSetting, ConfigError
from ..models import TextFormat, VoiceSettings
from .describe import listing
from .environment import consent_variable
from .problems import Problems
from .scalars import KeyPath, quoted
from .values import Config, ConverterConfig, EngineConfig, Source, VoiceConfig

_LANGUAGE_VOICE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*(\+.+)?")
"""A language, or eSpeak NG's voice for it with or without a variant: whether there is one, only the engines know."""

Made = TypeVar("Made")

ESPEAK, NOBODY = "espeak", "none"
"""As a fallback: eSpeak NG in whatever language is to be spoken, and nobody."""

_PERSON = "this voice may be a real person's"


@dataclass(kw_only=True, slots=True)
class Services:
    """The names of engines, or of converters. `kind` is what people call one of them."""

    kind: str
    types: dict[str, str | None] = field(default_factory=dict)
    """Name → type, where that is known."""
    off: set[str] = field(default_factory=set)

    def missing(self, name: str) -> str | None:
        """Why there is none of this name; `None` if there is."""
        if name in self.types:
            return None
        if name in self.off:
            return f"names the {self.kind} {quoted(name)}, which is switched off (enabled: false)"
        known = f" The {self.kind}s are {listing(self.types)}." if self.types else ""
        return f"names the {self.kind} {quoted(name)}, which is not configured.{_hint(name, self.types) or known}"


@dataclass(kw_only=True, slots=True)
class Names:
    """Names that the file gives, whether or not what they name could be read, so that nothing is said twice."""

    engines: Services = field(default_factory=lambda: Services(kind="engine"))
    converters: Services = field(default_factory=lambda: Services(kind="converter"))
    voices: set[str] = field(default_factory=set)


def check_references(config: Config, names: Names, problems: Problems) -> None:
    """Note every name that leads nowhere, or two ways, every setting that a voice's engine does not take, and missing consent."""
    references = _References(config, names, problems)
    references.check_settings()
    references.check_consent()
    references.check_converters()
    references.check_aliases()
    references.check_default()
    references.check_fallbacks()
    references.check_tls()


class _References:
    def __init__(self, config: Config, names: Names, problems: Problems) -> None:
        self._config = config
        self._names = names
        self._problems = problems
        self._engines = dict(self._made("engines", config.engines, engine_class))
        self._converters = dict(self._made("converters", config.converters, converter_class))

    def check_settings(self) -> None:
        """One by one, so that each error stands at its own line. Extras went through the engine's schema already."""
        for voice in self._config.voices.values():
            if engine := self._engines.get(voice.engine):
                self._check_settings(voice, engine)

    def _check_settings(self, voice: VoiceConfig, engine: Engine) -> None:
        """The extras alone, then each other setting beside them: what a voice takes may depend on them."""
        extras = voice.settings.extras
        path: KeyPath = ("voices", voice.name)
        try:
            engine.check_request(VoiceSettings(extras=extras), TextFormat.TEXT, voice.voice)
        except BadSetting as error:
            self._problems.add(path, f"does not go together: {error}")
            return
        for name in sorted(voice.settings.given() - extras.keys()):
            setting = VoiceSettings.parse({**extras, name: getattr(voice.settings, name)})
            try:
                engine.check_request(setting, TextFormat.TEXT, voice.voice)
            except BadSetting as error:
                self._problems.add((*path, name), f"is not for this voice: {error}")

    def check_consent(self) -> None:
        """A voice that may be a real person's is served only where somebody states that this person agreed."""
        for voice in self._config.voices.values():
            if not voice.consent and self._needs_consent(voice.engine, voice.voice):
                path: KeyPath = ("voices", voice.name)
                variable = self._problems.place((*path, "voice")).variable
                stated = f"{consent_variable(variable)}=true" if variable else "`consent: true`"
                self._problems.add((*path, "consent"), f"must be true: {_PERSON}. If that person agreed, set {stated}")

    def check_converters(self) -> None:
        """Every voice's converter takes what the voice asks of it, and its speaker agreed where that must be known."""
        for voice in self._config.voices.values():
            choice = voice.converter
            if choice is None or (converter := self._converters.get(choice.converter)) is None:
                continue
            path: KeyPath = ("voices", voice.name, "converter")
            try:
                converter.check(choice.speaker, choice.settings)
            except BadSetting as error:
                self._problems.add(path, f"does not go together: {error}")
            if converter.needs_consent(choice.speaker) and not choice.consent:
                stated = "If that person agreed, set `consent: true` beside the speaker"
                self._problems.add((*path, "consent"), f"must be true: this speaker may be a real person. {stated}")

    def check_aliases(self) -> None:
        """Every alias has one meaning, and leads to a voice."""
        taken = dict.fromkeys(self._names.voices, "a voice")
        for alias, path in self._aliases():
            if alias in taken:
                self._problems.add(path, f"gives the name {quoted(alias)} a second time: it is already {taken[alias]}")
            taken[alias] = "an alias"
        for alias, target in self._config.aliases.items():
            path = ("aliases", alias)
            if taken.get(target) == "an alias":
                self._problems.add(path, f"names {quoted(target)}, which is an alias itself; name its voice")
            else:
                self._check_target(path, target, self._names.voices)

    def check_default(self) -> None:
        everything_was_read = self._names.voices == self._config.voices.keys()
        if self._config.default_voice is not None and everything_was_read:
            known = {*self._names.voices, *(alias for alias, _ in self._aliases())}
            self._check_target(("default_voice",), self._config.default_voice, known)

    def check_fallbacks(self) -> None:
        """Who speaks in a voice's place is somebody else, whom the file knows. A fallback's own fallbacks are not asked."""
        aliases = dict(self._config.aliases)
        aliases |= {alias: voice.name for voice in self._config.voices.values() for alias in voice.aliases}
        known = {*self._names.voices, *aliases}
        for voice in self._config.voices.values():
            named = {voice.name: "the voice itself"}
            for number, name in enumerate(voice.fallback):
                path: KeyPath = ("voices", voice.name, "fallback", number)
                meant = aliases.get(name, name)
                if meant in named:
                    self._problems.add(path, f"names {quoted(name)}, which is {named[meant]}; name somebody else")
                elif name != ESPEAK:
                    self._check_target(path, name, known)
                named[meant] = "named before"
        if self._config.fallback not in (ESPEAK, NOBODY):
            self._check_target(("fallback",), self._config.fallback, known)

    def check_tls(self) -> None:
        """A certificate comes with its key, and is used."""
        http = self._config.http
        given = {"tls_certificate": http.tls_certificate, "tls_key": http.tls_key}
        missing = [key for key, path in given.items() if path is None]
        if len(missing) == len(given):
            return
        if missing:
            self._problems.add(("http", missing[0]), "is missing: a certificate and its key belong together")
        elif not http.tls:
            self._problems.add(("http", "tls"), "must be true for http.tls_certificate to be used")

    def _aliases(self) -> Iterable[tuple[str, KeyPath]]:
        for voice in self._config.voices.values():
            yield from ((alias, ("voices", voice.name, "aliases", number)) for number, alias in enumerate(voice.aliases))
        yield from ((alias, ("aliases", alias)) for alias in self._config.aliases)

    def _made(
        self, section: str, configs: Mapping[str, EngineConfig | ConverterConfig], class_of: Callable[[str], Callable[..., Made]]
    ) -> Iterator[tuple[str, Made]]:
        """Engines or converters, made but not started. One may find that its options don't go together."""
        for name, config in configs.items():
            try:
                yield name, class_of(config.type)(name, config.options)
            except ConfigError as error:
                stored = [key for key, source in config.sources.items() if source is Source.STORED]
                beside = f" with the stored {', '.join(stored)}" if stored else ""
                self._problems.add((section, name), f"does not go together{beside}: {error}")

    def _check_target(self, path: KeyPath, target: str, names: set[str]) -> None:
        """A voice of the file, `engine/id`, or a language."""
        if target in names or _LANGUAGE_VOICE.fullmatch(target):
            return
        engine, slash, voice = target.partition("/")
        if not slash:
            self._problems.add(path, f"names {quoted(target)}, which is no voice here.{_hint(target, names)}")
        elif problem := self._names.engines.missing(engine):
            self._problems.add(path, problem)
        elif self._needs_consent(engine, voice):
            self._problems.add(path, f"names {quoted(target)}; {_PERSON}. Give it an entry in `voices`, with `consent: true`")

    def _needs_consent(self, engine: str, voice: str) -> bool:
        return engine in self._engines and self._engines[engine].needs_consent(voice)


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:100], [*known], n=1)
    return f" Did you mean {quoted(near[0])}?" if near else ""
