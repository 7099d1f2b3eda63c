"""Chimes: stored, known again, heard before a reply, forgotten; and what is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from wyoming_server.audio.wav import wav_header
from wyoming_server.engines.tone import sine
from wyoming_server.models import AudioFormat
from wyoming_server.synthesis.chimes import SIZE_MAX

from .serving import TEXT, Served, served

FORMAT = AudioFormat(rate=22_050)
CHIME = wav_header(FORMAT, data_size=FORMAT.size(0.5)) + sine(22_050, 880, 0, FORMAT.size(0.5))
DIGEST = sha256(CHIME).hexdigest()
PATH = f"/api/chimes/{DIGEST}"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as all_of_it:
        yield all_of_it


async def test_a_chime_is_stored_found_and_forgotten(server: Served) -> None:
    assert await server.api.get("/api/chimes") == {"chimes": [], "max": 32}
    described = {"sha256": DIGEST, "seconds": 0.5, "rate": 22_050, "channels": 1}
    new, known = (
        await server.api.ask("PUT", PATH, CHIME),
        await server.api.ask("PUT", PATH.upper().replace("/API/CHIMES", "/api/chimes"), CHIME),
    )
    assert (new.status, new.json) == (201, described)
    assert (known.status, known.json) == (200, described)
    assert (await server.api.get("/api/chimes"))["chimes"] == [described]
    assert await server.api.get(PATH) == described
    assert await server.api.delete(PATH) == described
    assert (await server.api.refused("GET", PATH))[:2] == (404, "unknown_chime")
    assert (await server.api.refused("DELETE", PATH))[:2] == (404, "unknown_chime")


async def test_chimes_that_come_and_go_are_told(server: Served) -> None:
    async with server.api.events() as events:
        await server.api.put(PATH, CHIME)
        assert (await events.until("chimes")).data == {}
        await server.api.put(PATH, CHIME)  # known: nothing has changed
        await server.api.delete(PATH)
        assert await events.names("chimes") == ["chimes"]


async def test_a_chime_is_heard_before_the_reply_that_asks_for_it(server: Served) -> None:
    await server.api.put(PATH, CHIME)
    plain = await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "format": "pcm"})
    with_chime = await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "format": "pcm", "chime": DIGEST})
    assert FORMAT.seconds(len(with_chime.body) - len(plain.body)) == pytest.approx(0.5, abs=0.01)


async def test_a_reply_with_a_chime_that_is_not_there_is_refused(server: Served) -> None:
    answer = await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "chime": DIGEST})
    assert (answer.status, answer.code) == (404, "unknown_chime")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (CHIME[:-1], 400, "bad_request"),
        (b"", 400, "bad_request"),
        (b"x" * (SIZE_MAX + 1), 413, "too_large"),
    ],
    ids=["another", "none", "too large"],
)
async def test_another_file_than_was_named_is_refused(server: Served, body: bytes, status: int, code: str) -> None:
    assert (await server.api.refused("PUT", PATH, body))[:2] == (status, code)


async def test_what_cannot_be_decoded_is_no_chime(server: Served) -> None:
    noise = b"This is no audio."
    assert (await server.api.refused("PUT", f"/api/chimes/{sha256(noise).hexdigest()}", noise))[:2] == (400, "protocol")
    assert await server.api.get("/api/chimes") == {"chimes": [], "max": 32}


async def test_a_name_that_is_no_digest_leads_nowhere(server: Served) -> None:
    for name in ("x", "..", "%2E%2E", "%00"):
        assert (await server.api.refused("GET", f"/api/chimes/{name}"))[1] == "unknown_chime"
        assert (await server.api.refused("PUT", f"/api/chimes/{name}", CHIME))[1] == "bad_request"
