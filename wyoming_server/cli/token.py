"""`herald token`: prints the pairing token, for people and for scripts."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from ..tokens import PairingToken
from .setting import quiet_logs, state_directory


def run(arguments: Namespace) -> int:
    quiet_logs(arguments)
    token = PairingToken.load(state_directory(arguments), os.environ)
    sys.stdout.write(f"{token.value}\n")
    return 0
