"""The certificate with which the HTTP port speaks TLS: the owner's, or one that is made here and kept. No socket.

A certificate that is made here proves nothing to a stranger; clients that were paired know its fingerprint. So it lasts long.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from ...config import HttpConfig
from ...errors import ConfigError
from ...state import secret_files

_LOGGER = logging.getLogger(__name__)

FOLDER, FILE = "tls", "self-signed.pem"
"""In the state directory. The key and its certificate are one file, so that both are there or neither."""
VALID = timedelta(days=3650)
RENEW = timedelta(days=30)
"""Before its end a certificate that was made here is made anew."""
SLOW_CLOCKS = timedelta(days=30)
"""Before now its time begins: clocks of clients may be behind."""
_REMOVE = "Remove it, and the next start makes one"
FILE_MAX = 1_048_576
"""Bytes of a file with certificates or a key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """With what a port speaks TLS."""

    context: ssl.SSLContext
    fingerprint: str
    """SHA-256 of the certificate itself, in small hex digits: what a client may pin."""
    expires: datetime
    file: Path
    """Where the certificate stands."""


def load_tls(config: HttpConfig, state: Path) -> Tls | None:
    """`None`: the port is a plain one. Raises ConfigError where a certificate cannot be used, made or kept."""
    if not config.tls:
        return None
    return _owners(config) or _self_signed(state / FOLDER / FILE, config.allowed_hosts)


def kept_tls(config: HttpConfig, state: Path) -> Tls | None:
    """The certificate that the next start would find; `None`: there is none yet. Raises ConfigError."""
    path = state / FOLDER / FILE
    return _owners(config) or (_loaded(path, path, _REMOVE) if path.exists() else None)


def _owners(config: HttpConfig) -> Tls | None:
    if config.tls_certificate is None or config.tls_key is None:
        return None
    tls = _loaded(config.tls_certificate, config.tls_key, "Give others (http.tls_certificate, http.tls_key)")
    if tls.expires <= datetime.now(UTC):
        msg = f"The certificate {tls.file} expired on {tls.expires:%Y-%m-%d} (http.tls_certificate). Renew it."
        raise ConfigError(msg)
    return tls


def _self_signed(path: Path, names: Iterable[str]) -> Tls:
    """The one that was made at the first start, or a new one."""
    try:
        if not path.exists():
            _create(path, names)
        else:
            secret_files.hide(path, "key of the TLS certificate")
        tls = _loaded(path, path, _REMOVE)
        if tls.expires - RENEW > datetime.now(UTC):
            return tls
        secret_files.replace(path, _made(names))
    except OSError as error:
        msg = f"The TLS certificate cannot be kept in {path}: {error.strerror or error}. Give another state directory (--state)."
        raise ConfigError(msg) from error
    _LOGGER.warning("The TLS certificate ended on %s; a new one was made, which clients must pin anew", f"{tls.expires:%Y-%m-%d}")
    return _loaded(path, path, _REMOVE)


def _create(path: Path, names: Iterable[str]) -> None:
    with suppress(FileExistsError):  # another process was first; its certificate is everybody's
        secret_files.create(path, _made(names))


def _loaded(certificate: Path, key: Path, remedy: str) -> Tls:
    """Both files, which belong together. `remedy`: what to do where they don't."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # only where TLS is wanted
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    text = _read(certificate)
    _read(key)
    try:
        first = load_pem_x509_certificates(text)[0]
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ValueError, ssl.SSLError) as error:
        reason = _reason(error)
        msg = f"{certificate} and its key {key} cannot be used: {reason}. {remedy}."
        raise ConfigError(msg) from error
    fingerprint = first.fingerprint(hashes.SHA256()).hex()
    return Tls(context=context, fingerprint=fingerprint, expires=first.not_valid_after_utc, file=certificate)


def _read(path: Path) -> bytes:
    try:
        data = secret_files.read(path, FILE_MAX)
    except OSError as error:
        msg = f"{path}, for TLS, cannot be read: {error.strerror or error}."
        raise ConfigError(msg) from error
    if len(data) > FILE_MAX:
        msg = f"{path}, for TLS, has more than {FILE_MAX} bytes, which are allowed."
        raise ConfigError(msg)
    return data


_NO_PASSWORD = "the key has a password, which Herald cannot know; keep it without one"  # noqa: S105  # none


def _no_password() -> str:
    """Called only for a key that has one; without this, OpenSSL would ask at the terminal."""
    raise ValueError(_NO_PASSWORD)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key is not that of the certificate"
        return "they are not a certificate and a key in PEM"
    if str(error) == _NO_PASSWORD:
        return _NO_PASSWORD
    return "there is no certificate in PEM"


def _made(names: Iterable[str]) -> bytes:
    """A key and its certificate, signed by itself, in PEM."""
    from cryptography import x509  # noqa: PLC0415  # only where TLS is wanted
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Herald")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLOW_CLOCKS)
        .not_valid_after(now + VALID)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(name) for name in _own_names(names)),
                    *(x509.IPAddress(ip_address(address)) for address in _own_addresses()),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _own_names(more: Iterable[str]) -> list[str]:
    """Names of this machine that a certificate can carry."""
    full = socket.gethostname().lower().rstrip(".")
    short = full.partition(".")[0]
    names = ("localhost", short, full, f"{short}.local", *(name.lower().rstrip(".") for name in more))
    return list(dict.fromkeys(name for name in names if name and name.isascii()))


def _own_addresses() -> list[str]:
    import ifaddr  # noqa: PLC0415  # zeroconf brings it

    ips = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    found = (ip if isinstance(ip, str) else ip[0].partition("%")[0] for ip in ips)
    return list(dict.fromkeys(("127.0.0.1", "::1", *found)))
