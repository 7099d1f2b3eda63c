"""The ordinary command `herald`, with the bench's own engines."""

from __future__ import annotations

import sys

from wyoming_server.engines.registry import ENGINES


def main() -> None:
    ENGINES["relay"] = "bench.relay_engine:RelayEngine"
    ENGINES["stamped"] = "bench.stamped_tone:StampedTone"
    from wyoming_server.cli import main as herald  # noqa: PLC0415  # the configuration's schema lists the engines at its import

    sys.exit(herald())


if __name__ == "__main__":
    main()
