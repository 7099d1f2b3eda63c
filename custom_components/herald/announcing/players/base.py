"""What every kind of player is to whoever announces, and how it fails. Which one an entity is, `players/__init__.py` knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

from homeassistant.exceptions import HomeAssistantError

from ...const import DOMAIN

if TYPE_CHECKING:
    from homeassistant.core import Context

    from ...api import Order
    from ..model import Announcement
    from ..stream import Stream


class Player(Protocol):
    """One announcement on one entity. Made for it, and used once."""

    follows: Callable[[], bool]
    """Whether another announcement follows at once: nothing is restored or resumed then, and nothing replaces what is
    interrupted. Asked when it has ended; set it before `play`."""
    notice: str | None
    """Known when `play` has returned: what was not as it should be, though it was heard. "not_restored", or None."""

    def order(self, announcement: Announcement) -> Order:
        """What the server is asked for: make the stream with it.

        It is `announcement.order` in the format that suits, with as much of the volume and the chime as isn't the player's own
        affair.
        """

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        """Returns when it was heard to its end, so far as that can be told, or was interrupted; how, `stream.ended` says.

        Raises PlayerError where it cannot be played. What the server failed in stands in `stream.ended`, and is not raised.
        Cancelled, it interrupts itself first.
        """

    async def interrupt(self) -> None:
        """Silence, as soon as the player can. Returns when `play` has let go of it. Twice is fine, and so is before and after."""

    async def hush(self, context: Context | None) -> None:
        """Instead of `play`: have it forget an answer of the assistant that was interrupted, if it can. May be cancelled."""


class PlayerError(HomeAssistantError):
    """It was not played, or not to its end."""

    reason: ClassVar[str]
    """For programs: an outcome's `reason`."""

    def __init__(self) -> None:
        super().__init__(translation_domain=DOMAIN, translation_key=f"player_{self.reason}")


class Busy(PlayerError):
    """Home Assistant itself announces something there, which nobody can interrupt."""

    reason = "busy"


class NotSupported(PlayerError):
    """It takes no address to play, or nobody knows how: the outcome is `skipped`."""

    reason = "not_supported"


class Unavailable(PlayerError):
    """It is not there now."""

    reason = "unavailable"


class NotFetched(PlayerError):
    """It accepted the address, and never came for it."""

    reason = "no_fetch"


class Rejected(PlayerError):
    """Its action failed, in its own words: `__cause__`."""

    reason = "player_failed"

    def __init__(self, error: str) -> None:
        HomeAssistantError.__init__(
            self, translation_domain=DOMAIN, translation_key="player_failed", translation_placeholders={"error": error}
        )
