"""Home Assistant's quality scale: every rule is kept, or there is a sentence why it has nothing to say here."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from .test_architecture import PACKAGE

RULES = """
action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage dependency-transparency docs-actions
docs-conditions docs-high-level-description docs-installation-instructions docs-removal-instructions docs-triggers
entity-event-setup entity-unique-id has-entity-name runtime-data test-before-configure test-before-setup unique-config-entry

action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters entity-unavailable
integration-owner log-when-unavailable parallel-updates reauthentication-flow test-coverage

devices diagnostics discovery discovery-update-info docs-data-update docs-examples docs-known-limitations docs-supported-devices
docs-supported-functions docs-troubleshooting docs-use-cases dynamic-devices entity-category entity-device-class
entity-disabled-by-default entity-translations exception-translations icon-translations reconfiguration-flow repair-issues
stale-devices

async-dependency inject-websession strict-typing
""".split()
"""Bronze, silver, gold, platinum."""


def scale() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((PACKAGE / "quality_scale.yaml").read_text())
    return dict(told["rules"])


def test_every_rule_is_answered_and_no_other() -> None:
    assert len(RULES) == 54
    assert scale().keys() == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_kept_or_exempt_with_a_sentence(rule: str) -> None:
    match scale()[rule]:
        case "done":
            return
        case {"status": "exempt", "comment": str(comment), **more} if not more:
            assert comment.endswith(".")
            assert comment.count(" ") > 2
        case other:
            pytest.fail(f"{rule}: {other}")
