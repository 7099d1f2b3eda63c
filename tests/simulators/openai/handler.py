"""Requests as they come: judged as the profile's server would, and answered. How audio is written stands in `answers`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from ..common.faults import Over
from .answers import Answer, as_bytes, drop, reset
from .faults import Endpoint, Fault
from .fields import Field, problems
from .journal import Request
from .shapes import Told, models
from .sound import pieces, spoken, wav_header
from .world import World

HALF_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audi"


class Handler:
    """Of all paths."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._profile = world.profile
        self._connections: WeakKeyDictionary[asyncio.Transport, int] = WeakKeyDictionary()
        self._connected = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        entry = await self._enter(request)
        try:
            return await self._answer(request, entry)
        except asyncio.CancelledError:
            self._world.journal.add("gone", entry)
            raise

    async def _enter(self, request: web.Request) -> Request:
        raw = await request.read()
        body = queried(request.query, self._profile.fields) if request.method == "GET" else loaded(raw)
        entry = Request(
            number=len(self._world.journal.requests) + 1,
            connection=self._connection(request),
            method=request.method,
            path=request.path_qs,
            headers=request.headers.copy(),
            body=body,
            text=str(body.get(self._profile.text, "")) if isinstance(body, dict) else "",
        )
        self._world.journal.begin(entry)
        return entry

    def _connection(self, request: web.Request) -> int:
        if request.transport is None:
            return 0
        if request.transport not in self._connections:
            self._connected += 1
            self._connections[request.transport] = self._connected
        return self._connections[request.transport]

    async def _answer(self, request: web.Request, entry: Request) -> web.StreamResponse:
        endpoint = self._endpoint(request)
        if endpoint is None:
            return await self._tell(request, entry, self._profile.shape.nowhere(request.method, request.path))
        headers: dict[str, str] = {}
        if (instead := await self._strike(request, entry, endpoint, headers)) is not None:
            return instead
        await asyncio.sleep(self._world.options.latency)
        if (refusal := self._without_key(request)) is not None:
            return await self._refuse(request, entry, refusal)
        if endpoint == "speech":
            return await self._speak(request, entry, headers)
        world = self._world
        told = models(world.models) if endpoint == "models" else self._profile.list_voices(world.voices)
        return await self._tell(request, entry, (200, told), headers)

    def _endpoint(self, request: web.Request) -> Endpoint | None:
        profile = self._profile
        paths: Mapping[str | None, tuple[Endpoint, tuple[str, ...]]] = {
            profile.speech: ("speech", profile.methods),
            profile.voices: ("voices", ("GET",)),
            profile.models: ("models", ("GET",)),
        }
        endpoint, methods = paths.get(request.path.removeprefix(profile.base), (None, ()))
        return endpoint if request.path.startswith(profile.base) and request.method in methods else None

    def _without_key(self, request: web.Request) -> Told | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if not self._world.key or (scheme, key) == ("Bearer", self._world.key):
            return None
        return self._profile.shape.key(key)

    # faults before there is an answer

    async def _strike(
        self, request: web.Request, entry: Request, endpoint: Endpoint, headers: dict[str, str]
    ) -> web.StreamResponse | None:
        """What is answered instead. `headers` gets those that the usual answer has instead of its own."""
        while (fault := self._world.faults.take("request", of=endpoint, text=entry.text)) is not None:
            if fault.kind == "error":
                told = self._profile.shape.failed(fault.status, fault.message)
                return await self._tell(request, entry, told, fault.headers)
            if fault.kind == "answer":
                return await self._send(request, entry, made_up(fault))
            if fault.kind == "mislabel":
                headers.update(fault.headers)
            elif await self._broke(request, fault):
                self._world.journal.add("broken", entry)
                return web.Response()  # nobody gets it
        return None

    async def _broke(self, request: web.Request, fault: Fault) -> bool:
        if fault.kind == "half head" and request.transport is not None:
            request.transport.write(HALF_HEAD)
        if fault.kind in {"stall", "half head"}:
            await self._world.faults.stalled(fault.seconds)
        if fault.kind == "reset":
            reset(request)
        if fault.kind in {"half head", "drop"}:
            drop(request)
        return fault.kind != "stall"

    # speech

    async def _speak(self, request: web.Request, entry: Request, headers: Mapping[str, str]) -> web.StreamResponse:
        profile, body, whole = self._profile, entry.body, self._world.options.whole
        if (refusal := self._judged(body)) is not None:
            return await self._refuse(request, entry, refusal)
        streams = profile.streams(body) if whole is None else not whole
        voice = body.get(profile.voice)
        voice = voice.get("id") if isinstance(voice, dict) else voice
        if voice is not None and voice not in self._world.voices:
            told = profile.shape.voice(voice, self._world.voices)
            if not (profile.late_voice and streams):
                return await self._refuse(request, entry, told)
            entry.refused = json.dumps(told[1])
            self._world.faults.waiting.insert(0, Fault(kind="drop", on="headers"))
        return await self._deliver(request, entry, headers, streams=streams)

    def _judged(self, body: Any) -> Told | None:
        """What is wrong with a request, but for the voice."""
        shape = self._profile.shape
        if found := problems(body, self._profile.fields, self._world.options.extra_fields):
            return shape.invalid(found)
        model = body.get("model")
        if model is not None and self._world.models and model not in self._world.models:
            return shape.model(model)
        if not body[self._profile.text].strip():
            return shape.failed(400, "Input text cannot be empty")
        wrong = self._profile.own_rule(body)
        return shape.failed(400, wrong) if wrong else None

    async def _deliver(
        self, request: web.Request, entry: Request, headers: Mapping[str, str], *, streams: bool
    ) -> web.StreamResponse:
        profile, body, options = self._profile, entry.body, self._world.options
        kind = profile.usual_format if profile.ignores_format else body.get(profile.format) or profile.usual_format
        rate = options.rate or body.get("sample_rate") or profile.rate
        audio = spoken(entry.text, rate, 1.0 if profile.ignores_format else body.get(profile.speed) or 1.0)
        says = (options.wav_size or profile.wav_size) if streams else "true"
        head = wav_header(rate, len(audio), says, ffmpeg=profile.ffmpeg) if kind == "wav" else b""
        parts = pieces(audio, rate, options.piece, kind)
        events = profile.events(body)
        response = web.StreamResponse(headers={"Content-Type": profile.media_types[kind], **headers})
        if events:
            response.content_type = "text/event-stream"
        if not streams:
            made = list(parts)
            parts = iter(made)
            response.content_length = len(head) + sum(len(part.data) for part in made)
        self._prepare(response, entry)
        return await self._written(Answer(self._world, entry, request, response, events=events).run(head, parts), entry, response)

    # answers

    async def _refuse(self, request: web.Request, entry: Request, told: Told) -> web.StreamResponse:
        entry.refused = json.dumps(told[1])
        return await self._tell(request, entry, told)

    async def _tell(
        self, request: web.Request, entry: Request, told: Told, headers: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        status, body = told
        kinds = {"Content-Type": "application/json", **(headers or {})}
        return await self._send(request, entry, web.Response(status=status, headers=kinds, body=json.dumps(body).encode()))

    async def _send(self, request: web.Request, entry: Request, response: web.Response) -> web.StreamResponse:
        async def write() -> None:
            self._world.journal.add("answered", entry)
            await response.prepare(request)
            await response.write_eof()

        self._prepare(response, entry)
        return await self._written(write(), entry, response)

    def _prepare(self, response: web.StreamResponse, entry: Request) -> None:
        entry.status = response.status
        if not self._world.options.keep_alive:
            response.force_close()

    async def _written(
        self, writing: Coroutine[Any, Any, None], entry: Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        try:
            await writing
            self._world.journal.add("ended", entry)
        except Over:
            self._world.journal.add("broken", entry)
        except ConnectionError:
            self._world.journal.add("gone", entry)
        return response


def made_up(fault: Fault) -> web.Response:
    kinds = {"Content-Type": "application/json"} if isinstance(fault.body, Mapping) else {}
    return web.Response(status=fault.status, headers={**kinds, **fault.headers}, body=as_bytes(fault.body))


def loaded(raw: bytes) -> Any:
    """JSON; or as it came."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def queried(query: Mapping[str, str], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The fields of a GET, those that are no texts as JSON."""
    is_text = {name: name not in fields or "string" in fields[name].types for name in query}
    return {name: value if is_text[name] else loaded(value.encode()) for name, value in query.items()}
