"""A Herald server as clients see it: pairing, requests, events, speech. Knows aiohttp, nothing of Home Assistant."""

from __future__ import annotations

from .address import Address
from .client import Client
from .errors import (
    CannotConnect,
    HeraldError,
    Interrupted,
    NotHerald,
    Refused,
    TextTimeout,
    UntrustedCertificate,
    WrongCertificate,
    WrongServer,
    WrongToken,
    WrongVersion,
)
from .events import Event
from .models import (
    Catalogue,
    CredentialField,
    Ended,
    Kind,
    Notice,
    Outcome,
    Server,
    Service,
    Session,
    State,
    Usage,
    Verdict,
    Voice,
)
from .pairing import identify, prove
from .speech import Order, Reply

__all__ = [
    "Address",
    "CannotConnect",
    "Catalogue",
    "Client",
    "CredentialField",
    "Ended",
    "Event",
    "HeraldError",
    "Interrupted",
    "Kind",
    "NotHerald",
    "Notice",
    "Order",
    "Outcome",
    "Refused",
    "Reply",
    "Server",
    "Service",
    "Session",
    "State",
    "TextTimeout",
    "UntrustedCertificate",
    "Usage",
    "Verdict",
    "Voice",
    "WrongCertificate",
    "WrongServer",
    "WrongToken",
    "WrongVersion",
    "identify",
    "prove",
]
