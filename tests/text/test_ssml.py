"""The words of SSML, however it was cut."""

from __future__ import annotations

import pytest

from wyoming_server.text.ssml import SsmlText

CASES = {
    "<speak>One sentence.</speak>": "One sentence.",
    "Fish &amp; chips &#62; &lt;b&gt;": "Fish & chips > <b>",
    "<p>One</p><s>Two</s>": "\nOne\n\nTwo\n",
    "One<break time='1s'/>two": "One two",
    "<sub alias='World Wide Web'>WWW</sub> is <sub alias=\"&amp;\">x</sub>": "World Wide Web is &",
    "<!-- nobody <b> says this -->One": "One",
    '<?xml version="1.0"?><speak xml:lang="en">Hi</speak>': "Hi",
    "<metadata><a>x</a></metadata>One": "One",
    "1 < 2 and AT&T": "1 < 2 and AT&T",
    "One <unfinished": "One <unfinished",
}


@pytest.mark.parametrize(("ssml", "words"), CASES.items())
def test_what_is_heard_of_it(ssml: str, words: str) -> None:
    text = SsmlText()
    assert text.push(ssml) + text.flush() == words


@pytest.mark.parametrize(("ssml", "words"), CASES.items())
def test_it_is_the_same_character_by_character(ssml: str, words: str) -> None:
    text = SsmlText()
    assert "".join(text.push(char) for char in ssml) + text.flush() == words
