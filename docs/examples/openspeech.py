"""OpenSpeech's API v1 by hand: one text with both operations, `submit` into test_submit.mp3 and `query` into test_query.mp3.

No engine and no server of Herald's, only its codec. README.md beside this file says how to run it, and how `herald say` does it.
"""
# ruff: noqa: INP001, T201  # a script that people run, not a part of a package

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from wyoming_server.errors import HeraldError
from wyoming_server.protocols.openspeech_frame import Failure
from wyoming_server.protocols.openspeech_v1 import Audio, decode_server, encode_request

APPID = os.environ.get("OPENSPEECH_APPID", "")
TOKEN = os.environ.get("OPENSPEECH_TOKEN", "")
CLUSTER = os.environ.get("OPENSPEECH_CLUSTER") or "volcano_tts"
VOICE_TYPE = os.environ.get("OPENSPEECH_VOICE_TYPE") or "zh_female_wanwanxiaohe_moon_bigtts"
HOST = os.environ.get("OPENSPEECH_HOST") or "openspeech.bytedance.com"

TEXT = "字节跳动语音合成。"
MESSAGE_MAX = 16 << 20
"""Bytes of one message: `query` puts the whole audio into one."""
SILENCE_MAX = 30
"""Seconds in which a message must come."""


class Failed(Exception):
    """What to tell the user, in a sentence."""


async def main() -> None:
    if not APPID or not TOKEN:
        msg = "set OPENSPEECH_APPID and OPENSPEECH_TOKEN: app id and access token of your application in the vendor's console"
        raise Failed(msg)
    for operation in ("submit", "query"):
        path = Path(f"test_{operation}.mp3")
        print(f"{operation}: {await save(operation, path)} bytes in {path}")


async def save(operation: str, path: Path) -> int:
    """One operation into one file, which is opened when the first audio is there. Its size in bytes."""
    size = 0
    async with aclosing(speech(operation)) as pieces:
        first = await anext(pieces, b"")
        with path.open("wb") as file:
            size += file.write(first)
            async for piece in pieces:
                size += file.write(piece)
    return size


async def speech(operation: str) -> AsyncGenerator[bytes, None]:
    """The MP3 bytes as they come."""
    base = HOST if "://" in HOST else f"wss://{HOST}"
    headers = {"Authorization": f"Bearer; {TOKEN}"}
    url = f"{base.rstrip('/')}/api/v1/tts/ws_binary"
    async with connect(url, additional_headers=headers, ping_interval=None, max_size=MESSAGE_MAX) as socket:
        await socket.send(encode_request(request(operation)))
        while True:
            async with asyncio.timeout(SILENCE_MAX):
                message = decode_server(await socket.recv())
            if isinstance(message, Failure):
                msg = f"the service refused it with the code {message.code}: {message.message}"
                raise Failed(msg)
            if isinstance(message, Audio):
                if message.data:
                    yield message.data
                if message.last:
                    return


def request(operation: str) -> dict[str, object]:
    """A request id of its own each time: the service takes none twice."""
    return {
        "app": {"appid": APPID, "token": TOKEN, "cluster": CLUSTER},
        "user": {"uid": "herald-example"},
        "audio": {"voice_type": VOICE_TYPE, "encoding": "mp3", "speed_ratio": 1.0, "volume_ratio": 1.0, "pitch_ratio": 1.0},
        "request": {"reqid": str(uuid.uuid4()), "text": TEXT, "text_type": "plain", "operation": operation},
    }


def told(error: Exception) -> str:
    """One line without a credential, whatever a server put into its words."""
    words = str(error) or f"nothing came for {SILENCE_MAX} s"
    for secret in filter(None, (TOKEN, APPID)):
        words = words.replace(secret, "…")
    return " ".join(words.split()).rstrip(".")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Failed, HeraldError, WebSocketException, OSError, TimeoutError) as error:
        print(f"openspeech: {told(error)}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
