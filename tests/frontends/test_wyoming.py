"""The Wyoming front end on real sockets: what is asked for is answered, and nothing ends quietly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from wyoming.event import Event

from wyoming_server.models import AudioFormat
from wyoming_server.protocols.wyoming import encode
from wyoming_server.server import Running

from ..serving import TONE, Client, ended, serving, tone, tone_of, until


async def test_describe_tells_one_streaming_program_with_every_voice(client: Client) -> None:
    client.send("describe")
    info = await client.receive()
    assert info is not None
    (program,) = info.data["tts"]
    assert (program["name"], program["installed"], program["supports_synthesize_streaming"]) == ("Herald", True, True)
    assert [(voice["name"], voice["languages"]) for voice in program["voices"]] == [("tone/tone", ["en-US"])]


async def test_describe_is_the_same_every_time(client: Client) -> None:
    client.send("describe")
    client.send("describe")
    assert await client.receive() == await client.receive()


async def test_a_text_is_spoken_at_the_engines_rate(client: Client) -> None:
    heard = await client.say("Ten chars.")
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert heard.format == AudioFormat(rate=22_050)
    assert heard.pcm == tone(10)


async def test_the_first_chunk_is_small_and_later_ones_are_larger(client: Client) -> None:
    heard = await client.say("A" * 250)
    assert heard.pcm == tone(250)
    assert heard.chunks[0] <= AudioFormat(rate=22_050).size(0.04)
    assert max(heard.chunks) == AudioFormat(rate=22_050).size(0.25)


async def test_a_rate_in_the_context_is_the_rate_of_the_reply(client: Client) -> None:
    heard = await client.say("Ten chars.", context={"rate": 16_000})
    assert heard.format == AudioFormat(rate=16_000)
    assert len(heard.pcm) == AudioFormat(rate=16_000).size(0.1)


async def test_the_configured_rate_holds_where_nothing_is_asked(tmp_path: Path) -> None:
    async with serving(tmp_path, rate=48000) as server, await Client.connect(server) as client:
        assert (await client.say("Hello.")).format == AudioFormat(rate=48_000)


async def test_several_texts_on_one_connection_are_spoken_in_order(client: Client) -> None:
    client.send("synthesize", text="A" * 10)
    client.send("synthesize", text="A" * 20)
    assert (await client.heard("audio-stop")).pcm == tone(10)
    assert (await client.heard("audio-stop")).pcm == tone(20)


async def test_streamed_text_is_one_reply_and_its_copy_is_ignored(client: Client) -> None:
    client.stream(["One ", "two three. ", "Four five six."])
    heard = await client.heard("synthesize-stopped")
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert len(heard.pcm) == len(tone(14)) * 2
    assert (await client.say("Ten chars.")).pcm == tone(10)


async def test_speech_begins_while_text_still_comes(client: Client) -> None:
    client.send("synthesize-start")
    client.send("synthesize-chunk", text="The first sentence. And ")
    assert await client.until("audio-chunk") is not None
    client.send("synthesize-chunk", text="the rest.")
    client.send("synthesize-stop")
    assert (await client.heard("synthesize-stopped")).types == ["audio-chunk", "audio-stop", "synthesize-stopped"]


@pytest.mark.parametrize("text", ["", "   ", "...", "😀"])
async def test_text_with_nothing_to_say_is_a_moment_of_silence(client: Client, text: str) -> None:
    heard = await client.say(text)
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert heard.pcm == AudioFormat(rate=22_050).silence(0.02)
    client.stream([text] if text else [])
    assert (await client.heard("synthesize-stopped")).types[-1] == "synthesize-stopped"


async def test_ping_and_describe_are_answered_while_it_speaks(server: Running, client: Client) -> None:
    client.send("synthesize", text="A" * 100, context={"stall_at": 0.5})
    await client.until("audio-chunk")
    client.send("ping", text="are you there")
    client.send("describe")
    pong = await client.until("pong")
    assert pong is not None
    assert pong.data["text"] == "are you there"
    assert await client.until("info") is not None


@pytest.mark.parametrize(
    ("voice", "code"),
    [
        ({"name": "tone/tone"}, None),
        ({"language": "en-US"}, None),
        ({"language": "en"}, None),
        ({"language": "en_US"}, None),
        ({"name": "en-GB"}, None),
        ({"name": "nobody"}, "unknown_voice"),
        ({"language": "fr"}, "unknown_voice"),
        ({"name": "tone/tone", "speaker": "two"}, "unknown_voice"),
        ({"name": 7}, "bad_request"),
        ("tone", "bad_request"),
    ],
)
async def test_voices_are_found_by_name_and_language_or_refused_in_words(client: Client, voice: object, code: str | None) -> None:
    heard = await client.say("Hello.", voice=voice)
    assert (heard.error or {}).get("code") == code
    assert heard.types[-1] == ("error" if code else "audio-stop")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"context": {"rate": 100}}, "bad_setting"),
        ({"context": {"rate": "16000"}}, "bad_setting"),
        ({"context": {"volume": 101}}, "bad_setting"),
        ({"context": {"pitch": 2}}, "bad_setting"),  # the tone takes no pitch
        ({"context": {"frequency": 5}}, "bad_setting"),
        ({"context": {"session_id": "x" * 200}}, "bad_request"),
        ({"voice": {"language": "a-" * 100_000}}, "bad_request"),
        ({"voice": {"name": "a" * 100_000}}, "bad_request"),
        ({"text_format": "a" * 100_000}, "bad_request"),
        ({"context": {"rate": "1" * 100_000}}, "bad_setting"),
        ({"context": {"volume": "1" * 100_000}}, "bad_setting"),
        ({"context": {"emotion": "a" * 100_000}}, "bad_setting"),
        ({"context": {"frequency": "a" * 100_000}}, "bad_setting"),
        ({"context": []}, "bad_request"),
        ({"text_format": "html"}, "bad_request"),
        ({"text_format": "ssml"}, "bad_setting"),
        ({"text": 5}, "bad_request"),
        ({"text": None}, "bad_request"),
    ],
)
async def test_bad_requests_are_refused_in_words_and_closed(client: Client, data: dict[str, object], code: str) -> None:
    client.send("synthesize", **{"text": "Hello.", **data})
    heard = await client.heard()
    assert heard.types == ["error"]
    assert heard.error is not None
    assert heard.error["code"] == code
    assert heard.error["text"].endswith(".")
    assert len(heard.error["text"]) < 500


async def test_volume_is_herald_s_own_where_the_engine_has_none(client: Client) -> None:
    assert not any((await client.say("Hello.", context={"volume": 0})).pcm)
    assert (await client.say("Hello.", context={"volume": 50})).pcm == tone(6)


async def test_context_keys_of_others_are_nobodys_error(client: Client) -> None:
    assert (await client.say("Hello.", context={"conversation": "abc"})).pcm == tone(6)


async def test_an_engine_failure_mid_stream_is_an_error_without_audio_stop(client: Client) -> None:
    client.stream(["A" * 100], context={"fail_at": 0.5, "fail_with": "engine_timeout"})
    heard = await client.heard()
    assert heard.types == ["audio-start", "audio-chunk", "error"]
    assert heard.error is not None
    assert heard.error["code"] == "engine_timeout"


async def test_an_engine_failure_before_audio_is_an_error_alone(client: Client) -> None:
    heard = await client.say("Hello.", context={"fail_at": 0})
    assert heard.types == ["error"]


@pytest.mark.parametrize(
    "script",
    [{"delay": 3600}, {"pace": 1}, {"stall_at": 0.2}],
    ids=["before the first audio", "mid-audio", "stalled"],
)
async def test_a_client_that_leaves_cancels_the_engine(server: Running, script: dict[str, float]) -> None:
    async with await Client.connect(server) as client:
        client.send("synthesize", text="A" * 200, context=script)
        if "delay" in script:
            await ended(tone_of(server), "started")
        else:
            await client.until("audio-chunk")
    await ended(tone_of(server), "cancelled")


async def test_a_client_that_resets_its_connection_cancels_the_engine(server: Running) -> None:
    client = await Client.connect(server)
    client.send("synthesize", text="A" * 200, context={"pace": 1})
    await client.until("audio-chunk")
    client.writer.transport.abort()
    await ended(tone_of(server), "cancelled")


async def test_the_same_session_on_another_connection_interrupts_with_an_error(server: Running, client: Client) -> None:
    client.send("synthesize", text="A" * 200, context={"session_id": "s", "stall_at": 0.5})
    await client.until("audio-chunk")
    async with await Client.connect(server) as other:
        heard = await other.say("Ten chars.", context={"session_id": "s"})
    assert heard.pcm == tone(10)
    first = await client.heard()
    assert first.types[-1] == "error"
    assert first.error is not None
    assert first.error["code"] == "interrupted"
    await ended(tone_of(server), "cancelled")


async def test_the_same_session_on_the_same_connection_goes_on_with_the_new_text(client: Client) -> None:
    client.send("synthesize", text="A" * 200, context={"session_id": "s", "stall_at": 0.5})
    await client.until("audio-chunk")
    client.send("synthesize", text="Ten chars.", context={"session_id": "s"})
    first = await client.heard("error")
    assert first.error is not None
    assert first.error["code"] == "interrupted"
    assert (await client.heard("audio-stop")).pcm == tone(10)


async def test_a_text_still_being_streamed_may_be_replaced_in_its_session(client: Client) -> None:
    client.send("synthesize-start", context={"session_id": "s"})
    client.send("synthesize-chunk", text="One sentence. And half of")
    await client.until("audio-chunk")
    client.stream(["Ten chars."], context={"session_id": "s"})
    first = await client.heard("error")
    assert first.error is not None
    assert first.error["code"] == "interrupted"
    assert (await client.heard("synthesize-stopped")).pcm == tone(10)


async def test_a_client_that_asks_and_never_reads_is_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path, write_timeout=0.1) as server:
        with contextlib.closing(socket.create_connection(_address(server))) as sock:
            sock.setblocking(False)
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(sock, _event("describe") * 100_000)
            await until(lambda: not server.wyoming.clients)


async def test_what_was_sent_of_an_interrupted_reply_ends_in_a_fade(client: Client) -> None:
    client.send("synthesize", text="A" * 200, context={"session_id": "s", "stall_at": 0.515, "frequency": 100})
    await asyncio.sleep(0.1)
    client.send("synthesize", text="B", context={"session_id": "s"})
    heard = await client.heard("error")
    last = int.from_bytes(heard.pcm[-2:], "little", signed=True)
    assert abs(last) < 100


async def test_a_whole_sentence_is_spoken_though_the_writer_pauses_behind_it(client: Client) -> None:
    """A language model says that it will look, and looks for a while."""
    client.send("synthesize-start")
    client.send("synthesize-chunk", text="**Let me look.**")
    assert await client.until("audio-chunk") is not None
    client.send("synthesize-chunk", text=" It is")
    client.send("synthesize-chunk", text=" three.")
    client.send("synthesize-stop")
    assert (await client.heard("synthesize-stopped")).types == ["audio-chunk", "audio-stop", "synthesize-stopped"]


async def test_a_text_stream_left_open_ends_in_words(tmp_path: Path) -> None:
    async with serving(tmp_path, text_timeout=0.05) as server, await Client.connect(server) as client:
        client.send("synthesize-start")
        client.send("synthesize-chunk", text="One sentence. And half of")
        heard = await client.heard()
    assert heard.error is not None
    assert heard.error["code"] == "text_timeout"
    assert heard.pcm[: len(tone(13))] == tone(13)


@pytest.mark.parametrize("in_fragments", [False, True])
async def test_a_text_beyond_the_limit_is_refused_with_both_numbers(tmp_path: Path, *, in_fragments: bool) -> None:
    async with serving(tmp_path, max_text=100) as server, await Client.connect(server) as client:
        if in_fragments:
            client.stream(["A" * 60, "B" * 60])
        else:
            client.send("synthesize", text="A" * 120)
        heard = await client.heard()
    assert heard.error == {"text": "A text of 120 characters; 100 are allowed (wyoming.max_text).", "code": "text_too_long"}


async def test_too_many_requests_in_line_are_refused(client: Client) -> None:
    for _ in range(20):
        client.send("synthesize", text="A", context={"stall_at": 0})
    heard = await client.heard()
    assert heard.error is not None
    assert heard.error["code"] == "busy"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b'{"type": "synthesize", "data_length": 99999999}\n',
        b'{"type": "synthesize", "payload_length": 2000000000}\n' + bytes(1 << 20),
        b'{"type": "synthesize-chunk", "data": {"text": "without a start"}}\n',
        b'{"type": "synthesize-stop"}\n',
        b'{"type": "synthesize-start"}\n{"type": "synthesize-start"}\n',
        b"[]\n",
        b"x" * (2 << 20),
    ],
    ids=["http", "data", "payload", "chunk", "stop", "start", "list", "endless header"],
)
async def test_what_is_not_the_protocol_gets_an_error_and_a_close(client: Client, data: bytes) -> None:
    client.writer.write(data)
    heard = await client.heard()
    assert heard.types[-1] == "error"
    assert heard.error is not None
    assert heard.error["code"] in ("protocol", "too_large")


async def test_an_unknown_event_is_ignored(client: Client) -> None:
    client.send("user-event", name="x")
    assert (await client.say("Ten chars.")).pcm == tone(10)


async def test_a_client_may_leave_in_the_middle_of_an_event(server: Running) -> None:
    async with await Client.connect(server) as client:
        client.writer.write(b'{"type": "synthesize", "data_length": 50}\n{"te')
        await client.writer.drain()
    async with await Client.connect(server) as client:
        assert (await client.say("Ten chars.")).pcm == tone(10)


async def test_connections_beyond_the_limit_are_told_so(tmp_path: Path) -> None:
    async with serving(tmp_path, max_connections=1) as server, await Client.connect(server) as first:
        await first.say("Hello.")
        async with await Client.connect(server) as second:
            heard = await second.heard()
        assert heard.error is not None
        assert heard.error["code"] == "busy"
        assert (await first.say("Ten chars.")).pcm == tone(10)


async def test_an_address_outside_the_allowed_networks_is_told_so(tmp_path: Path) -> None:
    yaml = TONE.replace("wyoming: {", "wyoming: {allow: [192.0.2.0/24], ")
    async with serving(tmp_path, yaml) as server, await Client.connect(server) as client:
        heard = await client.heard()
    assert heard.error is not None
    assert heard.error["code"] == "access_denied"


async def test_a_unix_socket_serves_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "herald.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as stale:
        stale.bind(str(path))  # as a server that was killed leaves it
    yaml = TONE.replace("tcp://127.0.0.1:0", f"unix://{path}")
    async with serving(tmp_path, yaml) as server, await Client.connect(server) as client:
        assert (await client.say("Ten chars.")).pcm == tone(10)
    assert not path.exists()


async def test_a_listener_that_stops_reading_is_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path, write_timeout=0.1, max_text=1_000_000) as server:
        with contextlib.closing(socket.create_connection(_address(server))) as sock:
            for _ in range(4):
                sock.sendall(_event("synthesize", text="A" * 200_000))
            await ended(tone_of(server), "cancelled", within=10)


async def test_a_shutdown_interrupts_what_does_not_end_by_itself(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        client = await Client.connect(server)
        client.send("synthesize", text="A" * 200, context={"stall_at": 0.5})
        await client.until("audio-chunk")
        async with asyncio.timeout(5):
            await stack.aclose()
    heard = await client.heard()
    assert heard.error is not None
    assert heard.error["code"] == "shutting_down"
    client.writer.close()


def _address(server: Running) -> tuple[str, int]:
    host, _, port = server.wyoming.uris[0].removeprefix("tcp://").rpartition(":")
    return host, int(port)


def _event(event_type: str, **data: object) -> bytes:
    return encode(Event(event_type, data))
