"""A whole server: `composition` puts it together, `ports` its HTTP, `advertising` says what is told of it, `serving` runs it.

Nothing below knows any of this; nothing that is done for a client stands here.
"""

from __future__ import annotations

from .composition import Running, running
from .serving import serve

__all__ = ["Running", "running", "serve"]
