"""What `--help` says. Text only; the options stand in `options`."""

from __future__ import annotations

from typing import NamedTuple


class CommandHelp(NamedTuple):
    short: str
    """One line, in the list of commands."""
    about: str
    """Before the options."""
    more: str
    """After the options: how it is used."""


HERALD = CommandHelp(
    short="",
    about="Herald speaks: a Wyoming text-to-speech server for Home Assistant, and for this terminal.",
    more="""\
a first minute:
  herald say "Dinner is ready."              hear it (or: -o dinner.wav)
  herald voices --language en                which voices there are
  herald serve                               speak for others, until Ctrl-C

Home Assistant, while `herald serve` runs:
  Settings > Devices & services > Add integration > Herald (the README
  tells how to install it), with this machine's address and the pairing
  token; or, without it, > Wyoming Protocol, with port 10230. Then choose
  Herald as text-to-speech in Settings > Voice assistants.

Every command explains itself: herald say --help
""",
)

SERVE = CommandHelp(
    short="speak for others: Home Assistant and any Wyoming client",
    about="""\
Serve Wyoming (port 10230) and HTTP (port 10231) until Ctrl-C or SIGTERM.
Without a configuration every eSpeak NG voice is offered.""",
    more="""\
examples:
  herald serve
  herald serve --zeroconf "Kitchen speech"
  herald serve --uri tcp://127.0.0.1:10230 --uri unix:///run/herald.sock --http off
  herald check                               what would be served, and what is wrong

Options go before the environment (HERALD_WYOMING__RATE=16000), and that before
herald.yaml. The networks that may connect stand in wyoming.allow; by default the
private ones.
""",
)

SAY = CommandHelp(
    short="speak a text: play it, or write it to a file",
    about="""\
Speak a text. It is played by the first player that is found (paplay, aplay,
ffplay, mpv, play); where there is none, it is written to speech.wav.""",
    more="""\
examples:
  herald say "Dinner is ready."
  herald say "Dinner is ready." -o dinner.wav --voice en-GB --speed 1.2
  herald say -o - "Hello." | ffmpeg -i - hello.mp3
  tail -f news.txt | herald say -            each sentence as soon as it is there
  herald say --uri tcp://homeassistant.local:10200 "Hello."
  herald say -o hello.mp3 --voice zh_female_wanwanxiaohe_moon_bigtts --operation query "你好。"

A voice that an engine does not list, such as one cloned from a person, speaks only
with that person's consent: --consent states it, for this call.

On standard error, at the end: how soon the first audio came after the text, and
the real-time factor (0.1: ten times faster than it plays).

exit status: 0 spoken, 1 failed, 2 asked for wrongly, 130 interrupted. What was
written until then can be played.
""",
)

CONVERT = CommandHelp(
    short="recorded speech in another speaker's voice",
    about="""\
Convert speech to another speaker's voice: a WAV file (or MP3, FLAC, Opus in Ogg,
AAC), or standard input, while it is still being made. It needs a converter in
herald.yaml, or in the environment; nothing else of Herald is started.""",
    more="""\
examples:
  herald convert --list                      as whom?
  herald convert in.wav -o out.wav --speaker zh_female_qingxin_stream
  herald convert in.wav --play --converter sami --speaker zh_male_huoli_stream
  herald convert in.mp3 -o out.mp3 --speaker zh_male_rap_stream --rate 44100
  arecord -q -f S16_LE -r 16000 -t wav | herald convert - -o out.wav --speaker ...

a converter without herald.yaml:
  export HERALD_CONVERTERS__SAMI__APPKEY=... HERALD_CONVERTERS__SAMI__TOKEN=...
  herald check sami                          are they good?

Where there is neither -o nor --play, it is played, or written to speech.wav. A
speaker that the converter does not list may be a real person: --consent states
that this person agreed.

To have a text spoken in such a voice: herald say --converter CONVERTER/SPEAKER ...

exit status: 0 converted, 1 failed, 2 asked for wrongly, 130 interrupted. An
existing file is overwritten only when there is audio. What was converted until
something failed can be played.
""",
)

VOICES = CommandHelp(
    short="list the voices",
    about="""\
List the voices, the configured ones first. In a pipe: one voice a line, with
tabs between name, languages, gender, engine and description.""",
    more="""\
examples:
  herald voices --language zh                zh-CN, zh-HK …
  herald voices --gender female --json
  herald voices | grep -i scotland
  herald voices --uri tcp://127.0.0.1:10230  those of a running server

A voice goes by its name in `herald say --voice` and in Home Assistant. What it was
made for and which emotions it can show stands in --json.
""",
)

CHECK = CommandHelp(
    short="check the configuration, and say what would be served",
    about="""\
Read the configuration as `herald serve` would, start every engine and converter,
and say what would be served, to whom, and what is wrong. Nothing is spoken, and no
account charged.

With engines or converters named: start only these, and try their credentials live,
by the cheapest call there is.""",
    more="""\
examples:
  herald check
  herald check --config /etc/herald.yaml
  herald check openspeech                    are the credentials good?
  herald check openspeech --voice xiaohe     and may they use this voice?
  herald check sami                          those of a voice converter

exit status: 0 all is well, 1 something is wrong.
""",
)

CACHE = CommandHelp(
    short="what is kept of finished replies: list it, clear it, fill it",
    about="""\
Herald keeps finished replies, so that the same sentence in the same voice is heard
at once and not paid for twice. `list` shows what is kept, `clear` forgets it, `warm`
has sentences spoken, heard by nobody, so that they are there when they are wanted.

A server may be running meanwhile: it has what is made here at once.""",
    more="""\
examples:
  herald cache list
  herald cache list --engine openspeech --json
  herald cache warm sentences.txt --voice xiaohe     one sentence a line
  echo "There is somebody at the door." | herald cache warm -
  herald cache clear --voice xiaohe                  after its owner recorded it anew
  herald cache clear

A reply is heard again only where text, voice, settings, engine and converter are
the same; whatever changes in herald.yaml needs no clearing. The spoken text is not
kept. A sentence that fails is told by its line, and hinders no other; what was made is
kept, and is not made again.

How much is kept: cache.size and cache.max_text in herald.yaml; never what a voice
with `cache: false` says.

exit status: 0 done, 1 failed, 2 asked for wrongly, 130 interrupted.
""",
)

CACHE_ACTIONS = {
    "list": "what is kept",
    "clear": "forget it: all, or what a voice said or an engine made",
    "warm": "have sentences spoken, heard by nobody, so that they are there when they are wanted",
}

TOKEN = CommandHelp(
    short="print the token that pairs Home Assistant with this server",
    about="""\
Print the pairing token; it is made if there is none yet. Anyone who has it may
use the HTTP server: keep it secret.""",
    more="""\
examples:
  herald token
  herald token --rotate                      make another one: somebody may know the old
  curl -H "Authorization: Bearer $(herald token)" http://herald.local:10231/api/voices

After --rotate, send the server a SIGHUP, or start it again: until then it takes the old
token. Then pair Home Assistant with the new one. A token that the environment gives
(HERALD_TOKEN, HERALD_TOKEN_FILE, APPTOKEN) can only be changed there.
""",
)
