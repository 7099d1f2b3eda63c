"""The cache from outside: how much is kept, how often it was heard, and that it can be forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ...serving import TONE, until
from .serving import Served, served

KEPT = TONE.replace("cache: {enabled: false}", "cache: {enabled: true, size: 2}")
TEXT = "There is somebody at the door."


async def said(server: Served, text: str = TEXT, **fields: object) -> None:
    await server.api.ask("POST", "/api/tts/stream", {"text": text, "format": "pcm", **fields})
    store = server.server.speech.cache
    if store is not None:
        await store.written()


async def test_what_is_kept_is_counted_and_can_be_forgotten(tmp_path: Path) -> None:
    async with served(tmp_path, KEPT) as server:
        for _ in range(3):
            await said(server)
        await said(server, cache=False)
        await said(server, options={"cache": False})
        told = await server.api.get("/api/cache")
        assert told.pop("bytes") > 0
        nothing = {"evicted": 0, "damaged": 0, "failures": 0, "shared": 0}
        assert told == {"enabled": True, "limit": 2 << 20, "entries": 1, "hits": 2, "misses": 1, "stored": 1, **nothing}
        assert await server.api.delete("/api/cache?voice=nobody") == {"removed": 0}
        assert await server.api.delete("/api/cache?engine=tone") == {"removed": 1}
        assert (await server.api.get("/api/cache"))["entries"] == 0
        await said(server)
        assert (await server.api.get("/api/cache"))["misses"] == 2


async def test_prometheus_reads_the_same(tmp_path: Path) -> None:
    async with served(tmp_path, KEPT) as server:
        for _ in range(2):
            await said(server)
        told = (await server.api.ask("GET", "/metrics")).body.decode().splitlines()
    for line in (
        'herald_cache_requests_total{result="hit"} 1.0',
        'herald_cache_requests_total{result="miss"} 1.0',
        "herald_cache_stored_total 1.0",
        "herald_cache_entries 1.0",
        "herald_cache_limit_bytes 2.097152e+06",
    ):
        assert line in told


async def test_a_cache_that_is_off_is_empty(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await said(server)
        told = await server.api.get("/api/cache")
        assert told.pop("enabled") is False
        assert set(told.values()) == {0}
        assert await server.api.delete("/api/cache") == {"removed": 0}
    assert not (tmp_path / "cache").exists()


async def test_what_cannot_be_forgotten_is_told_in_words(tmp_path: Path) -> None:
    async with served(tmp_path, KEPT) as server:
        await said(server)
        await until((tmp_path / "cache").exists)
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "cache").write_text("a file, where a folder should be")
        status, code, words = await server.api.refused("DELETE", "/api/cache")
        assert (status, code) == (422, "config")
        assert words.startswith("The audio cache in ")
        assert (await server.api.ask("POST", "/api/tts/stream", {"text": TEXT})).status == 200


@pytest.mark.parametrize("query", ["?vioce=x", "?voice=a&voice=b"])
async def test_what_is_asked_wrongly_forgets_nothing(tmp_path: Path, query: str) -> None:
    async with served(tmp_path, KEPT) as server:
        assert (await server.api.refused("DELETE", f"/api/cache{query}"))[:2] == (400, "bad_setting")
