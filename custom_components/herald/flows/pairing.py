"""A server that is to be paired, or was: who it is, what an entry keeps of it, and what is told where that fails. No forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_SSL, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from ..api import (
    Address,
    CannotConnect,
    Client,
    HeraldError,
    NotHerald,
    Server,
    WrongCertificate,
    WrongToken,
    WrongVersion,
    prove,
)
from ..api.wire import API
from ..const import CONF_FINGERPRINT, LOGGER

GROUP = 8
"""Digits of a fingerprint that stand together."""
ERRORS: Mapping[type[HeraldError], str] = {
    WrongCertificate: "wrong_certificate",
    CannotConnect: "cannot_connect",
    NotHerald: "not_herald",
    WrongVersion: "wrong_version",
    WrongToken: "wrong_token",
}
"""Class of an error → key of its sentence in the translations. The first that fits; others are `failed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """A server that proved to know the token."""

    server: Server
    address: Address
    token: str = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """Of its entry."""
        return {**where(self.address), CONF_TOKEN: self.token}


def where(address: Address) -> dict[str, Any]:
    """Of an entry: the address."""
    return {
        CONF_HOST: address.host,
        CONF_PORT: address.port,
        CONF_SSL: address.tls,
        CONF_FINGERPRINT: address.fingerprint,
    }


def found_by_zeroconf(info: ZeroconfServiceInfo) -> tuple[str, Address] | None:
    """The id and the address that somebody claims to have; None where it is no Herald that is known here."""
    match info.properties:
        case {"id": str(server_id), "api": str(api), "tls": "0" | "1" as tls} if server_id and api == str(API) and info.port:
            return server_id, Address(host=info.host, port=info.port, tls=tls == "1")
    return None


def found_by_supervisor(info: HassioServiceInfo) -> tuple[Address, str] | None:
    """The address and the token of an add-on."""
    match info.config:
        case {"host": str(host), "port": int(port), "token": str(token), **more} if host and token:
            return Address(host=host, port=port, tls=more.get("ssl") is True), token
    return None


async def paired(hass: HomeAssistant, address: Address, token: str) -> Pairing:
    """The token is sent only to a server that proved to know it. Raises HeraldError."""
    client = Client(async_get_clientsession(hass), address, token)
    return Pairing(server=await client.connect(), address=address, token=token)


async def moved(hass: HomeAssistant, entry: ConfigEntry, known: Address, found: Address) -> bool:
    """Whether the entry's server, `known` at one address, is now `found` at another.

    Anybody can claim its id. So it moved only if nobody proves to be it where it was, and somebody does where it is said to be:
    one who passes the question on to the real server, which still stands there, gets nothing. TLS is never given up.
    """
    if known.tls and not found.tls:
        LOGGER.debug("%s is said to be at %s, without TLS: ignored", entry.title, found)
        return False
    if await _proves(hass, entry, known) or not await _proves(hass, entry, found):
        LOGGER.debug("%s is said to be at %s: ignored", entry.title, found)
        return False
    return True


async def _proves(hass: HomeAssistant, entry: ConfigEntry, address: Address) -> bool:
    try:
        return await prove(async_get_clientsession(hass), address, entry.data[CONF_TOKEN]) == entry.unique_id
    except HeraldError as error:
        LOGGER.debug("%s is not at %s: %s", entry.title, address, error)
        return False


def key_of(error: HeraldError) -> str:
    """Of the sentence about it, in the translations."""
    return next((key for kind, key in ERRORS.items() if isinstance(error, kind)), "failed")


def grouped(fingerprint: str) -> str:
    """For people to compare."""
    return " ".join(fingerprint[start : start + GROUP] for start in range(0, len(fingerprint), GROUP))
