"""What the service says when it refuses: one table, for the rules that the simulator keeps and for faults on demand."""

from __future__ import annotations

from ..common.codes import Told

DASHSCOPE = {
    "key": Told(code="InvalidApiKey", message="Invalid API-key provided."),
    "workspace": Told(code="WorkSpace.AccessDenied", message="Workspace access denied."),
    "parameter": Told(code="InvalidParameter", message="Required parameter is missing or invalid"),
    "voice": Told(code="InvalidParameter", message="[cosyvoice:]Engine return error code: 418"),
    "model": Told(code="ModelNotFound", message="Model not found"),
    "timeout": Told(code="CLIENT_ERROR", message="request timeout after 23 seconds."),
    "client": Told(code="CLIENT_ERROR", message="Client error"),
    "busy": Told(code="Throttling.RateQuota", message="Requests rate limit exceeded, please try again later."),
    "quota": Told(code="Throttling.AllocationQuota", message="Allocated quota exceeded, please increase your quota limit."),
    "arrears": Told(code="Arrearage", message="Access denied, please make sure your account is in good standing."),
    "content": Told(code="DataInspectionFailed", message="Input data may contain inappropriate content."),
    "server": Told(
        code="InternalError", message="An internal error has occured, please try again later or contact service support."
    ),
    "engine": Told(code="InternalError.Timeout", message="An internal timeout error has occurred."),
}
