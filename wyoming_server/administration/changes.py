"""One change at a time: everything that is new is read, checked and started first, and then true at one moment, or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, TypeAlias, TypeVar

from ..config import Config
from ..errors import BadSetting, Busy, ConfigError, HeraldError, ReadOnly
from ..monitoring.hub import Topic
from ..monitoring.monitor import Monitor
from ..monitoring.states import Kind
from ..speech import Speech
from ..state.credentials import CredentialStore, Stored
from ..state.tokens import HeldToken, PairingToken
from . import kinds
from .differences import changed, unapplied, with_service, without_restart, without_unused
from .services import ServiceStatus, nobody, status
from .trials import Trials, Verdict
from .values import Offered, check, check_address, check_free, hidden

_LOGGER = logging.getLogger(__name__)

Load: TypeAlias = Callable[[Stored], Config]
"""Reads the configuration anew, with these stored credentials under it. Raises ConfigError."""
LoadToken: TypeAlias = Callable[[], PairingToken]

CHANGES_MAX = 16
"""Changes that are under way or wait for their turn."""
GRACE = 1.0
"""Seconds that a change has to end by itself at a shutdown."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reloaded:
    """What came of reading the configuration anew."""

    changed: tuple[str, ...]
    """Dotted keys of what is another now: `engines.NAME`, `voices.NAME`, `log.level`; and `token`."""
    needs_restart: tuple[str, ...]
    """Dotted keys of what the file says and the running server does not do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where everything comes from that is read anew. All of it blocks."""

    load: Load
    load_token: LoadToken
    store: CredentialStore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """For the names of variables."""


class Administration:
    """Changes the server that runs. Entered as a context manager: a change that is under way ends before that is left."""

    def __init__(self, config: Config, token: HeldToken, *, origin: Origin, speech: Speech, monitor: Monitor) -> None:
        self.config = config
        """What is in force."""
        self._token = token
        self._origin = origin
        self._speech = speech
        self._monitor = monitor
        self._trials = Trials(speech, monitor)
        self._one = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=GRACE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # What there is

    def services(self, kind: Kind) -> list[ServiceStatus]:
        """Those that are configured, then those that need no more than credentials, then names with nothing but those.

        It may take long: see `kinds.others`.
        """
        config = self.config
        names = [*kinds.configured(kind, config), *kinds.others(kind, config), *kinds.strangers(kind, config)]
        return [self.service(kind, name) for name in names]

    def service(self, kind: Kind, name: str) -> ServiceStatus:
        """Raises UnknownService, naming those that there are."""
        return status(kind, name, self.config, self._monitor.states, self._monitor.breakers)

    # What may be done

    async def reload(self) -> Reloaded:
        """Read everything anew, and do what it says as far as that goes without a restart.

        Raises ConfigError with everything that is wrong; then nothing has changed. An engine that can't be started stops nothing.
        """
        return await self._alone(self._reload)

    async def set_credentials(self, kind: Kind, name: str, values: Offered) -> ServiceStatus:
        """Store these beside those that are stored, and use them from the next reply on. `None`, or a blank, takes one out.

        Raises UnknownService, BadSetting, TooLarge and ReadOnly, and ConfigError where the configuration cannot be read or they
        cannot be kept; then nothing has changed.
        """
        await self._alone(partial(self._set_credentials, kind, name, dict(values)))
        return self.service(kind, name)

    async def delete_credentials(self, kind: Kind, name: str) -> ServiceStatus:
        """Forget what is stored of this one. A service that is there only because of that is there no more. Raises as above."""
        await self._alone(partial(self._delete_credentials, kind, name))
        return self.service(kind, name) if kinds.is_one(kind, name, self.config) else nobody(kind, name)

    async def verify(self, kind: Kind, name: str, candidate: Offered | None = None, voice: str | None = None) -> Verdict:
        """Try the credentials in force, or a candidate's over them, with a voice of the engine's. See `Trials.run`."""
        return await self._trials.run(kind, name, self.config, candidate or {}, voice)

    # How it is done

    async def _alone(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Whoever asked may leave: what was begun is done, or not, as a whole."""
        if len(self._under_way) >= CHANGES_MAX:
            msg = f"{CHANGES_MAX} changes are under way already, which is as many as may wait. Try again in a moment."
            raise Busy(msg)
        task = asyncio.create_task(self._in_turn(change))
        self._under_way.add(task)
        task.add_done_callback(self._over)
        await asyncio.wait([task])
        return task.result()

    def _over(self, task: asyncio.Task[Any]) -> None:
        """What became of it was told, unless nobody waits for it any more: then a refused change is no news, but a defect is."""
        self._under_way.discard(task)
        if not task.cancelled() and not isinstance(error := task.exception(), HeraldError | None):
            _LOGGER.error("A change failed", exc_info=error)

    async def _in_turn(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self._one:
            return await change()

    async def _reload(self) -> Reloaded:
        loaded = await self._loaded(await asyncio.to_thread(self._origin.store.read))
        token = await asyncio.to_thread(self._origin.load_token)
        before, wanted = self.config, without_restart(loaded, self.config)
        await self._put(wanted)
        names = [*changed(before, wanted), *(["token"] if token.value != self._token.value else [])]
        self._token.now = token
        if before.log.level != wanted.log.level:
            logging.getLogger().setLevel(wanted.log.level.upper())
        reloaded = Reloaded(changed=tuple(names), needs_restart=unapplied(loaded, wanted))
        self._monitor.hub.publish(Topic.CONFIG, {"changed": reloaded.changed, "needs_restart": reloaded.needs_restart})
        return reloaded

    async def _set_credentials(self, kind: Kind, name: str, values: Offered) -> None:
        its_class = kinds.class_of(kind, kinds.type_of(kind, name, self.config))
        check(name, its_class, values)
        check_free(kind, name, values, self.config, self._origin.environ)
        check_address(kind, name, its_class, values, self.config)
        said = {field: text for field, value in values.items() if (text := (value or "").strip())}
        stored = await asyncio.to_thread(self._origin.store.read)
        mine = {**stored.get(kinds.SECTIONS[kind], {}).get(name, {}), **said}
        kept = {field: text for field, text in mine.items() if field in said or field not in values}
        wanted = await self._with_stored(kind, name, stored, kept)
        if kept and name not in kinds.configured(kind, wanted):
            msg = f"The {kind} {name} is switched off in {wanted.source or 'the environment'} (enabled: false), and only there."
            raise ReadOnly(msg)
        await self._put(wanted, partial(self._origin.store.replace, kinds.SECTIONS[kind], name, values))
        _LOGGER.info("Of the %s %s, %s changed", kind, name, " and ".join(values) or "nothing")

    async def _delete_credentials(self, kind: Kind, name: str) -> None:
        section, stored = kinds.SECTIONS[kind], await asyncio.to_thread(self._origin.store.read)
        forget = partial(self._origin.store.remove, section, name)
        if name in stored.get(section, {}) and not kinds.is_one(kind, name, self.config):
            await asyncio.to_thread(forget)  # nobody uses them
            self.config = without_unused(self.config, section, name)
        else:
            kinds.type_of(kind, name, self.config)
            await self._put(await self._with_stored(kind, name, stored, {}), forget)
        _LOGGER.info("The stored credentials of the %s %s were deleted", kind, name)

    async def _with_stored(self, kind: Kind, name: str, stored: Stored, fields: Mapping[str, str]) -> Config:
        """What is in force, with one service as it is with these of its credentials stored. Raises BadSetting, ConfigError."""
        section = kinds.SECTIONS[kind]
        others = {other: values for other, values in stored.get(section, {}).items() if other != name}
        try:
            loaded = await self._loaded({**stored, section: {**others, **({name: fields} if fields else {})}})
        except ConfigError as error:
            await self._loaded(stored)  # raises what is wrong without them
            its_class = kinds.class_of(kind, kinds.type_of(kind, name, self.config))
            instead = f"{' and '.join(fields)} are not what they should be, or do not go together."
            what = "have these credentials" if fields else "be without its stored credentials"
            msg = f"{name} cannot {what}: {hidden(str(error), its_class, fields, instead)}"
            raise BadSetting(msg) from None  # its cause may hold a value
        return with_service(self.config, loaded, kind, name)

    async def _loaded(self, stored: Stored) -> Config:
        """Read in a thread: a long file would keep everybody who listens waiting. Raises ConfigError."""
        try:
            return await asyncio.to_thread(self._origin.load, stored)
        finally:
            self._speech.hold_limits()

    async def _put(self, wanted: Config, keep: Callable[[], None] | None = None) -> None:
        """Make it true. `keep` writes what would make it true again after a restart; if that fails, nothing has changed."""
        async with self._speech.prepared(wanted) as put:
            if keep is not None:
                await asyncio.to_thread(keep)
            changes = put()
            self.config = wanted
            self._monitor.services_changed(changes)
