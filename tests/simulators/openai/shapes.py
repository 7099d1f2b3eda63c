"""How each kind of server words an error, its voices and its models: a status and a JSON body each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .fields import Problem

Told = tuple[int, Any]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The errors of one kind of server."""

    invalid: Callable[[Sequence[Problem]], Told]
    """Fields that are wrong."""
    voice: Callable[[str, Sequence[str]], Told]
    """A voice that it does not have, and those that it has."""
    model: Callable[[str], Told]
    key: Callable[[str], Told]
    """A key that is wrong; empty: none came."""
    failed: Callable[[int, str], Told]
    """A status of its own, with a sentence."""
    nowhere: Callable[[str, str], Told]
    """Method and path that it does not have."""


def texts(problems: Sequence[Problem]) -> str:
    return "; ".join(f"{problem.name}: {problem.text}" for problem in problems)


def _starlette_nowhere(method: str, path: str) -> Told:
    return 404, {"detail": "Not Found"}


# OpenAI


def _openai(status: int, message: str, kind: str = "invalid_request_error", param: str | None = None, code: Any = None) -> Told:
    return status, {"error": {"message": message, "type": kind, "param": param, "code": code}}


OPENAI = Shape(
    # that is what it says of a voice that a model does not have, too
    invalid=lambda problems: _openai(400, str([problem.as_pydantic() for problem in problems])),
    voice=lambda voice, voices: _openai(
        400, str([{"type": "enum", "loc": ("body", "voice"), "msg": f"Input should be {', '.join(map(repr, voices))}"}])
    ),
    model=lambda model: _openai(
        404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
    ),
    key=lambda key: (
        _openai(401, f"Incorrect API key provided: {key[:3]}***.", code="invalid_api_key")
        if key
        else _openai(401, "You didn't provide an API key.")
    ),
    failed=lambda status, message: _openai(
        status,
        message,
        {429: "requests", 400: "invalid_request_error"}.get(status, "server_error"),
        code={429: "rate_limit_exceeded"}.get(status),
    ),
    nowhere=lambda method, path: _openai(404, f"Invalid URL ({method} {path})"),
)

# Kokoro-FastAPI


def _kokoro(status: int, error: str, message: str) -> Told:
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return status, {"detail": {"error": error, "message": message, "type": kind}}


def _fastapi_invalid(problems: Sequence[Problem]) -> Told:
    return 422, {"detail": [problem.as_pydantic() for problem in problems]}


KOKORO = Shape(
    invalid=_fastapi_invalid,
    voice=lambda voice, voices: _kokoro(
        400, "validation_error", f"Voice '{voice}' not found. Available voices: {', '.join(sorted(voices))}"
    ),
    model=lambda model: _kokoro(400, "invalid_model", f"Unsupported model: {model}"),
    key=lambda key: (401, {"detail": "Unauthorized"}),
    failed=lambda status, message: _kokoro(status, "processing_error", message),
    nowhere=_starlette_nowhere,
)

# speaches

SPEACHES = Shape(
    invalid=_fastapi_invalid,
    voice=lambda voice, voices: (422, {"detail": f"Voice '{voice}' is not supported. Supported voices: {list(voices)}"}),
    model=lambda model: (404, {"detail": f"Model '{model}' is not installed locally."}),
    key=lambda key: (403, {"detail": "Invalid API key" if key else "Not authenticated"}),
    failed=lambda status, message: (status, {"detail": message}),
    nowhere=_starlette_nowhere,
)

# vLLM-Omni


def _vllm(status: int, message: str, param: str | None = None) -> Told:
    kinds: Mapping[int, str] = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}
    return status, {"error": {"message": message, "type": kinds.get(status, "Error"), "param": param, "code": status}}


VLLM = Shape(
    invalid=lambda problems: _vllm(400, texts(problems), problems[0].name),
    voice=lambda voice, voices: _vllm(400, f"Invalid speaker '{voice}'. Supported: {', '.join(voices)}"),
    model=lambda model: _vllm(404, f"The model `{model}` does not exist.", "model"),
    key=lambda key: (401, {"error": "Unauthorized"}),
    failed=_vllm,
    nowhere=_starlette_nowhere,
)

# index-tts-vllm


def _index(status: int, error: str) -> Told:
    return status, {"status": "error", "error": error}


INDEX_TTS = Shape(
    invalid=lambda problems: _index(500, f"Traceback (most recent call last):\nKeyError: {texts(problems)!r}\n"),
    voice=lambda voice, voices: _index(404, f"Voice '{voice}' not found"),
    model=lambda model: _index(404, f"Model '{model}' not found"),
    key=lambda key: _index(401, "Unauthorized"),
    failed=_index,
    nowhere=_starlette_nowhere,
)

# GPT-SoVITS


def _sovits_invalid(problems: Sequence[Problem]) -> Told:
    first = problems[0]
    messages = {"missing": f"{first.name} is required", "choice": f"{first.name}: {first.value} is not supported"}
    return (400, {"message": messages[first.what]}) if first.what in messages else _fastapi_invalid(problems)


def _sovits(status: int, message: str) -> Told:
    return status, {"message": "tts failed", "Exception": message}


GPT_SOVITS = Shape(
    invalid=_sovits_invalid,
    voice=lambda voice, voices: _sovits(400, f"{voice} not exists"),
    model=lambda model: _sovits(400, f"{model} not exists"),
    key=lambda key: (401, {"detail": "Not authenticated"}),
    failed=_sovits,
    nowhere=_starlette_nowhere,
)

# Voices

PERSONS: Mapping[str, tuple[str, str]] = {
    "a": ("en-us", "American English"),
    "b": ("en-gb", "British English"),
    "z": ("zh", "Mandarin Chinese"),
}
"""Languages by the first letter of Kokoro's voices."""


def objects(voices: Sequence[str]) -> Any:
    return {"voices": [{"id": voice, "name": voice} for voice in voices]}


def persons(voices: Sequence[str]) -> Any:
    """With language and gender, as the letters before the `_` tell them."""
    return {
        "voices": [
            {
                "name": voice,
                "language": PERSONS.get(voice[:1], ("en-us",))[0],
                "gender": "male" if voice[1:2] == "m" else "female",
                "id": voice,
            }
            for voice in voices
        ],
        "object": "list",
    }


def names(voices: Sequence[str]) -> Any:
    return {"voices": list(voices), "uploaded_voices": []}


def prompts(voices: Sequence[str]) -> Any:
    """By name: the files of each."""
    return {voice: [f"assets/{voice}.wav"] for voice in voices}


def models(ids: Sequence[str]) -> Any:
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1686935002, "owned_by": "x"} for name in ids]}
