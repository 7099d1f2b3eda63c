"""`herald token`: prints the pairing token, for people and for scripts; or makes another one."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from ..state.tokens import PairingToken
from .setting import quiet_logs, state_directory

ROTATED = """\
The old token is gone: whatever was paired with it needs the new one.
A server that is running knows only the old one until it is started again, or gets a SIGHUP.
"""


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    state = state_directory(arguments)
    token = PairingToken.rotate(state, os.environ) if arguments.rotate else PairingToken.load(state, os.environ)
    if arguments.rotate:
        sys.stderr.write(ROTATED)
    sys.stdout.write(f"{token.value}\n")
    return 0
