"""Errors in the words of this protocol: the document's own where it has any, then Herald's sentence."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import EngineUnavailable, HeraldError, Interrupted, ShuttingDown
from ...protocols.indextts import MODEL_FAILED, SERVER_ERROR
from ...protocols.json_messages import shown

CANCELLED = "任务已取消"
CLOSING = "服务正在关闭"

_BEFORE: Mapping[str, str] = {
    EngineUnavailable.code: MODEL_FAILED,
    ShuttingDown.code: CLOSING,
    HeraldError.code: SERVER_ERROR,
}
"""What stands before the sentence, by the error's code."""


def told(error: HeraldError) -> str:
    if error.code == Interrupted.code:
        return CANCELLED
    before = _BEFORE.get(error.code)
    return shown(f"{before}：{error}" if before else str(error))


def is_defect(error: HeraldError) -> bool:
    """Whether it is Herald's own, and nothing that a client or an engine did."""
    return error.code == HeraldError.code
