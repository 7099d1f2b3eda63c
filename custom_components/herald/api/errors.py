"""What can go wrong between a client and a Herald server.

HeraldError
    CannotConnect            nobody answers at this address, or not in time
        UntrustedCertificate nobody vouches for the certificate there; it may be pinned
        WrongCertificate     another certificate than the one that was pinned
    NotHerald                somebody answers, who is no Herald
    WrongVersion             a Herald whose API this client does not know
    WrongServer              a Herald, but not the one that was paired
    WrongToken               the server does not accept the token
    Refused                  the server says no, with a code and a sentence
    TextTimeout              the text of a reply did not go on
    Interrupted              somebody interrupted a reply: what was heard of it is not all
"""

from __future__ import annotations


class HeraldError(Exception):
    """Any of them. Its text is a sentence for people, in English; integrations translate by class and code."""


class CannotConnect(HeraldError): ...


class UntrustedCertificate(CannotConnect):
    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"Nobody vouches for the server's certificate, whose SHA-256 fingerprint is {fingerprint}.")
        self.fingerprint = fingerprint
        """SHA-256 of the certificate, 64 hex digits."""


class WrongCertificate(CannotConnect):
    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"The server has another certificate than the pinned one; its SHA-256 fingerprint is {fingerprint}.")
        self.fingerprint = fingerprint
        """SHA-256 of the certificate that the server has now, 64 hex digits."""


class NotHerald(HeraldError): ...


class WrongVersion(HeraldError):
    def __init__(self, api: object, version: str) -> None:
        super().__init__(f"Herald {version} there speaks version {api} of its API.")
        self.version = version
        """Of the server."""


class WrongServer(HeraldError): ...


class WrongToken(HeraldError): ...


class Refused(HeraldError):
    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        """One of the server's error codes."""
        self.status = status
        """Of HTTP; 0 where it was not told by HTTP."""


class TextTimeout(HeraldError): ...


class Interrupted(HeraldError): ...
