"""Words for what translations of forms cannot look up themselves: states and notes inside of other texts.

They are in the language of Home Assistant, since a flow is not told that of the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..api import CredentialField, Service
from ..const import DOMAIN


@dataclass(frozen=True, slots=True)
class Words:
    texts: dict[str, str]
    """The integration's translations of selectors."""

    @classmethod
    async def of(cls, hass: HomeAssistant) -> Self:
        return cls(await async_get_translations(hass, hass.config.language, "selector", [DOMAIN]))

    def state(self, service: Service) -> str:
        """How it is, in a word or two."""
        state = self._word("engine_state", service.state)
        return self._word("credential_notes", "state_read_only").format(state=state) if closed(service) else state

    def notes(self, service: Service) -> str:
        """What a form cannot show: which credentials are enough, and which are to be changed elsewhere."""
        labels = {field.name: field.label for field in service.credentials}
        sets = [" + ".join(labels.get(name, name) for name in names) for names in service.any_of]
        fixed = [field.label for field in service.credentials if field.read_only]
        notes = []
        if len(sets) > 1:
            notes.append(self._word("credential_notes", "any_of").format(sets=" / ".join(sets)))
        if fixed:
            notes.append(self._word("credential_notes", "read_only").format(fields=", ".join(fixed)))
        return "\n\n".join(notes)

    def gender(self, gender: str) -> str:
        """Of a voice."""
        return self._word("gender", gender)

    @property
    def no_converter(self) -> str:
        """A choice."""
        return self._word("heard_as", "none")

    def help(self, field: CredentialField) -> str:
        """Of one field."""
        return f"{field.help} {self._word('credential_notes', 'stored')}".strip() if field.set else field.help

    def _word(self, selector: str, key: str) -> str:
        return self.texts[f"component.{DOMAIN}.selector.{selector}.options.{key}"]


def name_of(service: Service) -> str:
    """For people; with its own name where several may be of its type."""
    return service.title if service.name == service.type else f"{service.title} ({service.name})"


def open_fields(service: Service) -> list[CredentialField]:
    """Those that can be set from here."""
    return [field for field in service.credentials if not field.read_only]


def closed(service: Service) -> bool:
    """Whether all that is set of it is set where only the server's owner can change it."""
    given = [field for field in service.credentials if field.set]
    return bool(given) and all(field.read_only for field in given)
