"""`python -m wyoming_server` is the command `herald`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
