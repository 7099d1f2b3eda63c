"""Text from elsewhere, made unable to steer a terminal or to look like a line of its own. For all that tells or logs."""

from __future__ import annotations

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def plain(text: str) -> str:
    """`text` with its control characters spelled out."""
    return text.translate(_CONTROLS)
