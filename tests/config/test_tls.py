"""What `http` says of TLS: paths that are whole, a certificate with its key, and both only where they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from .loading import load, wrong

FILES = "tls_certificate: /etc/herald/a.pem, tls_key: /etc/herald/a.key"


def test_own_files_are_paths() -> None:
    http = load(f"http: {{tls: true, {FILES}}}").http
    assert (http.tls, http.tls_certificate, http.tls_key) == (True, Path("/etc/herald/a.pem"), Path("/etc/herald/a.key"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"http: {{{FILES}}}", "http.tls must be true for http.tls_certificate to be used."),
        (f"http: {{tls: false, {FILES}}}", "http.tls must be true for http.tls_certificate to be used."),
        (
            "http: {tls: true, tls_certificate: /a.pem}",
            "http.tls_key is missing: a certificate and its key belong together.",
        ),
        (
            "http: {tls_key: /a.pem}",
            "http.tls_certificate is missing: a certificate and its key belong together.",
        ),
        (
            "http: {tls_certificate: a.pem}",
            'http.tls_certificate must be an absolute path, such as /etc/herald/herald.pem, not "a.pem".',
        ),
    ],
)
def test_what_does_not_go_together_is_told(text: str, problem: str) -> None:
    assert wrong(text) == [f"herald.yaml line 1: {problem}"]


def test_the_environment_may_say_it_too() -> None:
    assert load("", {"HERALD_HTTP__TLS": "true"}).http.tls
    assert load("", {"HERALD_HTTP__ZEROCONF": "Kitchen"}).http.zeroconf == "Kitchen"
