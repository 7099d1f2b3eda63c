"""What the cloud says when it refuses: one table, for the rules that the simulator keeps and for faults on demand."""

from __future__ import annotations

from ..common.codes import Told

OK = 20000000
NLS = {
    "client": Told(code=40000000, message="Gateway:CLIENT_ERROR:in post"),
    "token": Told(code=40000001, message="Gateway:ACCESS_DENIED:The token has expired!"),
    "voice": Told(code=40000001, message="Gateway:ACCESS_DENIED:No privilege to this voice!"),
    "message": Told(code=40000002, message="Gateway:MESSAGE_INVALID:Invalid message"),
    "parameter": Told(code=40000003, message="Gateway:PARAMETER_INVALID:Invalid parameter"),
    "idle": Told(code=40000004, message="Gateway:IDLE_TIMEOUT:Websocket session is idle for too long time"),
    "busy": Told(code=40000005, message="Gateway:TOO_MANY_REQUESTS:Too many requests!"),
    "trial": Told(code=40000010, message="Gateway:FREE_TRIAL_EXPIRED:The free trial has expired!"),
    "directive": Told(code=40010003, message="Gateway:DIRECTIVE_INVALID:Invalid directive"),
    "state": Told(code=40010005, message="Gateway:TASK_STATE_ERROR:State error"),
    "appkey": Told(code=40020105, message="Meta:APPKEY_NOT_EXIST:Appkey not exist!"),
    "account": Told(code=40020106, message="Meta:APPKEY_UID_MISMATCH:Appkey and user mismatch!"),
    "engine client": Told(code=41020001, message="TTS:TtsClientError"),
    "server": Told(code=50000000, message="Gateway:SERVER_ERROR:Server error!"),
    "grpc": Told(code=50000001, message="Gateway:GRPC_ERROR:Grpc error!"),
    "engine server": Told(code=51020001, message="TTS:TtsServerError:Instance pool exhausted!"),
}
"""In the vendor's own words, as far as his SDK quotes them."""
