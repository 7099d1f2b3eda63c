"""The converter `sami`: a client of VoiceConversionStream, one connection a conversion, opened while the engine still thinks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

import voluptuous as vol

from ...models import AudioFormat, CredentialField, CredentialKind
from ...protocols.sami import RATES, Task
from ...upstream.failures import Asked
from ...upstream.options import number, time_limits, word
from ..base import Conversion, Converter, Speaker
from .access import PEER, TOKEN_URL, URL, Access
from .line import Lines
from .run import Run
from .speakers import SPEAKERS
from .start import Service, begin
from .tokens import Tokens
from .window import Limits

WORD_MAX = 1_000
"""Characters of a credential or an address."""

_WORD = word(WORD_MAX)
_RATE = vol.All(int, vol.Range(*RATES))


class SamiConverter(Converter):
    """SAMI's live voice conversion."""

    type: ClassVar[str] = "sami"
    title: ClassVar[str] = "SAMI voice conversion"
    options_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("url", default=URL): _WORD,
        vol.Optional("appkey", default=None): vol.Maybe(_WORD),
        vol.Optional("token", default=None): vol.Maybe(_WORD),
        vol.Optional("access_key", default=None): vol.Maybe(_WORD),
        vol.Optional("secret_key", default=None): vol.Maybe(_WORD),
        vol.Optional("token_url", default=TOKEN_URL): _WORD,
        vol.Optional("input_rate", default=16_000): vol.Maybe(_RATE),
        vol.Optional("input_channels", default=1): vol.In((1, 2)),
        vol.Optional("output_rate", default=24_000): _RATE,
        vol.Optional("output_channels", default=1): vol.In((1, 2)),
        vol.Optional("downstream_align", default=False): bool,
        vol.Optional("window", default=2): number(0.1, 60),
        vol.Optional("release", default=0.5): number(0.01, 60),
        vol.Optional("pace", default=None): vol.Maybe(number(0.5, 100)),
        **time_limits(connect=5, first_audio=10, gap=10),
        vol.Optional("finish_timeout", default=10): number(0.1, 300),
    }
    credentials: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="appkey",
            label="AppKey",
            help="Of the application for voice conversion, in the console of Volcengine.",
            required=True,
        ),
        CredentialField(
            name="access_key",
            label="Access Key ID",
            help="Among the access keys of the console; its user must be allowed to use SAMI.",
        ),
        CredentialField(
            name="secret_key",
            label="Secret Access Key",
            help="In the console beside the access key.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="token",
            label="Token",
            help="From the console, good for a day; instead of an access key.",
            kind=CredentialKind.SECRET,
        ),
        CredentialField(
            name="url",
            label="Address",
            help="Only for a proxy of yours: the websocket of the service.",
            kind=CredentialKind.URL,
        ),
    )
    credential_sets: ClassVar[tuple[tuple[str, ...], ...]] = (("appkey", "access_key", "secret_key"), ("appkey", "token"))
    settings_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional("downstream_align"): bool}

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._access = Access.of(options)
        self._lines = Lines(self._access.url)
        limits = Limits(
            window=options["window"],
            release=options["release"],
            pace=options["pace"],
            begin=options["connect_timeout"],
            first_audio=options["first_audio_timeout"],
            gap=options["gap_timeout"],
            finish=options["finish_timeout"],
        )
        self._service = Service(access=self._access, tokens=Tokens(self._access), lines=self._lines, limits=limits)
        self._runs: set[Run] = set()

    def speakers(self) -> Sequence[Speaker]:
        return SPEAKERS

    def input_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        low, high = RATES
        rate = self.options["input_rate"] or max(low, min(source.rate, high))
        return AudioFormat(rate=rate, channels=self.options["input_channels"])

    def output_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        return AudioFormat(rate=self.options["output_rate"], channels=self.options["output_channels"])

    async def _convert(self, pcm: AsyncIterable[bytes], conversion: Conversion) -> AsyncGenerator[bytes, None]:
        self._access.check()
        task = self._task(conversion)
        run = Run(task, self._service, self._asked(task))
        self._runs.add(run)
        try:
            async with aclosing(run.pieces(pcm)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._runs.discard(run)

    async def verify(self) -> str:
        """A task is begun, and left without any speech: that costs nothing."""
        self._access.check()
        source = self.input_format(AudioFormat(rate=RATES[1]), {})
        task = self._task(Conversion(speaker=SPEAKERS[0].name, source=source))
        begun = await begin(task, self._service, self._asked(task))
        self._lines.leave(begun.line)
        return f"accepted by {self._access.url}: a task was begun as {task.speaker}."

    async def _close(self) -> None:
        for run in [*self._runs]:
            await run.stop()
        await self._lines.close()

    def _task(self, conversion: Conversion) -> Task:
        return Task(
            speaker=conversion.speaker,
            source=conversion.source,
            target=self.output_format(conversion.source, conversion.settings),
            downstream_align=conversion.settings.get("downstream_align", self.options["downstream_align"]),
        )

    def _asked(self, task: Task) -> Asked:
        return Asked(peer=PEER, voice=task.speaker, how=f"{task.source.rate} to {task.target.rate} Hz at {self._access.url}")
