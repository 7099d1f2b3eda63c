"""`python -m bench.home_assistant`, for whoever has no script/bench."""

from __future__ import annotations

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
