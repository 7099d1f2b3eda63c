"""The images are as Home Assistant wants them: of its sizes, transparent, without margins, for light and for dark pages."""

from __future__ import annotations

from itertools import product

import pytest
from homeassistant.components.brands.const import ALLOWED_IMAGES
from PIL import Image

from .test_architecture import PACKAGE

FOLDER = PACKAGE / "brand"
ICONS = {"icon.png": 256, "icon@2x.png": 512}
LOGOS = {"logo.png": 256, "logo@2x.png": 512}
"""Name → pixels of a side; of a logo, its shorter one."""
THEMES = ("", "dark_")


def opened(name: str) -> Image.Image:
    with Image.open(FOLDER / name) as image:
        image.load()
        return image


def test_all_images_are_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == ALLOWED_IMAGES


@pytest.mark.parametrize(("theme", "name"), product(THEMES, ICONS))
def test_an_icon_is_a_square(theme: str, name: str) -> None:
    assert opened(theme + name).size == (ICONS[name], ICONS[name])


@pytest.mark.parametrize(("theme", "name"), product(THEMES, LOGOS))
def test_a_logo_is_as_high_as_an_icon(theme: str, name: str) -> None:
    image = opened(theme + name)
    assert image.height == LOGOS[name] < image.width


@pytest.mark.parametrize("name", sorted(ALLOWED_IMAGES))
def test_an_image_is_transparent_and_trimmed(name: str) -> None:
    image = opened(name)
    assert image.mode == "RGBA"
    alpha = image.getchannel("A")
    assert alpha.getpixel((0, 0)) == 0
    assert alpha.getextrema() == (0, 255)
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    assert (left, right) == (0, image.width) or (top, bottom) == (0, image.height)


@pytest.mark.parametrize("name", [*ICONS, *LOGOS])
def test_dark_pages_have_images_of_their_own(name: str) -> None:
    assert opened(name).size == opened(f"dark_{name}").size
    assert opened(name).tobytes() != opened(f"dark_{name}").tobytes()
