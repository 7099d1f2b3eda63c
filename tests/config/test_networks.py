"""Who may connect."""

from __future__ import annotations

import pytest

from wyoming_server.networks import Networks

HOME = Networks.parse(("private", "loopback"))


INSIDE = """
127.0.0.1 127.9.9.9 ::1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.7.7 169.254.1.1 fd12::1 fe80::1 fe80::1%eth0
::ffff:192.168.1.5 ::ffff:127.0.0.1
"""
OUTSIDE = """
8.8.8.8 172.32.0.1 172.15.0.1 192.169.0.1 100.64.0.1 0.0.0.0 203.0.113.1 240.0.0.1 2001:db8::1 2a00::1 :: ::ffff:8.8.8.8
nonsense 127.0.0.1.5 localhost
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_homes_may(address: str) -> None:
    assert HOME.allows(address)


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_others_may_not(address: str) -> None:
    assert not HOME.allows(address)


@pytest.mark.parametrize("address", ["", "/run/client.sock"])
@pytest.mark.parametrize("words", [(), ("loopback",)])
def test_peers_of_a_unix_socket_always_may(words: tuple[str, ...], address: str) -> None:
    assert Networks.parse(words).allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00::1", "127.0.0.1", "::ffff:8.8.8.8"])
def test_any_is_anybody_and_none_is_nobody(address: str) -> None:
    assert Networks.parse(("any",)).allows(address)
    assert not Networks.parse(()).allows(address)


def test_a_network_needs_no_clean_prefix_and_an_address_is_one() -> None:
    networks = Networks.parse(("192.168.1.77/24", "2001:db8::5"))
    assert networks.allows("192.168.1.1")
    assert networks.allows("::ffff:192.168.1.1")
    assert networks.allows("2001:db8::5")
    assert not networks.allows("192.168.2.1")
    assert not networks.allows("2001:db8::6")


@pytest.mark.parametrize("word", ["", "home", "192.168.1", "192.168.1.0/33", "300.0.0.1", "10.0.0.0/8/8"])
def test_a_word_that_is_no_network_is_refused(word: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the caller has the words
        Networks.parse((word,))


def test_networks_are_values() -> None:
    assert Networks.parse(("private", "loopback")) == HOME
    assert str(HOME) == "private, loopback"
