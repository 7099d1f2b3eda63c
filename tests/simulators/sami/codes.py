"""What the service says when it refuses. The names of 402000xx are ours: its page has them, and was not to be had."""

from __future__ import annotations

from collections.abc import Mapping

from ..common.codes import Told

OK = Told(code=20_000_000, message="OK")
SAMI: Mapping[str, Told] = {
    "invalid data": Told(code=40_000_010, message="InvalidData"),
    "empty data": Told(code=40_000_011, message="EmptyData"),
    "illegal data": Told(code=40_000_012, message="IllegalData"),
    "duration": Told(code=40_000_013, message="ExceededDuration"),
    "size": Told(code=40_000_016, message="ExceededDataSize"),
    "invalid payload": Told(code=40_000_020, message="InvalidPayload"),
    "empty payload": Told(code=40_000_021, message="EmptyPayload"),
    "illegal payload": Told(code=40_000_022, message="IllegalPayload"),
    "speaker": Told(code=40_000_022, message="IllegalPayload:InvalidSpeaker"),
    "appkey": Told(code=40_200_001, message="InvalidAppkey"),
    "no token": Told(code=40_200_002, message="EmptyToken"),
    "token": Told(code=40_200_003, message="InvalidToken"),
    "expired": Told(code=40_200_004, message="ExpiredToken"),
    "arrears": Told(code=40_200_014, message="ServiceNotOpened"),
    "server": Told(code=50_000_000, message="InternalError"),
}
