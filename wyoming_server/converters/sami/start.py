"""The beginning of a task: a token, a connection, StartTask answered. Tried again here, and nowhere else: no speech was sent."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from time import monotonic

from ...errors import CredentialsRefused, ProtocolError, TooLarge
from ...protocols.sami import AUDIO_MAX, Account, Audio, Event, Start, Task
from ...upstream.attempts import JITTER, PAUSE, Failed
from ...upstream.failures import Asked, Late, broken, late, lost
from ...upstream.websocket import Lost
from . import failures
from .access import Access
from .line import Line, Lines
from .tokens import Tokens
from .window import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What all conversions of one converter share."""

    access: Access
    tokens: Tokens
    lines: Lines
    limits: Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A task that the service waits for."""

    line: Line
    account: Account
    asked: Asked
    audio: bytes
    """That came with the answer."""


async def begin(task: Task, service: Service, asked: Asked) -> Begun:
    """Raises HeraldError."""
    tries, left = 0, service.limits.begin
    while True:
        began = monotonic()
        try:
            account = Account(appkey=service.access.appkey, token=await service.tokens.token(asked))
            began = monotonic()
            return await _in_time(task, account, service, left, asked)
        except Failed as failed:
            pause = PAUSE * 2**tries * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
            left -= monotonic() - began + pause
            if tries >= failed.retries or left <= 0:
                raise failed.error from failed
        await asyncio.sleep(pause)
        tries += 1


async def _in_time(task: Task, account: Account, service: Service, left: float, asked: Asked) -> Begun:
    """One attempt, within the `left` seconds. Raises Failed."""
    line = None
    try:
        async with asyncio.timeout(left):
            line = await service.lines.open(account.token, asked)
            return await _started(line, task, account, asked)
    except TimeoutError:
        _leave(line, service)
        raise late(Late.CONNECT if line is None else Late.START, service.limits.begin, asked) from None
    except Failed as failed:
        _leave(line, service)
        if isinstance(failed.error, CredentialsRefused) and service.tokens.refused(account.token):
            raise Failed(failed.error, retries=1) from failed
        raise
    except BaseException:
        _leave(line, service)
        raise


def _leave(line: Line | None, service: Service) -> None:
    if line is not None:
        service.lines.leave(line)


async def _started(line: Line, task: Task, account: Account, asked: Asked) -> Begun:
    """Once the service has said so. Raises Failed."""
    audio = bytearray()
    try:
        await line.send(Start(account=account, task=task))
        while True:
            message = await line.receive()
            audio += message.data
            _check(len(audio))
            if isinstance(message, Audio):
                continue
            asked = replace(asked, task_id=message.task_id or asked.task_id)
            if message.failed:
                raise failures.failed(message, asked, token=account.token)
            if message.event is Event.STARTED:
                return Begun(line=line, account=account, asked=asked, audio=bytes(audio))
    except Lost as error:
        raise lost(error, asked) from error
    except (ProtocolError, TooLarge) as error:
        raise broken(error, asked) from error


def _check(size: int) -> None:
    if size > AUDIO_MAX:
        msg = f"{size} bytes of audio before the task began; {AUDIO_MAX} are allowed."
        raise TooLarge(msg)
