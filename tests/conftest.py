"""What all tests share: how hypothesis runs, and that nothing is left behind."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Two shared cores: slow input generation says nothing about the code.
settings.register_profile(
    "herald", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=60
)
settings.load_profile("herald")
