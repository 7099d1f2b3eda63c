"""FlowingSpeechSynthesizer as its document has it: a session from its start to its end, and what a client may ask for."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.engines.tone import sine
from wyoming_server.frontends.pacing import Pacing
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running

from ..audio.containers import read_back
from ..serving import TONE, serving, tone
from .flowing_client import END, FlowingClient, Heard, connected
from .flowing_serving import STREAMING

RATE = AudioFormat(rate=22_050)
ESPEAK = """
http: {host: 127.0.0.1, port: 0}
wyoming: {uri: []}
engines: {espeak: {workers: 1}}
"""
HEX_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
async def client(server: Running) -> AsyncIterator[FlowingClient]:
    async with connected(server) as client:
        yield client


# The conversation


async def test_a_session_is_told_from_its_start_to_its_end(client: FlowingClient) -> None:
    await client.start(voice="tone/tone", format="PCM", sample_rate=22_050)
    await client.run("One sentence. ", "And ", "another one. ")
    await client.stop()
    heard = await client.heard(*END)
    sentence = ["SentenceBegin", "audio", "SentenceEnd"]
    assert heard.names == ["SynthesisStarted", *sentence, *sentence, "SynthesisCompleted"]
    assert heard.audio == tone(len("One sentence.")) + tone(len("And another one."))


async def test_messages_have_the_documented_header_and_count_from_one(client: FlowingClient) -> None:
    heard = await client.say("One. Two. Three.")
    for message in heard.messages:
        header = message["header"]
        assert header["namespace"] == "FlowingSpeechSynthesizer"
        assert (header["status"], header["task_id"]) == (20_000_000, client.task_id)
        assert header["status_message"]
        assert HEX_ID.fullmatch(header["message_id"])
    assert len({message["header"]["message_id"] for message in heard.messages}) == len(heard.messages)
    assert [payload["index"] for payload in heard.payloads("SentenceBegin")] == [1, 2, 3]
    assert [payload["index"] for payload in heard.payloads("SentenceEnd")] == [1, 2, 3]
    assert heard.payloads("SynthesisCompleted")[0]["index"] == 3
    ids = {message["payload"]["session_id"] for message in heard.messages}
    assert len(ids) == 1
    assert HEX_ID.fullmatch(ids.pop())


async def test_nothing_but_a_start_is_enough_to_be_spoken_to(client: FlowingClient) -> None:
    heard = await client.say("Hello.")
    assert heard.audio == tone(6)


@pytest.mark.parametrize("text", ["", " ", "...", "😀"])
async def test_text_with_nothing_to_say_is_completed_all_the_same(client: FlowingClient, text: str) -> None:
    heard = await client.say(text)
    assert heard.names == ["SynthesisStarted", "audio", "SynthesisCompleted"]
    assert heard.audio.strip(b"\0") == b""


async def test_subtitles_come_only_where_they_are_asked_for(client: FlowingClient) -> None:
    heard = await client.say("One. Two two.", enable_subtitle=True)
    sentence = ["SentenceBegin", "audio", "SentenceSynthesis", "SentenceEnd"]
    assert heard.names == ["SynthesisStarted", *sentence, *sentence, "SynthesisCompleted"]
    first, second = (payload["subtitles"] for payload in heard.payloads("SentenceEnd"))
    assert [payload["subtitles"] for payload in heard.payloads("SentenceSynthesis")] == [first, second]
    assert [(entry["text"], entry["begin_time"], entry["end_time"]) for entry in first] == [("One.", 0, 40)]
    assert [(entry["text"], entry["begin_time"], entry["end_time"]) for entry in second] == [("Two two.", 40, 120)]
    assert [(entry["begin_index"], entry["end_index"]) for entry in second] == [(0, 8)]
    assert second[0]["phoneme_list"] == []


async def test_several_sessions_follow_each_other_on_one_connection(client: FlowingClient) -> None:
    for size in range(1, 5):
        heard = await client.say("a" * size)
        assert heard.names[0] == "SynthesisStarted"
        assert heard.audio == tone(size)


@pytest.mark.parametrize("yaml", [TONE, STREAMING], ids=["sentences", "fragments"])
async def test_audio_comes_while_text_is_still_sent(tmp_path: Path, yaml: str) -> None:
    async with serving(tmp_path, yaml) as server, connected(server) as client:
        await client.start()
        await client.run("A first sentence. ", "and")
        assert (await client.heard("audio")).names == ["SynthesisStarted", "SentenceBegin", "audio"]
        await client.run(" the rest of it.")
        await client.stop()
        assert (await client.heard(*END)).names[-1] == "SynthesisCompleted"


async def test_the_seeds_own_client_hears_the_end_of_every_fragment_that_it_sends(client: FlowingClient) -> None:
    await client.start(format="PCM", sample_rate=22_050)
    assert (await client.heard("SynthesisStarted")).names == ["SynthesisStarted"]
    loop = asyncio.get_running_loop()
    for number, text in enumerate(("no end here", "床前明月光", "and, again"), 1):
        sent_at = loop.time()
        await client.run(text)
        heard = await client.heard("SentenceEnd")
        assert heard.names == ["SentenceBegin", "audio", "SentenceEnd"]
        assert heard.last["payload"]["index"] == number
        assert heard.audio == tone(len(text))
        assert loop.time() - sent_at > 0.4
    await client.stop()
    assert (await client.heard(*END)).names[-1] == "SynthesisCompleted"


async def test_fragments_in_quick_succession_are_one_sentence(client: FlowingClient) -> None:
    await client.start()
    for fragment in ("Let ", "me ", "look"):
        await client.run(fragment)
        await asyncio.sleep(0.01)
    heard = await client.heard("SentenceEnd")
    assert heard.audio == tone(len("Let me look"))


# What may be asked for


def at_rate(rate: int, characters: int) -> bytes:
    return sine(rate, 440, 0, AudioFormat(rate=rate).size(characters * 0.01))


def is_tone(pcm: bytes, rate: int, characters: int, *, least: float = 40) -> bool:
    """Whether it is that tone, but for the noise of resampling, and a beginning and end that no filter knows."""
    wanted = np.frombuffer(at_rate(rate, characters), "<i2").astype(float)
    got = np.frombuffer(pcm, "<i2").astype(float)
    assert abs(len(got) - len(wanted)) <= 2
    inner = slice(rate // 50, len(wanted) - rate // 50)
    noise = np.sqrt(np.mean((got[inner] - wanted[inner]) ** 2))
    return bool(20 * np.log10(np.sqrt(np.mean(wanted[inner] ** 2)) / max(noise, 1e-9)) > least)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 24_000, 32_000, 44_100, 48_000])
async def test_every_documented_rate_is_honoured(client: FlowingClient, rate: int) -> None:
    heard = await client.say("a" * 50, sample_rate=rate)
    assert is_tone(heard.audio, rate, 50)


@pytest.mark.parametrize("given", ["WAV", "wav"])
async def test_a_wav_file_has_one_header(client: FlowingClient, given: str) -> None:
    heard = await client.say("One. Two.", format=given)
    assert heard.audio.count(b"RIFF") == heard.audio.count(b"data") == 1
    assert heard.audio.startswith(b"RIFF")
    assert heard.audio.endswith(tone(4))
    assert read_back(heard.audio, Container.WAV, RATE).rate == 22_050


RATE_OF = {channels: AudioFormat(rate=24_000, channels=channels) for channels in (1, 2)}
CONTAINERS = {
    "mp3": Container.MP3,
    "FLAC": Container.FLAC,
    "OGG_OPUS": Container.OGG_OPUS,
    "WEBM_OPUS": Container.WEBM_OPUS,
    "MKA": Container.MKA,
    "WAV_F32": Container.WAV_F32,
}


@pytest.mark.parametrize("given", CONTAINERS)
async def test_all_audio_of_a_session_is_one_file(client: FlowingClient, given: str) -> None:
    heard = await client.say("a" * 100 + ". And another.", format=given, sample_rate=24_000)
    read = read_back(heard.audio, CONTAINERS[given], AudioFormat(rate=24_000))
    assert read.rate == (48_000 if "OPUS" in given else 24_000)
    assert read.frames / read.rate == pytest.approx(1.13, abs=0.1)  # MP3 says nowhere how much of it is padding
    spectrum = np.abs(np.fft.rfft(read.samples[: read.rate]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("given", ["PCM", "WAV", *CONTAINERS])
async def test_of_stereo_both_are_the_same(client: FlowingClient, given: str) -> None:
    one, two = [
        read_back(heard.audio, {"PCM": Container.PCM, "WAV": Container.WAV, **CONTAINERS}[given], RATE_OF[channels])
        for channels in (1, 2)
        if (heard := await client.say("a" * 100, format=given, sample_rate=24_000, channels=channels))
    ]
    assert (one.channels, two.channels) == (1, 2)
    assert two.rate == one.rate
    assert two.frames == one.frames
    left, right = two.samples[::2], two.samples[1::2]
    assert np.abs(left - right).max() <= 0.01 * np.abs(left).max()
    middle = slice(one.rate // 4, one.rate // 2)
    assert np.abs(left[middle]).max() == pytest.approx(np.abs(one.samples[middle]).max(), rel=0.1)


@pytest.mark.parametrize(("given", "size"), [("WAV", 16), ("WAV_F32", 32)])
async def test_a_wav_whose_length_nobody_knows_says_so_in_both_sizes(client: FlowingClient, given: str, size: int) -> None:
    header = (await client.say("Hello.", format=given, channels=2)).audio
    assert header[4:8] == header[header.index(b"data") + 4 :][:4] == b"\xff\xff\xff\xff"
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", header, 20)
    assert (tag, channels, rate, block, bits) == (1 if size == 16 else 3, 2, 22_050, 2 * size // 8, size)


@pytest.mark.parametrize(
    ("native", "given", "rate"), [(24_000, "WAV", 24_000), (19_000, "MP3", 22_050), (19_000, "FLAC", 19_000)]
)
async def test_the_voices_own_rate_may_be_asked_for(tmp_path: Path, native: int, given: str, rate: int) -> None:
    yaml = TONE.replace("{per_character: 0.01}", f"{{per_character: 0.01, rate: {native}}}")
    async with serving(tmp_path, yaml) as server, connected(server) as client:
        heard = await client.say("Hello.", format=given, sample_rate=0)
    assert read_back(heard.audio, Container(given.lower()), AudioFormat(rate=rate)).rate == rate


@pytest.mark.parametrize("name", ["volume", "volumn"])
async def test_volume_is_honoured_also_as_the_vendors_sdk_spells_it(client: FlowingClient, name: str) -> None:
    heard = await client.say("a" * 20, **{name: 25})
    assert np.max(np.abs(np.frombuffer(heard.audio, "<i2"))) == pytest.approx(16_383 / 2, rel=0.01)


@pytest.mark.parametrize(("rate", "speed"), [(-500, 0.5), (-250, 1 / 1.5), (200, 1.25), (500, 2)])
async def test_speech_rate_means_what_the_clouds_document_says(client: FlowingClient, rate: int, speed: float) -> None:
    heard = await client.say("a" * 100, speech_rate=rate)
    assert RATE.seconds(len(heard.audio)) == pytest.approx(1 / speed, abs=0.02)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(heard.audio, "<i2")))
    assert np.argmax(spectrum) / RATE.seconds(len(heard.audio)) == pytest.approx(440, abs=3)


async def test_an_engine_that_has_speeds_makes_them_itself(tmp_path: Path) -> None:
    async with serving(tmp_path, ESPEAK) as server, connected(server) as client:
        said = await client.say("One two three.", voice="en-GB", speech_rate=500)
        meant = await client.say("One two three.", voice="en-GB", options={"speed": 2})
        assert len(said.audio) == pytest.approx(len(meant.audio), rel=0.05)  # eSpeak NG never says the same twice


async def test_options_are_settings_under_heralds_own_names(client: FlowingClient) -> None:
    heard = await client.say("a" * 20, options={"volume": 0, "frequency": 880, "language": "en"})
    assert heard.audio == bytes(len(tone(20)))


async def test_a_session_may_have_everything_read_as_it_stands(client: FlowingClient) -> None:
    for speakable, characters in ((False, 24), (True, 20)):
        heard = await client.say(f"**{'a' * 20}**", options={"speakable_text": speakable})
        assert len(heard.audio) == len(tone(characters))


async def test_a_voice_may_be_chosen_by_its_language(tmp_path: Path) -> None:
    yaml = TONE + "voices: {lily: {engine: tone, voice: tone, language: de-DE, volume: 0}}"
    async with serving(tmp_path, yaml) as server, connected(server) as client:
        assert (await client.say("Hallo.", options={"language": "de"})).audio == bytes(len(tone(6)))


async def test_a_voice_of_the_local_servers_is_somebody_of_that_language(tmp_path: Path) -> None:
    yaml = TONE + "voices: {lily: {engine: tone, voice: tone, language: zh-CN, volume: 0}}"
    async with serving(tmp_path, yaml) as server, connected(server) as client:
        assert (await client.say("你好。", voice="中文女")).audio == bytes(len(tone(3)))


async def test_a_session_may_be_given_an_id(client: FlowingClient) -> None:
    heard = await client.say("Hello.", session_id="kitchen")
    assert {message["payload"]["session_id"] for message in heard.messages} == {"kitchen"}


async def test_audio_is_no_further_ahead_than_the_pace_allows(client: FlowingClient) -> None:
    heard = await client.say("a" * 80, pace=0.1)
    assert heard.audio == tone(80)
    assert most_ahead(heard) < 0.3


async def test_no_piece_is_sent_before_its_time() -> None:
    pacing, begin = Pacing(0.05, asyncio.Semaphore()), monotonic()
    for number in range(1, 11):
        await pacing.wait_for_real_time(0.02)
        assert number * 0.02 - (monotonic() - begin) <= 0.05 + 0.001


def most_ahead(heard: Heard) -> float:
    """Seconds by which a listener, who hears the first piece as it comes, was ahead at most."""
    begin, sent, ahead = heard.pieces[0][0], 0, 0.0
    for at, size in heard.pieces:
        sent += size
        ahead = max(ahead, RATE.seconds(sent) - (at - begin))
    return ahead


async def test_without_a_pace_audio_comes_as_fast_as_it_is_made(client: FlowingClient) -> None:
    heard = await client.say("a" * 400)
    assert heard.pieces[-1][0] - heard.pieces[0][0] < 1


async def test_after_a_standstill_the_pace_counts_from_what_is_heard(client: FlowingClient) -> None:
    await client.start(pace=0.1)
    await client.run("a" * 10)
    await client.heard("SentenceEnd")
    await client.run("a" * 60)  # and nothing behind it: it is spoken half a second later
    assert most_ahead(await client.heard("SentenceEnd")) < 0.3


async def test_places_in_line_disturb_nobody(tmp_path: Path) -> None:
    yaml = TONE.replace("{per_character: 0.01}", "{per_character: 0.01, concurrency: 1, pace: 5}")
    async with serving(tmp_path, yaml) as server, connected(server) as one, connected(server) as other:
        for client in (one, other):
            await client.start()
            await client.run("a" * 50)
            await client.stop()
        for heard in await asyncio.gather(one.heard(*END), other.heard(*END)):
            assert heard.names == ["SynthesisStarted", "SentenceBegin", "audio", "SentenceEnd", "SynthesisCompleted"]
            assert heard.audio == tone(50)


async def test_fifty_clients_are_served_at_once(server: Running) -> None:
    async def one(number: int) -> None:
        async with connected(server) as client:
            assert (await client.say("a" * (50 + number), options={"pace": 5})).audio == tone(50 + number)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(one(number))


# What is refused


@pytest.mark.parametrize(
    ("payload", "status", "words"),
    [
        ({"voice": "nobody"}, 40_000_001, "There is no voice 'nobody'"),
        ({"format": "ogg"}, 40_000_001, "format is one of PCM, WAV, MP3"),
        ({"format": 1}, 40_000_001, "format is one of"),
        ({"sample_rate": 22_051}, 40_000_001, "sample_rate is one of 8000, .*, not 22051"),
        ({"channels": 3}, 40_000_001, "channels is a whole number from 1 to 2, not 3"),
        ({"volume": 101}, 40_000_001, "volume is a whole number from 0 to 100, not 101"),
        ({"speech_rate": -501}, 40_000_001, "speech_rate is a whole number from -500 to 500, not -501"),
        ({"pitch_rate": 100}, 40_000_001, "pitch_rate"),
        ({"pitch_rate": "x"}, 40_000_001, "pitch_rate is a whole number"),
        ({"pace": -1}, 40_000_001, "pace is a number from 0 to 600, not -1"),
        ({"options": []}, 40_000_001, "options is an object"),
        ({"options": {"sped": 2}}, 40_000_001, "take no sped; they take .*volume"),
        ({"options": {"volume": 200}}, 40_000_001, "volume is a number from 0 to 100, not 200"),
        ({"options": {"pitch": 2}}, 40_000_001, "take no pitch"),
        ({"options": {"language": "xx"}}, 40_000_001, "No voice speaks 'xx'"),
        ({"options": {"language": 3}}, 40_000_001, "language is .*, not 3"),
        ({"options": {"x" * 100_000: 3}}, 40_000_001, "take no xxx"),
        ({"session_id": "x" * 300}, 40_000_001, "session_id is a text of at most 256 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_asked_for_is_a_parameter_error(
    client: FlowingClient, payload: dict[str, object], status: int, words: str
) -> None:
    await client.start(**payload)
    heard = await client.heard()
    assert heard.names == ["TaskFailed"]
    assert heard.status == status
    assert heard.last["header"]["task_id"] == client.task_id
    assert heard.last["header"]["code"] == ("unknown_voice" if "oice" in words else "bad_setting")
    assert re.search(words, heard.failure)
    assert len(heard.failure) < 1_001
    assert client.socket.close_code == 1000


async def test_a_start_in_other_words_means_the_same(client: FlowingClient) -> None:
    heard = await client.say(
        "Hello.",
        voice="",
        format=None,
        sample_rate="22050",
        volume="50",
        speech_rate=0,
        pitch_rate="0",
        enable_subtitle="false",
        platform="python",
        options={},
        pace=None,
        unknown={"x": 1},
    )
    assert heard.audio == tone(6)


async def test_a_sentence_begins_before_its_audio_also_where_silence_is_trimmed(tmp_path: Path) -> None:
    async with serving(tmp_path, ESPEAK) as server, connected(server) as client:
        heard = await client.say("One two three. Four.", voice="en-GB", sample_rate=48_000)
        assert heard.names[:3] == ["SynthesisStarted", "SentenceBegin", "audio"]
