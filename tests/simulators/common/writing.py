"""A service's messages, as text."""

from __future__ import annotations

import json
from typing import Any


def written(value: dict[str, Any]) -> str:
    """JSON; half characters, which no text message can have, become question marks."""
    return json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
