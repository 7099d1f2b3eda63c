"""The child process that owns libespeak-ng. The only code that loads the library, which is GPL and one global, unlocked state.

Run as a script (`python -I -S worker.py LIBRARY DATA`), apart from Herald: it imports nothing of the package. Every module that
it does import was weighed: without `json`, `signal` and `typing` it starts in half the time and stays below 25 MB. The pool's
side imports `pack` and `FrameReader` from here.

Frames go both ways over one socket, file descriptor 0. A frame has a kind, the number of an order, and a payload:

    to the worker    SAY     a line of the ORDER's values, parted by tabs; then the text, in UTF-8
                     STOP
                     LIST
    from the worker  READY   the library's version; the number is its sample rate
                     FAULT   a sentence, instead of READY: it cannot start, and ends
                     WORDS   WORD structs: sample, first code point, code points
                     AUDIO   PCM, s16 mono
                     END     also after a stop
                     ERROR   a sentence, instead of END
                     VOICES  a line a voice, parted by tabs: identifier, name, gender (1 male, 2 female), tags

Orders are done in turn. A stop cuts off the order of its number within one callback of the library. End of file ends the process.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys

SAY, STOP, LIST, READY, FAULT, WORDS, AUDIO, END, ERROR, VOICES = range(10)

ORDER = ("voice", "ssml", "rate", "volume", "pitch", "range", "word_gap")
WORD = struct.Struct("!III")

PAYLOAD_LIMIT = 1024 * 1024
"""Bytes of a frame's payload."""

Frame = tuple[int, int, bytes]
"""Kind, number, payload."""

_HEAD = struct.Struct("!BII")


def pack(kind: int, number: int = 0, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return _HEAD.pack(kind, number, len(payload)) + payload


class FrameReader:
    """Bytes in, whole frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Every frame that is complete now. Raises ValueError where one is too large."""
        self._buffer += data
        frames, begin = [], 0
        while len(self._buffer) - begin >= _HEAD.size:
            kind, number, size = _HEAD.unpack_from(self._buffer, begin)
            if size > PAYLOAD_LIMIT:
                msg = f"A frame of {size} bytes came; {PAYLOAD_LIMIT} are allowed."
                raise ValueError(msg)
            end = begin + _HEAD.size + size
            if len(self._buffer) < end:
                break
            frames.append((kind, number, bytes(self._buffer[begin + _HEAD.size : end])))
            begin = end
        del self._buffer[:begin]
        return frames


# The library, in the words of its header espeak-ng/speak_lib.h

SYNCHRONOUS, DONT_EXIT = 2, 0x8000
UTF8, SSML, END_PAUSE = 1, 0x10, 0x1000
EVENT_LIST_TERMINATED, EVENT_WORD = 0, 1
PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4, "word_gap": 7}

BUFFER = 60
"""ms of audio in one callback: the least that the library makes."""
LATER = 0.24
"""Seconds of audio in every AUDIO frame of an order but the first, which goes out at once."""


class Event(ctypes.Structure):
    """One `espeak_EVENT`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class ListedVoice(ctypes.Structure):
    """One `espeak_VOICE`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Event))
UriCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)


class Port:
    """The socket to the pool. Whatever happens to it, the pool is gone, and so is the worker's reason to live."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def receive(self) -> Frame:
        """The next frame, waited for."""
        while not self._frames:
            self._read()
        return self._frames.pop(0)

    def stopped(self, number: int) -> bool:
        """Whether a stop for this order has come. Does not wait; every frame stays in line."""
        while self._poll.poll(0):
            self._read()
        return any(frame[:2] == (STOP, number) for frame in self._frames)

    def send(self, frames: bytes) -> None:
        rest = memoryview(frames)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os._exit(0)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            os._exit(0)
        self._frames += self._reader.feed(data)


class Library:
    """libespeak-ng: one voice, one set of parameters, one order at a time."""

    def __init__(self, library: str, data: str, port: Port) -> None:
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_Info.restype = ctypes.c_char_p
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(ListedVoice))
        # The library cuts a long path short and then finds nothing, without a word: it gets the shortest there is.
        os.chdir(data)
        self.rate: int = self._lib.espeak_Initialize(SYNCHRONOUS, BUFFER, b".", DONT_EXIT)
        self.version: str = self._lib.espeak_Info(None).decode()
        self._port = port
        self._voice = ""
        self._number = 0
        self._stopped = False
        self._target = 0
        self._audio = bytearray()
        self._words = bytearray()
        self._callbacks = SynthCallback(self._on_audio), UriCallback(_play_no_file)
        self._lib.espeak_SetSynthCallback(self._callbacks[0])
        self._lib.espeak_SetUriCallback(self._callbacks[1])

    def say(self, number: int, payload: bytes) -> None:
        """Do one order, to its end, its stop or its error."""
        line, _, text = payload.partition(b"\n")
        order = dict(zip(ORDER, line.decode().split("\t"), strict=True))
        self._number, self._stopped, self._target = number, self._port.stopped(number), 0
        error = "" if self._stopped else self._synthesise(order, text)
        if error and not self._stopped:
            self._port.send(pack(ERROR, number, error.encode()))
        else:
            self._send()
            self._port.send(pack(END, number))

    def voices(self) -> str:
        """Every voice that the library lists, as VOICES tells it."""
        listed = self._lib.espeak_ListVoices(None)
        lines: list[str] = []
        while listed[len(lines)]:
            voice = listed[len(lines)].contents
            values = voice.identifier.decode(), voice.name.decode(), str(voice.gender), *_tags(voice.languages)
            lines.append("\t".join(values))
        return "\n".join(lines)

    def _synthesise(self, order: dict[str, str], text: bytes) -> str:
        """The library's work. Gives the sentence of an error, or an empty one."""
        if order["voice"] != self._voice and self._lib.espeak_SetVoiceByName(self._own_name(order["voice"]).encode()):
            self._voice = ""
            return f"The library has no voice {order['voice']}."
        ssml = order["ssml"] == "1"
        self._voice = "" if ssml else order["voice"]  # such a text may change the voice, and leave it so
        for name, parameter in PARAMETERS.items():
            self._lib.espeak_SetParameter(parameter, int(order[name]), 0)
        flags = UTF8 | END_PAUSE | (SSML if ssml else 0)
        failed = self._lib.espeak_Synth(text + b"\0", ctypes.c_size_t(len(text) + 1), 0, 1, 0, flags, None, None)
        return f"The library gave error {failed}." if failed else ""

    def _own_name(self, voice: str) -> str:
        """Before 1.52 the plain Mandarin voice spells out pinyin in English and speaks the numbers of the tones."""
        identifier, plus, variant = voice.partition("+")
        if identifier == "sit/cmn" and self.version < "1.52":
            identifier = "sit/cmn-Latn-pinyin"
        return identifier + plus + variant

    def _on_audio(self, audio: int | None, samples: int, events: ctypes._Pointer[Event]) -> int:
        """The library's callback: takes what is ready. 1 stops the synthesis."""
        index = 0
        while (event := events[index]).type != EVENT_LIST_TERMINATED:
            if event.type == EVENT_WORD and event.length > 0 and event.text_position > 0:
                self._words += WORD.pack(event.sample, event.text_position - 1, event.length)
            index += 1
        if audio and samples > 0:
            self._audio += ctypes.string_at(audio, samples * 2)
        self._stopped = self._stopped or self._port.stopped(self._number)
        if len(self._audio) > self._target:
            self._send()
            self._target = int(LATER * self.rate) * 2
        return int(self._stopped)

    def _send(self) -> None:
        """Hand on what has been taken; after a stop nobody wants it."""
        if not self._stopped and (self._words or self._audio):
            words, audio = (pack(kind, self._number, bytes(data)) for kind, data in ((WORDS, self._words), (AUDIO, self._audio)))
            self._port.send(words + audio)
        self._words.clear()
        self._audio.clear()


def _play_no_file(_kind: int, _uri: bytes | None, _base: bytes | None) -> int:
    """1 refuses: <audio src> in a client's SSML must not read this machine's files."""
    return 1


def _tags(languages: int) -> list[str]:
    """A voice's tags, from C's list of pairs of a priority byte and a string, ended by a zero."""
    tags = []
    while ctypes.string_at(languages, 1) != b"\0":
        tag = ctypes.string_at(languages + 1)
        tags.append(tag.decode())
        languages += 1 + len(tag) + 1
    return tags


def _ignore_signals() -> None:
    """SIGHUP, SIGINT and SIGTERM go to a terminal's or a service's whole group; only the pool decides when a worker ends."""
    ignore = ctypes.c_void_p(1)
    for number in (1, 2, 15):
        ctypes.CDLL(None).signal(number, ignore)


def _quieten_library() -> None:
    """The library writes remarks about a text to standard error; from now on only Python does."""
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main(library: str, data: str) -> None:
    """Do orders until the end of file."""
    _ignore_signals()
    _quieten_library()
    port = Port(0)
    try:
        espeak = Library(library, data, port)
    except (OSError, AttributeError) as error:
        port.send(pack(FAULT, 0, str(error).encode()))
        return
    port.send(pack(READY, max(0, espeak.rate), espeak.version.encode()))
    espeak.voices()  # the library finds most voices by the list that this makes it read, once
    while True:
        kind, number, payload = port.receive()
        if kind == SAY:
            espeak.say(number, payload)
        elif kind == LIST:
            port.send(pack(VOICES, number, espeak.voices().encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
