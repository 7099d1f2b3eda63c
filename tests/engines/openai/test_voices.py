"""Which voices a server has, in whatever shape it tells them, whose consent they need, and where it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol

from wyoming_server.engines.openai.profiles import PROFILES
from wyoming_server.engines.openai.voices import VoiceFacts, Voices, read_voices
from wyoming_server.errors import ConfigError, EngineError, EngineUnavailable, ProtocolError, VoiceRefused
from wyoming_server.models import Gender

from .speaking import TEXT, VOICES, Fault, at, hear, how, made, spoken

AMY = {"name": "amy", "language": "en_us", "gender": "female"}
GIVEN = VoiceFacts(recorded=True)
SHAPES: list[tuple[Any, Mapping[str, VoiceFacts]]] = [
    ({"voices": ["a", "b"]}, {"a": VoiceFacts(), "b": VoiceFacts()}),
    ({"voices": [{"id": "a", "name": "Anna"}]}, {"a": VoiceFacts()}),
    ({"voices": [AMY], "object": "list"}, {"amy": VoiceFacts(languages=("en-US",), gender=Gender.FEMALE)}),
    ({"voices": {"a": {"language": "de", "description": "Deep."}}}, {"a": VoiceFacts(languages=("de",), description="Deep.")}),
    ({"voices": ["a"], "uploaded_voices": [{"name": "mum"}, {"name": "a"}]}, {"a": GIVEN, "mum": GIVEN}),
    ({"voices": ["mum"], "uploaded_voices": [{"name": "Mum"}, {"name": "Dad"}]}, {"mum": GIVEN, "Dad": GIVEN}),
    ({"data": [{"id": "tts-1", "object": "model"}]}, {"tts-1": VoiceFacts()}),
    (["a"], {"a": VoiceFacts()}),
    ({"dad": ["assets/dad.wav"], "mum": ["assets/mum.wav"]}, dict.fromkeys(("dad", "mum"), VoiceFacts())),
    (
        {"models": [{"id": "piper", "sample_rate": 16_000, "language": ["en"], "voices": [{"name": "amy"}]}]},
        {"amy": VoiceFacts(languages=("en",), model="piper", rate=16_000)},
    ),
    ([], {}),
    ({"voices": ["", " a", 7, None, "x" * 201, {"name": None}, "\n"]}, {}),
    ({"voices": [{"name": "a", "language": 5, "gender": "x", "sample_rate": 1}]}, {"a": VoiceFacts()}),
    ("nonsense", {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "voices"), SHAPES, ids=range(len(SHAPES)))
def test_every_shape_of_a_list_is_read(body: Any, voices: Mapping[str, VoiceFacts]) -> None:
    assert read_voices(json.dumps(body).encode()) == voices


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff"])
def test_a_list_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        read_voices(body)


def test_a_list_has_a_limit() -> None:
    assert len(read_voices(json.dumps([str(number) for number in range(6_000)]).encode())) == 5_000


@pytest.mark.parametrize("profile", ["kokoro", "speaches", "vllm-omni", "index-tts-vllm"])
async def test_the_servers_own_voices_are_listed(profile: str) -> None:
    async with at(profile) as (service, engine):
        voices = await engine.voices()
        assert [voice.engine_voice for voice in voices] == list(service.profile.some_voices)
        assert all(voice.languages for voice in voices)


async def test_ids_tell_languages_and_genders_where_the_server_does_not() -> None:
    async with at("kokoro") as (_, engine):
        known = {voice.engine_voice: (voice.language, voice.gender) for voice in await engine.voices()}
        assert known["bf_emma"] == ("en-GB", Gender.FEMALE)
        assert known["zf_xiaobei"] == ("zh-CN", Gender.FEMALE)
        assert known["am_adam"] == ("en-US", Gender.MALE)


async def test_what_the_operator_says_of_a_voice_counts_first() -> None:
    mine = {"language": ["cy-GB"], "gender": "neutral", "description": "Mine.", "model": "kokoro", "rate": 16_000}
    async with at("kokoro", engine={"voices": {"af_heart": mine, "extra": {}}, "language": ["nl"]}) as (_, engine):
        voices = {voice.engine_voice: voice for voice in await engine.voices()}
        heart = voices["af_heart"]
        assert (heart.languages, heart.gender, heart.description) == (("cy-GB",), Gender.NEUTRAL, "Mine.")
        assert voices["extra"].languages == ("nl",)
        assert engine.native_format(how("af_heart")).rate == 16_000


@pytest.mark.parametrize("options", [{"language": ["not one"]}, {"voices": {"a": {"language": ["x"]}}}, {"voices": {"": {}}}])
def test_what_is_no_language_or_no_id_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid, match="expected a"):
        made(profile="kokoro", **options)


async def test_a_voice_that_appears_is_told_by_itself() -> None:
    async with at("kokoro", voices=("af_heart",), engine={"refresh": 1}) as (service, engine):
        assert len(await engine.voices()) == 1
        changed = asyncio.Event()
        engine.on_voices_changed = changed.set
        service.change(voices=("af_heart", "af_sky"))
        async with asyncio.timeout(5):
            await changed.wait()
        assert len(await engine.voices()) == 2


async def test_a_server_that_is_not_there_has_the_voices_that_are_known_without_it() -> None:
    async with made(profile="vllm-omni", url="http://127.0.0.1:9", voices={"mine": {}}) as engine:
        names = [voice.engine_voice for voice in await engine.voices()]
        assert ("vivian" in names, names[-1]) == (True, "mine")
    async with made(profile="kokoro", url="http://127.0.0.1:9") as engine:
        with pytest.raises(EngineUnavailable, match="Kokoro-FastAPI cannot be reached"):
            await engine.voices()


# consent


def test_the_vendors_own_voices_need_nobodys_consent() -> None:
    assert not made().needs_consent("alloy")
    assert made().needs_consent("voice_1234")
    assert made().needs_consent("af_heart")
    assert not made(voices={"house": {}}).needs_consent("house")
    kokoro = made(profile="kokoro")
    assert not kokoro.needs_consent("af_heart")
    assert not kokoro.needs_consent("af_bella(2)+bm_george-jf_alpha")


def test_recordings_of_people_always_do() -> None:
    for profile in ("index-tts-vllm", "gpt-sovits"):
        assert made(profile=profile).needs_consent("dad")
        assert made(profile=profile, voices={"dad": {}}).needs_consent("dad")
        assert not made(profile=profile, voices={"dad": {"consent": True}}).needs_consent("dad")
    assert made(profile="vllm-omni", voices={"mum": {"ref_audio": "mum.wav"}}).needs_consent("mum")


async def test_so_do_voices_that_the_server_does_not_list_or_was_given() -> None:
    async with at("kokoro") as (_, engine):
        await engine.voices()
        assert not engine.needs_consent("am_adam")
        assert engine.needs_consent("somebody")
    voices = Voices(PROFILES["vllm-omni"], {}, ())
    voices.told = read_voices(json.dumps({"voices": ["a", "mum"], "uploaded_voices": [{"name": "mum"}]}).encode())
    assert not voices.needs_consent("a")
    assert voices.needs_consent("mum")


async def test_a_voice_is_not_spoken_before_the_servers_list_has_said_whose_it_is() -> None:
    async with at("kokoro", Fault(kind="error", of="voices", status=503), voices=("somebody", "house")) as (service, engine):
        with pytest.raises(EngineError):  # it was asked as it started, and did not tell
            await engine.voices()
        assert not engine.needs_consent("somebody")  # nobody can tell
        service.change(voices=("house",))
        with pytest.raises(EngineUnavailable, match="before it told its voices; ask again"):
            await hear(engine, utterance=how("somebody"))
        assert not service.spoken
        assert engine.needs_consent("somebody")
        assert (await hear(engine, utterance=how("house"))).audio == spoken(TEXT, 24_000)


# where it is asked


@pytest.mark.parametrize(
    ("profile", "url", "speech"),
    [
        ("openai", None, "https://api.openai.com/v1/audio/speech"),
        ("kokoro", "http://host:8880", "http://host:8880/v1/audio/speech"),
        ("kokoro", "http://host:8880/v1/", "http://host:8880/v1/audio/speech"),
        ("kokoro", "http://host/tts/v1/audio/speech", "http://host/tts/v1/audio/speech"),
        ("openai", "https://a.example/openai/audio/speech?api-version=7", "https://a.example/openai/audio/speech?api-version=7"),
        ("index-tts-vllm", "http://host:6006", "http://host:6006/audio/speech"),
        ("gpt-sovits", "http://host:9880/tts", "http://host:9880/tts"),
        ("gpt-sovits", None, "http://localhost:9880/tts"),
    ],
)
def test_a_url_may_be_a_base_or_the_whole_address(profile: str, url: str | None, speech: str) -> None:
    assert made(profile=profile, url=url)._address.speech == speech  # noqa: SLF001  # what it does with it, a simulator shows


@pytest.mark.parametrize(
    "url", ["host:8880", "ftp://host", "http://", "http://me:secret@host", "http://host/#x", "http://host:x"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="url is an address such as") as raised:
        made(profile="kokoro", url=url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://gpu..local:8880", "http://" + "x" * 64 + ".local"])
def test_a_name_that_no_host_can_have_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="url is an address such as"):
        made(profile="kokoro", url=url)


def test_an_address_goes_over_the_wire_in_ascii() -> None:
    speech = made(profile="kokoro", url="http://Küche.local:8880/stimmen/ä%20b?für=1")._address.speech  # noqa: SLF001  # as above
    assert speech == "http://xn--kche-0ra.local:8880/stimmen/%C3%A4%20b/audio/speech?f%C3%BCr=1"


def test_what_no_header_can_carry_is_refused() -> None:
    with pytest.raises(ConfigError, match="api_key has a character"):
        made(api_key="sk\n1")
    with pytest.raises(ConfigError, match="header 'X-A' has a character"):
        made(headers={"X-A": "é"})


async def test_the_key_is_sent_and_a_header_of_ones_own_goes_before() -> None:
    async with at(engine={"headers": {"user-agent": "mine"}}) as (service, engine):
        await hear(engine)
        headers = service.spoken[0].headers
        assert headers["Authorization"] == f"Bearer {service.key}"
        assert [value for name, value in headers.items() if name.lower() == "user-agent"] == ["mine"]
        assert headers["Accept-Encoding"] == "identity"


def test_engines_with_the_same_key_at_the_same_place_take_turns_together() -> None:
    one, same, other = (made(api_key=key, concurrency=2) for key in ("a", "a", "b"))
    assert one.turns is same.turns
    assert one.turns is not other.turns


async def test_a_password_file_of_the_user_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with at("kokoro", key="sk-simulator") as (_, engine):
        assert await engine.voices()
    async with at("kokoro") as (service, engine):
        assert await engine.voices()
        assert not any("Authorization" in request.headers for request in service.requests)


async def test_a_proxy_that_does_not_answer_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:secret@localhost:1")
    monkeypatch.delenv("no_proxy", raising=False)
    async with made(profile="kokoro", url="http://speech.invalid", first_audio_timeout=10) as engine:
        with pytest.raises(EngineUnavailable, match="the proxy localhost:1 of the environment") as raised:
            await hear(engine, utterance=how("af_heart"))
        assert "secret" not in str(raised.value)


# verify


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("openai", "which has the model gpt-4o-mini-tts"),
        ("kokoro", "which lists 5 voices"),
        ("index-tts-vllm", "which lists 2 voices"),
        ("gpt-sovits", "only speech can tell"),
    ],
)
async def test_a_try_says_what_was_found(profile: str, words: str) -> None:
    async with at(profile) as (service, engine):
        assert words in await engine.verify(VOICES[profile])
        assert not service.spoken


async def test_a_try_tells_what_is_missing() -> None:
    async with at(engine={"model": "mine"}) as (_, engine):
        assert "does not list the model mine" in await engine.verify()
    async with at("kokoro") as (_, engine):
        with pytest.raises(VoiceRefused, match="does not list the voice nobody"):
            await engine.verify("nobody")
    async with at("openai", Fault(kind="answer", of="models", status=200, body=b"<html>")) as (_, engine):
        with pytest.raises(EngineError, match="cannot be read"):
            await engine.verify()
