"""Which language a text is in, as far as its letters tell."""

from __future__ import annotations

import pytest

from wyoming_server.text.scripts import language_of


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("Hello", "de-DE", "de-DE"),
        ("", "de-DE", "de-DE"),
        ("12:30 %", "zh-CN", "zh-CN"),
        ("门开了。", "en-US", "zh"),
        ("门开了。", "zh-CN", "zh-CN"),
        ("門が開いた", "en-US", "ja"),
        ("門が開いた", "ja-JP", "ja-JP"),
        ("문이 열렸어요", "en-US", "ko"),
        ("Дверь открыта", "en-US", "ru"),
        ("Двері відчинені", "uk-UA", "uk-UA"),
        ("The word 门 means a door", "en-US", "en-US"),
    ],
)
def test_the_script_decides_where_the_voices_language_is_not_written_in_it(text: str, language: str, spoken: str) -> None:
    assert language_of(text, language) == spoken
