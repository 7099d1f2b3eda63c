"""Configuration: herald.yaml, the environment and stored credentials, checked, as frozen values.

Nothing here starts an engine or writes a file.
"""

from __future__ import annotations

from .loader import default_config_path, load_config, state_dir
from .values import CacheConfig, Config, ConverterConfig, EngineConfig, HttpConfig, LogConfig, Source, VoiceConfig, WyomingConfig

__all__ = [
    "CacheConfig",
    "Config",
    "ConverterConfig",
    "EngineConfig",
    "HttpConfig",
    "LogConfig",
    "Source",
    "VoiceConfig",
    "WyomingConfig",
    "default_config_path",
    "load_config",
    "state_dir",
]
