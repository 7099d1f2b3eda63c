"""What holds for the clean-up of any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_server.text.speakable import SpeakableText

from .feeding import borders, clean, cut, work

MARKS = (
    *"*_~`[](){}<>!|#-+=>.:;,?\"'/\\ \n\ta5bh@",
    *(
        "**",
        "***",
        "```",
        "~~~",
        "](",
        "http://",
        "https://x.y",
        "www.a",
        "<b>",
        "</b>",
        "<br",
        "<!--",
        "-->",
        "\r\n",
        "\n\n",
        "  ",
    ),
    *(
        "\n- ",
        "\n# ",
        "\n> ",
        "\n---\n",
        "\n```\n",
        "\n|",
        "|\n",
        "|--|",
        "你好",
        "，",
        "。",
        "word",
        "snake_case",
        "2*3",
        "[ ] ",
    ),
    *("😀", "👩", "\u200d", "\ufe0f", "\u20e3", "🇩", "ℹ", "™", "🏽", "\ud83d"),
)
TEXTS = st.lists(st.sampled_from(MARKS), max_size=80).map("".join)

PLAIN_WORDS = st.sampled_from(
    'Hello world. you, no! why? don\'t "so" (yes) [1] and/or & C# #1 me@x.org who how w W H '
    "2*3*4 = 24 - 5 + <3 > 2 ~5 50% 20\u00a0°C 7:30 $5.00 x*y a_b snake_case ** * | … — • → "
    "你好， 世界。 Привет नमस्ते مرحبا e\u0301".split(" ")
)
PLAIN_LINES = st.lists(PLAIN_WORDS, max_size=12).map(lambda words: " ".join(["So", *words]))
PLAIN = st.lists(PLAIN_LINES | st.just(""), max_size=5).map("\n".join)


@settings(max_examples=400)
@given(TEXTS, borders())
def test_fragments_make_no_difference(text: str, places: list[int]) -> None:
    whole = clean([text])
    assert clean(text) == whole
    assert clean(cut(text, places)) == whole


@given(TEXTS, st.integers(min_value=0, max_value=200))
def test_fragments_make_no_difference_to_the_moment(text: str, length: int) -> None:
    at_once, bit_by_bit = SpeakableText(), SpeakableText()
    beginning = text[:length]
    assert at_once.push(beginning) == "".join(map(bit_by_bit.push, beginning))


@settings(max_examples=200)
@given(PLAIN, borders())
def test_text_without_mark_up_comes_out_as_it_went_in(text: str, places: list[int]) -> None:
    assert clean(cut(text, places)) == text


@given(st.text(alphabet=st.characters(categories=["L", "M", "N", "Zs", "Pd", "Sc"]), max_size=200))
def test_words_of_any_script_come_out_as_they_went_in(text: str) -> None:
    text = "x" + "".join(char for char in text if char not in "\ufe0e\ufe0f\u20e3")
    assert clean([text]) == text


@given(TEXTS)
def test_words_are_never_lost(text: str) -> None:
    """Outside code blocks and addresses, every word that went in comes out."""
    line = "So " + text.replace("\n", " ").replace("\\", "").replace("http", "").replace("www", "").replace("(", "").replace(
        "<", ""
    )
    assert clean([line]).count("word") == line.count("word")


@pytest.mark.parametrize("unit", [
    *("word ", " ", "\n", "x\n", "*a ", "*a*", "**", "_a* ", "`", "`a``b", "\\", "!", "h", "😀", "👩\u200d", "ℹ"),
    *("[", "[a](", "[a](b ", "[a](((", "http", "https://x", "https://x.y/", "www.", "<", "<b a", "<b a=", "<!--"),
    *("- ", "-", "> ", ">", "#", "|", "|a", "| a |\n", "```\n"),
])  # fmt: skip
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "fragments"])
def test_every_character_is_read_a_few_times_at_most(unit: str, is_whole: bool) -> None:
    text = unit * 1500
    assert work(lambda: clean([text] if is_whole else text)) < 60 * len(text)
