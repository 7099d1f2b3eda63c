"""The actions: what they take, who may, and what they answer. How something is announced, `announcing/` knows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import probatio
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.core import HassJob, HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import config_validation as cv

from . import chimes
from .announcing.model import Announcement, Mode, Outcome, State
from .announcing.servers import interrupt_session
from .announcing.session import SESSIONS, Sessions
from .announcing.speaking import Speaking
from .announcing.targets import Target, everybody, permission, resolve
from .announcing.wanted import chimeless, raise_failures, wanted
from .const import DOMAIN

ANNOUNCE, INTERRUPT = "announce", "interrupt"
ID_MAX = 128
"""Characters of a session's id."""
TEXT_MAX = 50_000
"""Characters of a message: what a server takes that nobody configured otherwise."""
EXPIRES_MAX = 24 * 3600
RESERVED = ("chime", "share")
"""Options of the server's that are no caller's."""


def _message(value: Any) -> str:
    text: str = cv.string(value).strip()
    if not text:
        msg = "there is nothing to speak: the message is empty"
        raise probatio.Invalid(msg)
    if len(text) > TEXT_MAX:
        msg = f"the message has {len(text)} characters, more than the {TEXT_MAX} that are taken"
        raise probatio.Invalid(msg)
    return text


def _mode(value: Any) -> Mode:
    try:
        return Mode(value)
    except ValueError as error:
        msg = f"{value} is none of {', '.join(Mode)}"
        raise probatio.Invalid(msg) from error


def _chime(value: Any) -> str | None:
    """True: Home Assistant's own; none without. Else a media id, by itself or as a selector tells it."""
    match value:
        case True:
            return chimes.OWN
        case False | None | "none" | "":
            return None
        case str():
            return value
        case {"media_content_id": str(media_id)}:
            return media_id
    msg = "a media id, true or false was expected"
    raise probatio.Invalid(msg)


def _options(value: Any) -> dict[str, Any]:
    told = dict(cv.schema_with_slug_keys(object)(value))
    for name in RESERVED:
        if name in told:
            msg = f"{name} is no option of a voice"
            raise probatio.Invalid(msg)
    return told


SESSION_ID = probatio.All(cv.string, str.strip, probatio.Length(min=1, max=ID_MAX), cv.matches_regex(r"^[^\x00-\x1f\x7f]+$"))
ANNOUNCE_SCHEMA = cv.make_entity_service_schema(
    {
        probatio.Required("message"): _message,
        probatio.Optional("voice"): cv.string,
        probatio.Optional("options", default=dict): _options,
        probatio.Optional("chime", default=None): _chime,
        probatio.Optional("volume"): probatio.All(probatio.Coerce(float), probatio.Range(min=0, max=1)),
        probatio.Optional("mode", default=Mode.QUEUE): _mode,
        probatio.Optional("priority", default=0): probatio.All(probatio.Coerce(int), probatio.Range(min=-100, max=100)),
        probatio.Optional("expires"): probatio.All(probatio.Coerce(float), probatio.Range(min=0, max=EXPIRES_MAX)),
        probatio.Optional("session_id"): SESSION_ID,
        probatio.Optional("wait", default=True): cv.boolean,
    }
)
TARGETS = tuple(str(key) for key in cv.ENTITY_SERVICE_FIELDS)
"""Whoever names none, with one of these, means none: only who says nothing means everything."""
INTERRUPT_SCHEMA = probatio.Schema({**cv.ENTITY_SERVICE_FIELDS, probatio.Optional("session_id"): SESSION_ID})


@callback
def register(hass: HomeAssistant) -> None:
    """Once, however many servers there are."""
    sessions = hass.data[SESSIONS] = Sessions(hass)
    hass.async_add_shutdown_job(HassJob(sessions.end, "end of the announcements"))
    hass.services.async_register(DOMAIN, ANNOUNCE, announce, ANNOUNCE_SCHEMA, SupportsResponse.OPTIONAL)
    hass.services.async_register(DOMAIN, INTERRUPT, interrupt, INTERRUPT_SCHEMA, SupportsResponse.OPTIONAL)


async def announce(call: ServiceCall) -> ServiceResponse:
    """Returns when everybody has heard it, or at once. Cancelled while it waits, it interrupts what it announces."""
    hass, said = call.hass, call.data
    meant = await resolve(hass, said, call.context)
    if not meant.targets:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_targets")
    announcement, problem = await _announcement(hass, said)
    sessions, may = hass.data[SESSIONS], await permission(hass, call.context)
    _check(call, may, (room for room in sessions if _is_meant(room, announcement.session_id, None)))
    told: dict[str, Any] = {"session_id": announcement.session_id}
    if not said["wait"]:
        sessions.begin(announcement, meant.targets, call.context)
        return told
    outcomes = await sessions.announce(announcement, meant.targets, call.context)
    outcomes |= {entity_id: Outcome(state=State.SKIPPED, reason=why) for entity_id, why in meant.skipped.items()}
    if not call.return_response:
        raise_failures(hass, outcomes, problem)
    if problem is not None:
        outcomes = chimeless(hass, outcomes, problem)
    return {**told, "targets": {entity_id: _answer(outcome) for entity_id, outcome in outcomes.items()}}


async def _announcement(hass: HomeAssistant, said: Mapping[str, Any]) -> tuple[Announcement, HomeAssistantError | None]:
    return await wanted(
        hass,
        text=said["message"],
        voice=said.get("voice"),
        options=said["options"],
        chime=said["chime"],
        volume=said.get("volume"),
        mode=said["mode"],
        priority=said["priority"],
        expires=said.get("expires"),
        session_id=said.get("session_id") or secrets.token_hex(16),
    )


def _answer(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state.value,
        "reason": outcome.reason,
        "message": outcome.message,
        "first_audio_ms": outcome.first_audio_ms,
        "duration": outcome.duration,
        "voice": outcome.voice,
    }


async def interrupt(call: ServiceCall) -> ServiceResponse:
    """A session, some targets, a session on some targets, or everything that the caller may control. Raises Unauthorized."""
    hass, session_id = call.hass, call.data.get("session_id")
    may = await permission(hass, call.context)
    targets: Sequence[Target] | None = None
    if any(key in call.data for key in TARGETS):
        targets = (await resolve(hass, call.data, call.context, interrupting=True)).targets
    sessions = hass.data[SESSIONS]
    rooms = [room for room in sessions if _is_meant(room, session_id, targets)]
    if session_id is None and targets is None:
        targets = [one for one in everybody(hass) if _may(may, one)]
        rooms = [room for room in rooms if _may(may, room.target)]
    _check(call, may, rooms)
    if session_id is not None and targets is None and not rooms:
        return {"interrupted": await interrupt_session(hass, session_id, may)}
    replying = targets if session_id is None and targets is not None else ()
    ended = await asyncio.gather(sessions.interrupt(rooms.__contains__), sessions.interrupt_replies(replying, call.context))
    return {"interrupted": sum(ended)}


def _is_meant(room: Speaking, session_id: str | None, targets: Sequence[Target] | None) -> bool:
    """`session_id`: of the announcement, or of the room's part in it on the server."""
    said = room.announcement
    is_there = targets is None or any(one.keys & room.target.keys or one.entity_id == said.speaker for one in targets)
    return is_there and session_id in (None, said.session_id, room.spoken_as)


def _check(call: ServiceCall, may: Callable[[str], bool], rooms: Iterable[Speaking]) -> None:
    """Raises Unauthorized where the caller may not interrupt one of them."""
    for room in rooms:
        if not _may(may, room.target):
            raise Unauthorized(context=call.context, entity_id=room.target.entity_id, permission=POLICY_CONTROL)


def _may(may: Callable[[str], bool], target: Target) -> bool:
    return all(may(entity_id) for entity_id in (target.entity_id, *target.members))
