"""What a reply is made from: its text made speakable, spoken by an engine, heard as a converter has it. In native form.

Knows no listener: neither the format that is wished for, nor what else is done for whoever hears it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import replace

from ..converters.base import Converter
from ..engines.base import Engine, Utterance
from ..errors import ConsentRequired, EngineUnavailable
from ..models import ConverterChoice, FormatWish, SynthesisRequest, Voice, VoiceSettings
from ..roster import Roster
from .conversion import ConvertedEvent, VoiceConversion
from .fallback.terms import taken_over
from .making import Begun, SourceEvent, Took
from .shaping import Source
from .spoken import reads_speakable, spoken_text


class Sources:
    """The engines and the converters that are configured."""

    def __init__(self, engines: Roster[Engine], converters: Roster[Converter]) -> None:
        self.engines = engines
        self.converters = converters

    def check(self, request: SynthesisRequest) -> None:
        """Raise, in words, what can be known to be wrong before any text has come."""
        engine, voice = self._engine(request.voice), request.voice
        engine.check_request(settings_of(request), request.text_format, voice.engine_voice)
        if engine.needs_consent(voice.engine_voice) and not voice.consent:
            raise ConsentRequired(_consent(f"The voice {voice.engine_voice} of {voice.engine}", "in a voice of herald.yaml"))
        if (choice := voice.converter) is not None:
            converter = self._converter(voice, choice)
            converter.check(choice.speaker, choice.settings)
            if converter.needs_consent(choice.speaker) and not choice.consent:
                who = f"The speaker {choice.speaker} of {choice.converter}"
                raise ConsentRequired(_consent(who, "in the converter of a voice in herald.yaml"))

    def taken_over(self, request: SynthesisRequest, voice: Voice) -> SynthesisRequest:
        """The request as another voice can be asked it. Raises HeraldError where that one cannot."""
        asked = taken_over(request, voice, self._engine(voice))
        self.check(asked)
        return asked

    def makers(self, request: SynthesisRequest) -> tuple[Engine, Converter | None]:
        """Who speaks it. Raises EngineUnavailable."""
        voice = request.voice
        return self._engine(voice), None if voice.converter is None else self._converter(voice, voice.converter)

    def source(self, request: SynthesisRequest) -> Source:
        """What would come to be shaped, were it spoken now. Raises HeraldError."""
        engine, utterance = self._engine(request.voice), self._utterance(request)
        return _source(engine, utterance, self._conversion(request.voice, engine, utterance))

    def native_rate(self, request: SynthesisRequest) -> int:
        """Hz where no rate is asked for. Raises HeraldError."""
        utterance = self._utterance(replace(request, format=FormatWish()))
        audio, choice = self._engine(request.voice).native_format(utterance), request.voice.converter
        if choice is not None:
            audio = self._converter(request.voice, choice).output_format(audio, choice.settings)
        return audio.rate

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """See Making."""
        voice = request.voice
        with self._leased(voice):
            engine = self._engine(voice)
            utterance = self._utterance(request)
            conversion = self._conversion(voice, engine, utterance)
            yield Begun(source=_source(engine, utterance, conversion), conversion=conversion, request=request)
            async with (
                aclosing(_counted(spoken_text(text, speakable=reads_speakable(request)), took)) as spoken,
                aclosing(_events(engine, spoken, utterance, conversion)) as events,
            ):
                async for event in events:
                    yield event

    @contextmanager
    def _leased(self, voice: Voice) -> Iterator[None]:
        """Whoever makes this voice stays while the block runs, even if the configuration changes. Raises EngineUnavailable."""
        self._engine(voice)
        if voice.converter is not None:
            self._converter(voice, voice.converter)
        with ExitStack() as stack:
            stack.enter_context(self.engines.leased(voice.engine))
            if voice.converter is not None:
                stack.enter_context(self.converters.leased(voice.converter.converter))
            yield

    def _utterance(self, request: SynthesisRequest) -> Utterance:
        """As the engine is to speak it: at the listener's rate or, where a converter comes in between, at the converter's."""
        voice = request.voice
        utterance = Utterance(
            voice=voice.engine_voice,
            language=voice.language,
            settings=settings_of(request),
            text_format=request.text_format,
            client=request.client,
            rate=request.format.rate if voice.converter is None else None,
            first_audio=voice.first_audio_timeout,
        )
        if (choice := voice.converter) is None:
            return utterance
        source = self._engine(voice).native_format(utterance)
        return replace(utterance, rate=self._converter(voice, choice).input_format(source, choice.settings).rate)

    def _conversion(self, voice: Voice, engine: Engine, utterance: Utterance) -> VoiceConversion | None:
        if (choice := voice.converter) is None:
            return None
        return VoiceConversion(self._converter(voice, choice), choice, engine.native_format(utterance))

    def _converter(self, voice: Voice, choice: ConverterChoice) -> Converter:
        try:
            return self.converters[choice.converter]
        except KeyError:
            msg = f"The voice {voice.name} needs the converter {choice.converter}, which is not configured."
            raise EngineUnavailable(msg) from None

    def _engine(self, voice: Voice) -> Engine:
        try:
            return self.engines[voice.engine]
        except KeyError:
            msg = f"The voice {voice.name} needs the engine {voice.engine}, which is not configured."
            raise EngineUnavailable(msg) from None


def settings_of(request: SynthesisRequest) -> VoiceSettings:
    """The call's own, over the voice's."""
    return request.settings.over(request.voice.settings)


def _events(
    engine: Engine, text: AsyncIterable[str], utterance: Utterance, conversion: VoiceConversion | None
) -> AsyncGenerator[ConvertedEvent, None]:
    spoken = engine.speak(text, utterance)
    return spoken if conversion is None else conversion.events(spoken)


def _source(engine: Engine, utterance: Utterance, conversion: VoiceConversion | None) -> Source:
    name = f"{engine.name}/{utterance.voice}"
    return Source(
        name=name if conversion is None else f"{name} as {conversion.name}",
        engine=engine.name,
        format=engine.native_format(utterance) if conversion is None else conversion.target,
        settings=utterance.settings,
        can=engine.capabilities_of(utterance.voice, utterance.settings),
        live=conversion is not None,
    )


def _consent(who: str, where: str) -> str:
    return (
        f"{who} may be a real person. If that person agreed, say so: `consent: true` {where}, or --consent on the command line."
    )


async def _counted(text: AsyncGenerator[str, None], took: Took) -> AsyncGenerator[str, None]:
    async with aclosing(text) as fragments:
        async for fragment in fragments:
            if fragment:
                took(len(fragment))
            yield fragment
