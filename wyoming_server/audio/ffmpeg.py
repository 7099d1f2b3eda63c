"""FFmpeg's codecs and filters, by PyAV: bytes in, bytes out. The one place that touches their frames, packets and graphs.

PyAV takes 30 MB and 0.1 s to import: who uses this module imports it when there is audio. Errors of PyAV end here. Everything
runs with one thread, the caller's: FFmpeg would start as many as there are cores for every stream.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec import CodecContext
from av.filter import Graph, graph

from ..errors import BadSetting, ProtocolError
from ..models import AudioFormat

RESAMPLING = "filter_size=64:phase_shift=10:cutoff=0.95:exact_rational=1"
"""2 ms held back, and no alias above -95 dB; FFmpeg's own setting lets -26 dB through."""

_LAYOUTS = {1: "mono", 2: "stereo"}
_WIDTHS = {"s16": 2, "flt": 4}
"""Bytes per sample."""


DecoderName: TypeAlias = Literal["aac", "flac", "libopus", "mp3"]
EncoderName: TypeAlias = Literal["aac", "flac", "libmp3lame", "libopus"]
_SAMPLES = {"aac": "fltp", "flac": "s16", "libmp3lame": "s16p", "libopus": "s16"}
"""What each encoder works with."""


class Pcm(NamedTuple):
    format: AudioFormat
    data: bytes


class PacketDecoder:
    """Packets of one stream made PCM at the stream's own rate, in mono or stereo; more channels are mixed to stereo.

    Raises ProtocolError for a stream whose `head` cannot be read.
    """

    def __init__(self, name: DecoderName, head: bytes = b"") -> None:
        self._context = CodecContext.create(name, "r")
        self._context.thread_count = 1
        if head:
            self._context.extradata = head
        try:
            self._context.open()
        except av.FFmpegError as error:
            msg = f"The header of the {name} stream cannot be read: {error.strerror}."
            raise ProtocolError(msg) from error
        self._packer: _Packer | None = None

    def decode(self, packet: bytes) -> list[Pcm]:
        """Raises ProtocolError for a packet that cannot be decoded; the next one may."""
        try:
            return [self._packed(frame) for frame in self._context.decode(av.Packet(packet))]
        except av.FFmpegError as error:
            msg = f"A packet of {len(packet)} bytes cannot be decoded: {error.strerror}."
            raise ProtocolError(msg) from error

    def _packed(self, frame: AudioFrame) -> Pcm:
        shape = _Shape.of(frame)
        if shape.is_pcm:
            return Pcm(AudioFormat(rate=shape.rate, channels=shape.channels), _pcm(frame))
        if not self._packer or self._packer.shape != shape:
            self._packer = _Packer(shape)
        return self._packer.pack(frame)


class PacketEncoder:
    """PCM made packets of one stream, by FFmpeg's options."""

    def __init__(self, name: EncoderName, audio: AudioFormat, *, bitrate: int | None, options: Mapping[str, str]) -> None:
        context = CodecContext.create(name, "w")
        if not isinstance(context, AudioCodecContext):
            msg = f"{name} is no audio codec."
            raise TypeError(msg)
        context.thread_count = 1
        context.sample_rate, context.layout, context.format = audio.rate, _LAYOUTS[audio.channels], _SAMPLES[name]
        if bitrate:
            context.bit_rate = bitrate
        context.options = dict(options)
        context.open()
        self.head = bytes(context.extradata or b"")
        """What a decoder must know first, in the codec's own form; may be empty."""
        self.packet_frames = context.frame_size
        self._audio = audio
        self._context: AudioCodecContext | None = context

    def encode(self, pcm: bytes) -> list[bytes]:
        """The packets that are whole now; `pcm` is never empty."""
        return self._run(frame_of(pcm, self._audio))

    def flush(self) -> list[bytes]:
        """The rest, at the end of the stream. Nothing is pushed afterwards."""
        return self._run(None)

    def close(self) -> None:
        """Free what the codec holds. Twice is fine; nothing is called afterwards."""
        context, self._context = self._context, None
        for held in gc.get_referents(context):
            if isinstance(held, AudioResampler):
                _untie(gc.get_referents(held))

    def _run(self, frame: AudioFrame | None) -> list[bytes]:
        # after the last packet, FLAC gives one without data
        return [bytes(packet) for packet in self._context.encode(frame) if packet.size] if self._context else []


class Converter:
    """PCM of one rate and number of channels made PCM of another; both mono or stereo.

    The output is within a frame of frames * target.rate / source.rate; of less than 10 ms it may be less.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        if not {source.channels, target.channels} <= _LAYOUTS.keys():
            msg = f"Audio is made mono or stereo, not {target.channels} channels out of {source.channels}."
            raise BadSetting(msg)
        self._source = source
        self._filters: _Filters | None = None
        if source != target:
            shape = _Shape(rate=source.rate, samples="s16", layout=_LAYOUTS[source.channels], channels=source.channels)
            self._filters = _conversion(shape, target)

    def push(self, pcm: bytes) -> bytes:
        if not self._filters or not pcm:
            return pcm
        return self._run(frame_of(pcm, self._source))

    def flush(self) -> bytes:
        """What the filter still holds, at the end of the stream. Nothing is pushed afterwards."""
        rest = self._run(None)
        self.close()
        return rest

    def close(self) -> None:
        """Free the filter. Twice is fine; nothing is pushed afterwards."""
        if self._filters:
            self._filters.close()
        self._filters = None

    def _run(self, frame: AudioFrame | None) -> bytes:
        return b"".join(_pcm(made) for made in self._filters.run(frame)) if self._filters else b""


class FloatFilters:
    """A row of FFmpeg's filters, each a name and its settings, from interleaved 32-bit floats of `audio` to those of `target`.

    Without a target the format stays.
    """

    def __init__(self, audio: AudioFormat, steps: Sequence[tuple[str, str]], target: AudioFormat | None = None) -> None:
        self._audio = audio
        shape = _Shape(rate=audio.rate, samples="flt", layout=_LAYOUTS[audio.channels], channels=audio.channels)
        self._filters = _Filters(shape, (*steps, _form(target or audio, "flt")))

    def push(self, samples: bytes) -> bytes:
        """`samples` are whole frames, and never empty."""
        return self._run(frame_of(samples, self._audio, "flt"))

    def flush(self) -> bytes:
        """What the filters still hold, at the end of the stream. Nothing is pushed afterwards."""
        rest = self._run(None)
        self.close()
        return rest

    def close(self) -> None:
        """Free the filters. Twice is fine; nothing is pushed afterwards."""
        self._filters.close()

    def _run(self, frame: AudioFrame | None) -> bytes:
        return b"".join(_plane(made, 4) for made in self._filters.run(frame))


def frame_of(samples: bytes, audio: AudioFormat, kind: Literal["s16", "flt"] = "s16") -> AudioFrame:
    """Whole frames of samples, interleaved, as one of FFmpeg's, which are what we call a piece."""
    size = _WIDTHS[kind] * audio.channels
    frame = AudioFrame(format=kind, layout=_LAYOUTS[audio.channels], samples=len(samples) // size)
    frame.sample_rate = audio.rate
    frame.planes[0].update(samples)
    return frame


class _Shape(NamedTuple):
    """What must stay the same from frame to frame."""

    rate: int
    samples: str
    layout: str
    channels: int

    @staticmethod
    def of(frame: AudioFrame) -> _Shape:
        layout = frame.layout
        return _Shape(rate=frame.sample_rate, samples=frame.format.name, layout=layout.name, channels=layout.nb_channels)

    @property
    def is_pcm(self) -> bool:
        return (self.samples == "s16" and self.channels in _LAYOUTS) or (self.samples == "s16p" and self.channels == 1)


class _Packer:
    """Frames of any kind of sample made PCM, one for one."""

    def __init__(self, shape: _Shape) -> None:
        self.shape = shape
        self._target = AudioFormat(rate=shape.rate, channels=min(shape.channels, max(_LAYOUTS)))
        self._filters = _conversion(shape, self._target)

    def pack(self, frame: AudioFrame) -> Pcm:
        return Pcm(self._target, b"".join(map(_pcm, self._filters.run(frame))))


def resampling(channels: int, target: AudioFormat) -> list[tuple[str, str]]:
    """The filters from audio with so many channels to the rate and channels of `target`."""
    # FFmpeg's own way from mono to stereo takes 3 dB off
    spread = [("pan", "stereo|c0=c0|c1=c0")] if channels < target.channels else []
    return [("aresample", f"{target.rate}:{RESAMPLING}"), *spread]


def _form(audio: AudioFormat, samples: str) -> tuple[str, str]:
    return "aformat", f"sample_fmts={samples}:sample_rates={audio.rate}:channel_layouts={_LAYOUTS[audio.channels]}"


def _conversion(source: _Shape, target: AudioFormat) -> _Filters:
    try:
        return _Filters(source, (*resampling(source.channels, target), _form(target, "s16")))
    except (av.FFmpegError, ValueError) as error:
        msg = f"Audio of {source.rate} Hz, {source.layout}, cannot be made {target.rate} Hz, {_LAYOUTS[target.channels]}."
        raise ProtocolError(msg) from error


class _Filters:
    """A row of FFmpeg's filters, each a name and its settings, that frames of one shape go through."""

    def __init__(self, source: _Shape, steps: Iterable[tuple[str, str]]) -> None:
        self._graph: Graph | None = Graph()
        self._graph.threads = 1
        time_base = Fraction(1, source.rate)
        begin = self._graph.add_abuffer(sample_rate=source.rate, format=source.samples, layout=source.layout, time_base=time_base)
        row = (*(self._graph.add(name, settings) for name, settings in steps), self._graph.add("abuffersink"))
        self._graph.link_nodes(begin, *row).configure()

    def run(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """What comes out for `frame`, or at the end for `None`; nothing after `close`."""
        if not self._graph:
            return
        if frame:
            frame.pts = None
        self._graph.push(frame)
        while made := _pulled(self._graph):
            yield made

    def close(self) -> None:
        filters, self._graph = self._graph, None
        _untie([filters])


def _pulled(filters: Graph) -> AudioFrame | None:
    try:
        made = filters.pull()
    except (BlockingIOError, EOFError):
        return None
    return made if isinstance(made, AudioFrame) else None


def _untie(holders: Iterable[object]) -> None:
    """Let graphs go at once. In PyAV 19 a graph and its filters hold each other, until the garbage collector comes."""
    for holder in holders:
        if isinstance(holder, Graph):
            for held in gc.get_referents(holder):
                if isinstance(held, dict):
                    held.clear()


def _pcm(frame: AudioFrame) -> bytes:
    return _plane(frame, 2)


def _plane(frame: AudioFrame, width: int) -> bytes:
    """The samples of a frame that has them in one plane; the plane is longer."""
    return memoryview(frame.planes[0])[: width * frame.layout.nb_channels * frame.samples].tobytes()


def _stay_in_one_thread() -> None:
    """Tell FFmpeg that there is one core: PyAV's encoders have a graph that nobody reaches, with a thread for each."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(graph.__file__).av_cpu_force_count(ctypes.c_int(1))


_stay_in_one_thread()
