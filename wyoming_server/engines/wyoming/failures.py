"""What a server's `error` means, to the command line as Herald's own, and to the engine as one of an engine's."""

from __future__ import annotations

from wyoming.event import Event

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    Unspeakable,
    VoiceRefused,
)
from ...upstream.attempts import Failed
from ...upstream.failures import Asked, Row, Said, explained
from .offer import visible

CODE_MAX = 100
"""Characters of a code that are shown."""

ROWS = (
    Row(codes=("busy", "engine_busy"), error=EngineBusy, says="The server has too much to do just now.", retries=2),
    Row(
        codes=("shutting_down", "engine_unavailable"),
        error=EngineUnavailable,
        says="The server, or what speaks behind it, is not available just now.",
        retries=2,
    ),
    Row(
        codes=("engine_timeout", "text_timeout"),
        error=EngineTimeout,
        says="What speaks behind the server, or the text, did not come in time.",
    ),
    Row(
        codes=("unknown_voice", "voice_refused", "VoiceNotFoundError"),
        error=VoiceRefused,
        says="The server does not offer the voice {voice}.",
    ),
    Row(codes=("unspeakable",), error=Unspeakable, says="The server finds nothing to speak in this text."),
    Row(codes=("quota_exceeded",), error=QuotaExceeded, says="What the server's account may use is used up."),
    Row(
        codes=("credentials_refused",),
        error=CredentialsRefused,
        says="The service behind the server does not accept the server's credentials.",
    ),
    Row(
        codes=("access_denied", "token_required"),
        error=EngineUnavailable,
        says="The server does not let this machine in: allow its address there (Herald: wyoming.allow).",
    ),
    Row(codes=("consent_required",), error=VoiceRefused, says="The server wants to be told, there, that the speaker agreed."),
    Row(error=EngineError, says="The server failed; see its own words."),
)
"""Codes are Herald's own, for one Herald behind another. Other servers tell none, or the name of an exception."""


def told(event: Event, asked: Asked, sent: str = "") -> Failed:
    """An `error` event of a server that was `sent` a text, which it may repeat."""
    code, text = event.data.get("code"), event.data.get("text")
    return explained(
        ROWS, Said(codes=(visible(code, CODE_MAX),), message=text if isinstance(text, str) else "", sent=sent), asked
    )


def told_error(code: object, text: object) -> HeraldError:
    """An error that a server told, as what it is."""
    kind = _KINDS.get(code, EngineError) if isinstance(code, str) else EngineError
    return kind(text if isinstance(text, str) else None)


def _kinds(root: type[HeraldError]) -> dict[str, type[HeraldError]]:
    """Error classes by code, those below `root` included."""
    below = [kind for child in root.__subclasses__() if child.__module__ == root.__module__ for kind in _kinds(child).values()]
    return {kind.code: kind for kind in (root, *below)}


_KINDS = _kinds(HeraldError)
