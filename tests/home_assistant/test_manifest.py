"""What hassfest and HACS ask of a manifest and a repository, as far as it can be asked here. Their own actions run in .github."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

import wyoming_server
from custom_components.herald.const import DOMAIN

from .test_architecture import MODULES, PACKAGE, imports

ROOT = PACKAGE.parents[1]
REQUIRED = {"codeowners", "documentation", "domain", "integration_type", "iot_class", "issue_tracker", "name", "version"}
KNOWN = REQUIRED | {
    "after_dependencies",
    "config_flow",
    "dependencies",
    "loggers",
    "quality_scale",
    "requirements",
    "zeroconf",
}
NEED_NO_DEPENDENCY = {*Platform, "diagnostics", "repairs", "system_health"}
"""What may be imported of Home Assistant's integrations without being loaded before."""
HACS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text())
    return told


@pytest.fixture
def manifest() -> dict[str, Any]:
    return read(PACKAGE / "manifest.json")


def test_the_manifest_is_in_hassfests_order(manifest: dict[str, Any]) -> None:
    assert list(manifest) == ["domain", "name", *sorted(manifest.keys() - {"domain", "name"})]


def test_the_manifest_has_what_is_asked_and_nothing_else(manifest: dict[str, Any]) -> None:
    assert manifest.keys() >= REQUIRED
    assert manifest.keys() <= KNOWN
    assert manifest["domain"] == DOMAIN == PACKAGE.name
    assert manifest["quality_scale"] == "platinum"
    assert all(owner.startswith("@") for owner in manifest["codeowners"])


def test_the_manifest_leads_to_the_project(manifest: dict[str, Any]) -> None:
    project = "https://github.com/wyoming-herald/herald"
    assert project in (ROOT / "README.md").read_text()
    assert manifest["issue_tracker"] == f"{project}/issues"
    page = manifest["documentation"].removeprefix(f"{project}/blob/main/")
    assert (ROOT / page).is_file()


def test_server_and_integration_have_one_version(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == wyoming_server.__version__


def test_what_is_imported_is_a_dependency(manifest: dict[str, Any]) -> None:
    used = {
        parts[2] for path in MODULES for parts in imports(path) if parts[:2] == ("homeassistant", "components") and len(parts) > 2
    }
    assert used - NEED_NO_DEPENDENCY <= {*manifest["dependencies"], *manifest["after_dependencies"]}


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_home_assistant_loads_it_with_its_brand(hass: HomeAssistant) -> None:
    integration = await async_get_integration(hass, DOMAIN)
    assert not integration.is_built_in
    assert integration.has_branding
    assert integration.config_flow


def test_hacs_finds_what_it_looks_for() -> None:
    told = read(ROOT / "hacs.json")
    assert told.keys() <= HACS
    assert told["name"] == "Herald"
    assert told["homeassistant"] == "2026.10.0"
    folders = [path.name for path in (ROOT / "custom_components").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders == [DOMAIN], "HACS manages one integration for each repository"
    assert (PACKAGE / "brand" / "icon.png").is_file()
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_there_is_nothing_that_only_core_has() -> None:
    """strings.json is made into translations by the build of Home Assistant, which this has not."""
    assert not (PACKAGE / "strings.json").exists()
