"""The certificate of the HTTP port: made once and kept, renewed in time; or the owner's, and told in words where it is wrong."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_IMODE

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName, load_pem_x509_certificate

from wyoming_server.config import HttpConfig
from wyoming_server.errors import ConfigError
from wyoming_server.frontends.http import certificates
from wyoming_server.frontends.http.certificates import FILE, FILE_MAX, FOLDER, Tls, kept_tls, load_tls

SELF_SIGNED = HttpConfig(tls=True)


def made(state: Path, config: HttpConfig = SELF_SIGNED) -> Tls:
    tls = load_tls(config, state)
    assert tls is not None
    return tls


def own(folder: Path, certificate: bytes, key: bytes) -> HttpConfig:
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    return HttpConfig(tls=True, tls_certificate=folder / "certificate.pem", tls_key=folder / "key.pem")


def halves(pem: bytes) -> tuple[bytes, bytes]:
    """The certificate and the key of a file that was made here."""
    start = pem.index(b"-----BEGIN CERTIFICATE")
    return pem[start:], pem[:start]


@pytest.fixture
def pem(tmp_path: Path) -> bytes:
    return made(tmp_path / "elsewhere").file.read_bytes()


def test_a_plain_port_makes_nothing(tmp_path: Path) -> None:
    assert load_tls(HttpConfig(), tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_the_first_start_makes_one_that_stays(tmp_path: Path) -> None:
    first, again = made(tmp_path), made(tmp_path)
    assert first.fingerprint == again.fingerprint
    assert first.file == tmp_path / FOLDER / FILE
    assert S_IMODE(first.file.stat().st_mode) == 0o600
    assert S_IMODE(first.file.parent.stat().st_mode) == 0o700
    assert first.expires > datetime.now(UTC) + timedelta(days=3600)
    assert [path.name for path in first.file.parent.iterdir()] == [FILE]


def test_what_it_says_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Kitchen.lan")
    tls = made(tmp_path, HttpConfig(tls=True, allowed_hosts=("herald.example.net",)))
    certificate = load_pem_x509_certificate(halves(tls.file.read_bytes())[0])
    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    assert names.get_values_for_type(DNSName) == ["localhost", "kitchen", "kitchen.lan", "kitchen.local", "herald.example.net"]
    assert {"127.0.0.1", "::1"} <= {str(address) for address in names.get_values_for_type(IPAddress)}
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert certificate.not_valid_before_utc < datetime.now(UTC) - timedelta(days=1)


def test_the_fingerprint_is_that_of_the_certificate(tmp_path: Path) -> None:
    tls = made(tmp_path)
    der = ssl.PEM_cert_to_DER_cert(halves(tls.file.read_bytes())[0].decode())
    assert tls.fingerprint == hashlib.sha256(der).hexdigest()


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    assert made(tmp_path).context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("left", "renewed"), [(timedelta(days=-1), True), (timedelta(days=29), True), (timedelta(days=31), False)]
)
def test_one_that_ends_is_made_anew_and_told(
    tmp_path: Path, left: timedelta, *, renewed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "VALID", left)
        if left < timedelta(0):
            patch.setattr(certificates, "SLOW_CLOCKS", timedelta(days=30))
        (tmp_path / FOLDER).mkdir()
        (tmp_path / FOLDER / FILE).write_bytes(certificates._made(()))  # noqa: SLF001  # there is no older one
    old = kept_tls(SELF_SIGNED, tmp_path)
    assert old is not None
    new = made(tmp_path)
    assert (new.fingerprint != old.fingerprint) is renewed
    assert ("must pin anew" in caplog.text) is renewed
    assert new.expires > datetime.now(UTC)


def test_a_file_that_others_can_read_is_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tls = made(tmp_path)
    tls.file.chmod(0o644)
    made(tmp_path)
    assert S_IMODE(tls.file.stat().st_mode) == 0o600
    assert "key of the TLS certificate" in caplog.text


def test_a_process_that_was_first_has_made_everybodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert made(tmp_path).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"\xff" * 100, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_broken_one_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FOLDER / FILE
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cannot be used: .*\. Remove it, and the next start makes one\.$"):
        made(tmp_path)
    assert path.read_bytes() == content


def test_a_state_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"The TLS certificate cannot be kept in .*Give another state directory"):
        made(tmp_path / "file")


def test_the_owners_own_is_taken_and_nothing_is_made(tmp_path: Path, pem: bytes) -> None:
    certificate, key = halves(pem)
    state = tmp_path / "state"
    tls = made(state, own(tmp_path, certificate, key))
    assert tls.file == tmp_path / "certificate.pem"
    assert tls.fingerprint == load_pem_x509_certificate(certificate).fingerprint(SHA256()).hex()
    assert not state.exists()


def test_the_first_of_a_chain_is_the_server_s(tmp_path: Path, pem: bytes) -> None:
    certificate, key = halves(pem)
    authority, _ = halves(certificates._made(()))  # noqa: SLF001
    tls = made(tmp_path, own(tmp_path, b"# mine\n" + certificate + authority, key))
    assert tls.fingerprint == load_pem_x509_certificate(certificate).fingerprint(SHA256()).hex()


def wrong(tmp_path: Path, certificate: bytes, key: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        made(tmp_path / "state", own(tmp_path, certificate, key))
    return str(caught.value)


def test_a_key_of_another_certificate_is_told(tmp_path: Path, pem: bytes) -> None:
    _, other = halves(certificates._made(()))  # noqa: SLF001
    assert "the key is not that of the certificate" in wrong(tmp_path, halves(pem)[0], other)


def test_a_key_with_a_password_is_told_and_not_asked_for(tmp_path: Path, pem: bytes) -> None:
    certificate, key = halves(pem)
    locked = load_pem_private_key(key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    assert "has a password" in wrong(tmp_path, certificate, locked)


@pytest.mark.parametrize("swapped", ["certificate", "key"])
def test_what_is_no_pem_is_told(tmp_path: Path, pem: bytes, swapped: str) -> None:
    certificate, key = halves(pem)
    message = wrong(tmp_path, b"x" if swapped == "certificate" else certificate, b"x" if swapped == "key" else key)
    assert "cannot be used" in message
    assert "in PEM" in message


def test_an_endless_file_is_not_read(tmp_path: Path, pem: bytes) -> None:
    assert f"more than {FILE_MAX} bytes" in wrong(tmp_path, halves(pem)[0], b"x" * (FILE_MAX + 1))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    config = HttpConfig(tls=True, tls_certificate=tmp_path / "no.pem", tls_key=tmp_path / "no.key")
    with pytest.raises(ConfigError, match=r"no\.pem, for TLS, cannot be read: No such file or directory"):
        made(tmp_path, config)


def test_an_expired_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "VALID", timedelta(days=-1))
    assert "expired on" in wrong(tmp_path, *halves(certificates._made(())))  # noqa: SLF001
