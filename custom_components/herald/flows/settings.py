"""One form for the settings of every voice, drawn from the JSON Schema that the server tells of it: only what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import probatio
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)

from .words import Words

CONF_FALLBACK = "fallback"
ADVANCED = "advanced"
"""A section that is closed at first."""
MAIN = ("speed", "pitch", "volume", "emotion")
MORE = ("emotion_scale", "instructions", "converter", "speakable_text")
NEUTRAL: Mapping[str, float] = {"speed": 1, "pitch": 0, "volume": 50}
"""Where the voice has no setting of its own, this is how its engine speaks."""
STEPS: Mapping[str, float] = {"speed": 0.05, "pitch": 0.5, "volume": 1, "emotion_scale": 0.1}
NONE = "none"
"""A converter: nobody else is heard."""

type Json = Mapping[str, Any]
type Fields = dict[probatio.Marker, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Of one voice."""

    told: Json
    """By name, as the server tells them."""
    words: Words = field(repr=False)

    def main(self) -> Fields:
        return self._fields(MAIN)

    def more(self) -> section:
        """What few people need."""
        fields = self._fields(MORE)
        if CONF_FALLBACK in self.told:
            fields[probatio.Required(CONF_FALLBACK, default=True)] = BooleanSelector()
        return section(probatio.Schema(fields), {"collapsed": True})

    def entered(self, answer: Json) -> dict[str, Any]:
        """What was set otherwise than the voice has it: if that changes, it changes here."""
        given = {**answer, **answer.get(ADVANCED, {})}
        values = {name: given.get(name) for name in (*MAIN, *MORE) if name in self.told}
        return {name: value for name, value in values.items() if value not in (None, "", self._default(name))}

    def kept(self, settings: Json) -> dict[str, Any]:
        """Those of an earlier time that can still be set."""
        return {name: value for name, value in settings.items() if self._takes(name, value)}

    def _takes(self, name: str, value: Any) -> bool:
        if name not in self.told:
            return False
        try:
            probatio.Schema(self._selector(name))(value)
        except probatio.Invalid:
            return False
        return True

    def _fields(self, names: Iterable[str]) -> Fields:
        return {self._key(name): self._selector(name) for name in names if name in self.told}

    def _key(self, name: str) -> probatio.Marker:
        default = self._default(name)
        # whatever is a text can be emptied, and is then the voice's own; a slider always stands somewhere
        if isinstance(default, str):
            return probatio.Optional(name, description={"suggested_value": default})
        return probatio.Optional(name) if default is None else probatio.Optional(name, default=default)

    def _default(self, name: str) -> Any:
        told = self.told[name]
        if (own := told.get("default")) is not None:
            return own
        neutral = NEUTRAL.get(name)
        return neutral if neutral is not None and told["minimum"] <= neutral <= told["maximum"] else None

    def _selector(self, name: str) -> Selector[Any]:
        told = self.told[name]
        if told.get("type") == "number":
            return self._number(name, told)
        if told.get("type") == "boolean":
            return BooleanSelector()
        if (known := told.get("enum") or told.get("examples")) is None:
            return TextSelector(TextSelectorConfig(multiline=name == "instructions"))
        # what the voice has by itself is not always listed
        names = dict.fromkeys([*known, *filter(None, [told.get("default")])])
        options = [SelectOptionDict(value=one, label=self._label(name, one)) for one in names]
        return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))

    def _number(self, name: str, told: Json) -> NumberSelector:
        mode = NumberSelectorMode.BOX if self._default(name) is None else NumberSelectorMode.SLIDER
        return NumberSelector(
            NumberSelectorConfig(min=told["minimum"], max=told["maximum"], step=STEPS.get(name, "any"), mode=mode)
        )

    def _label(self, name: str, choice: str) -> str:
        return self.words.no_converter if (name, choice) == ("converter", NONE) else choice
