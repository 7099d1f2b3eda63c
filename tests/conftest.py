"""What all tests share: how hypothesis runs, and that nothing is left behind or told that is secret."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.leaks",)

# Two shared cores: slow input generation says nothing about the code.
settings.register_profile(
    "herald", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=60
)
settings.load_profile("herald")
