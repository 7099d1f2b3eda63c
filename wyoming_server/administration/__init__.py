"""What may be changed while Herald runs: the configuration read anew; credentials entered, tried and deleted.

Who may ask for it, and how, the front ends know. No value of a credential is in an answer, an error or a log.
"""

from __future__ import annotations

from ..monitoring.states import Kind, State
from .changes import Administration, Load, Origin, Reloaded
from .services import CredentialStatus, ServiceStatus, nobody
from .trials import Verdict

__all__ = [
    "Administration",
    "CredentialStatus",
    "Kind",
    "Load",
    "Origin",
    "Reloaded",
    "ServiceStatus",
    "State",
    "Verdict",
    "nobody",
]
