"""The steps by which credentials of engines are set, tried and removed: the same in every flow that offers them.

The server alone stores credentials. They are tried live before, and pass through here only on their way to it.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import probatio
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig, SelectSelectorMode

from ..api import CannotConnect, Client, HeraldError, Service, Verdict
from .credentials import entered, placeholders, schema
from .words import Words, name_of, open_fields

CONF_ENGINE = "engine"
WRONG = ("credentials_refused", "bad_setting")
"""Codes of verdicts by which what was entered is wrong. With others nobody knows: the service was not reached, or is used up."""
SHOWN_AT_LEAST = 2.0
"""Seconds of a trial. Frontends before 2026.11 don't hear of what is over before they listen, and would wait for ever."""


class EngineSteps[C: FlowContext, R: FlowResult[Any, Any]](FlowHandler[C, R, str]):
    """Begins with `engines`, which shows them all, or with `credentials`, once `_service` is set."""

    onward: ClassVar[Sequence[str]] = ("engines", "finish")
    """Steps that are offered after a result."""

    _service: Service
    _values: Mapping[str, str]
    """What was entered; empty for a trial of what is in force."""
    _trial: asyncio.Task[Verdict | HeraldError] | None = None
    _outcome: Verdict | HeraldError
    _problem = ""
    """Why there is no server to ask."""

    @property
    @abstractmethod
    def client(self) -> Client:
        """Of the server."""

    @abstractmethod
    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> R:
        """Nothing more is to be set up."""

    async def async_step_engines(self, user_input: dict[str, Any] | None = None) -> R:
        """Which one, of those that the server has at this moment."""
        try:
            services = await self._services()
        except HeraldError as error:
            return await self._without_server(error)
        if user_input is not None and user_input[CONF_ENGINE] in services:
            self._service = services[user_input[CONF_ENGINE]]
            return await self.async_step_engine()
        words = await Words.of(self.hass)
        options = [
            SelectOptionDict(value=key, label=f"{name_of(service)} · {words.state(service)}") for key, service in services.items()
        ]
        selector = SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST))
        return self.async_show_form(step_id="engines", data_schema=probatio.Schema({probatio.Required(CONF_ENGINE): selector}))

    async def async_step_unreachable(self, user_input: dict[str, Any] | None = None) -> R:
        """It does not answer, or is not the one that was paired."""
        texts = {"error": self._problem}
        return self.async_show_menu(step_id="unreachable", menu_options=list(self.onward), description_placeholders=texts)

    async def async_step_engine(self, user_input: dict[str, Any] | None = None) -> R:
        """What is to be done with it."""
        may = {
            "credentials": bool(open_fields(self._service)),
            "verify": self._service.configured,
            "remove": self._service.stored,
        }
        offered = [step for step, is_offered in may.items() if is_offered]
        return await self._service_menu("engine", [*offered, *self.onward])

    async def async_step_credentials(self, user_input: dict[str, Any] | None = None) -> R:
        """What it should have."""
        if user_input is None:
            return await self._service_form("credentials", schema(self._service))
        self._values = entered(self._service, user_input)
        if not self._values and not self._service.configured:
            return await self._service_form("credentials", schema(self._service), "nothing_entered")
        return await self.async_step_verifying()

    async def async_step_verify(self, user_input: dict[str, Any] | None = None) -> R:
        """Try what it has."""
        self._values = {}
        return await self.async_step_verifying()

    async def async_step_verifying(self, user_input: dict[str, Any] | None = None) -> R:
        """The trial, which takes as long as the service does."""
        if self._trial is None:
            self._trial = self.hass.async_create_task(self._tried_in_sight(), "herald trial of credentials")
        if not self._trial.done():
            return self.async_show_progress(
                step_id="verifying",
                progress_action="verifying",
                description_placeholders={"service": name_of(self._service)},
                progress_task=self._trial,
            )
        self._outcome, self._trial = self._trial.result(), None
        return self.async_show_progress_done(next_step_id="verified")

    async def async_step_verified(self, user_input: dict[str, Any] | None = None) -> R:
        """What came of it."""
        match self._outcome:
            case HeraldError() as error if self._values:
                return await self._failed("credentials", error, "not_stored")
            case HeraldError() as error:
                return await self._without_server(error)
            case Verdict(ok=True):
                return await (self._store("stored") if self._values else self.async_step_accepted())
            case Verdict(code=code, message=message) if code in WRONG and open_fields(self._service):
                return await self._service_form("credentials", schema(self._service), "refused", error=message)
        return await (self.async_step_unverified() if self._values else self.async_step_not_accepted())

    async def async_step_unverified(self, user_input: dict[str, Any] | None = None) -> R:
        """Nobody can say whether they are right."""
        return await self._service_menu("unverified", ["credentials", "store_anyway", *self.onward], self._verdict)

    async def async_step_store_anyway(self, user_input: dict[str, Any] | None = None) -> R:
        return await self._store("stored_untried")

    async def async_step_stored(self, user_input: dict[str, Any] | None = None) -> R:
        return await self._service_menu("stored", self.onward, self._verdict)

    async def async_step_stored_untried(self, user_input: dict[str, Any] | None = None) -> R:
        return await self._service_menu("stored_untried", self.onward)

    async def async_step_accepted(self, user_input: dict[str, Any] | None = None) -> R:
        """What is in force was tried."""
        return await self._service_menu("accepted", self.onward, self._verdict)

    async def async_step_not_accepted(self, user_input: dict[str, Any] | None = None) -> R:
        return await self._service_menu("not_accepted", self.onward, self._verdict)

    async def async_step_remove(self, user_input: dict[str, Any] | None = None) -> R:
        """Have the server forget what it stores."""
        if user_input is None:
            return await self._service_form("remove", probatio.Schema({}))
        try:
            server = await self._proved()
            self._service = await server.delete_credentials(self._service.kind, self._service.name)
        except HeraldError as error:
            return await self._failed("remove", error, "not_removed")
        return await self.async_step_removed()

    async def async_step_removed(self, user_input: dict[str, Any] | None = None) -> R:
        return await self._service_menu("removed", self.onward)

    async def _proved(self) -> Client:
        """Somebody may take minutes over a form: before anything is sent, the server proves that it still is the one."""
        client = self.client
        await client.connect()
        return client

    async def _services(self) -> dict[str, Service]:
        """By what the form calls them."""
        services = await (await self._proved()).services()
        return {f"{kind}:{name}": service for (kind, name), service in services.items()}

    async def _tried_in_sight(self) -> Verdict | HeraldError:
        outcome, _ = await asyncio.gather(self._tried(), asyncio.sleep(SHOWN_AT_LEAST))
        return outcome

    async def _tried(self) -> Verdict | HeraldError:
        try:
            server = await self._proved()
            return await server.verify(self._service.kind, self._service.name, self._values or None)
        except HeraldError as error:
            return error

    async def _store(self, step_id: str) -> R:
        try:
            server = await self._proved()
            self._service = await server.set_credentials(self._service.kind, self._service.name, self._values)
        except HeraldError as error:
            return await self._failed("credentials", error, "not_stored")
        step: R = await getattr(self, f"async_step_{step_id}")()
        return step

    async def _without_server(self, error: HeraldError) -> R:
        self._problem = str(error)
        return await self.async_step_unreachable()

    async def _failed(self, step_id: str, error: HeraldError, key: str) -> R:
        """The same form again. What was asked of the server did not happen, and that is said."""
        fields = schema(self._service) if step_id == "credentials" else probatio.Schema({})
        unreachable = isinstance(error, CannotConnect)
        return await self._service_form(step_id, fields, f"{key}_unreachable" if unreachable else key, error=str(error))

    async def _service_form(self, step_id: str, fields: probatio.Schema, problem: str | None = None, *, error: str = "") -> R:
        texts = placeholders(self._service, await Words.of(self.hass))
        return self.async_show_form(
            step_id=step_id,
            data_schema=fields,
            errors=None if problem is None else {"base": problem},
            description_placeholders={**texts, "error": error},
        )

    async def _service_menu(self, step_id: str, steps: Sequence[str], verdict: str | None = None) -> R:
        texts = placeholders(self._service, await Words.of(self.hass))
        if verdict is not None:
            texts["message"] = verdict
        return self.async_show_menu(step_id=step_id, menu_options=list(dict.fromkeys(steps)), description_placeholders=texts)

    @property
    def _verdict(self) -> str:
        """In the words of the server, as a sentence."""
        message = self._outcome.message if isinstance(self._outcome, Verdict) else ""
        return message[:1].upper() + message[1:]
