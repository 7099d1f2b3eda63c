"""What is spoken of a text that was written to be seen: the text, and what is left of it."""

from __future__ import annotations

import pytest

from wyoming_server.text.speakable import SpeakableText

from .feeding import clean, split, texts

STAYS = (
    "2*3*4 = 24 and 2 * 3 * 4 = 24, 2**3 = 8, 3**2 = 9, x*(y+z)*w, (a+b)*c*(d), (a+b)*c* d, e *f*(g)",
    "5 - 3 = 2, -5 °C, 3 > 2 < 4, a <b and c> d, 5 m/s, 20 °C, 50%, ±2, ~5, $5, 1/2",
    "a_b, snake_case, light.living_room, file_name_2.txt, ____, _private",
    "C#, #1, #hashtag, <3, >5, C++, A/B, R&D, **** 1234, *, 5* hotels and 4* hotels, rated *****",
    "me@example.org, www., http and https, h, w, example.com/path, whatever, the WWW",
    "don't, don`t, \"quotes\", 'single', (brackets), [1] [x], {y}, List<String>, <your name>",
    "arr[0], a](b, [link] (no), ![x, [a](b c d), footnote[1]*, note* here",
    "7:30 p.m., 1. January, 3) third",
    "1. First\n2) Second\n  indented\n\n\ttabbed  spaced   out \n",
    "Windows\r\nlines\r\n",
    "→ ↔ © ® ™ ♯ ♭ ① ½ № ℃ … — – “ ” « » ¿ ¡",
    "می‌خواهم क्‍ष 你好，世界！ Привет",
    "|x| is |y|.\n| not a row\n5 > is greater\n",
    "C:\\path\\file and \\n",
    "=5 +49 123 -1 __ ** ~~ ",
)


@pytest.mark.parametrize("text", STAYS)
def test_text_without_mark_up_comes_out_as_it_went_in(text: str) -> None:
    assert clean([text]) == text
    assert clean(text) == text


GOES = {
    # emphasis
    "**Bold**, *italic*, ***both***, __bold__, _italic_, ~~gone~~.": "Bold, italic, both, bold, italic, gone.",
    "**bold *and italic* text** and *italic **and bold***": "bold and italic text and italic and bold",
    "(*a*) \"**b**\" *c*, *5 stars* — *d*": "(a) \"b\" c, 5 stars — d",
    "这是**重点**内容，**“引号”**的*斜*体，**甲**和**乙**": "这是重点内容，“引号”的斜体，甲和乙",
    "**10**kg of **sugar**": "10kg of sugar",
    "**two\nlines** here": "two\nlines here",
    "*not closed, _nor this\n*but this*": "*not closed, _nor this\nbut this",
    "**never closed": "never closed",
    "**never closed\n\n5** hotels": "never closed\n\n5** hotels",
    "The __init__ method": "The init method",
    r"2 \* 3, \*not italic\*, \# no heading": "2 * 3, *not italic*, # no heading",
    # inline code
    "Run `snake_case **x**` or ``a`b`` now": "Run snake_case **x** or a`b now",
    "`*` and `_`, `open": "* and _, open",
    "`open\n**b**": "open\nb",
    # links, pictures, addresses
    "See [the docs](https://a.b/c_(d)?e=f \"Title\"), please.": "See the docs, please.",
    "[docs](https://a.b/c)": "docs",
    "[a **b** `c`](x) and [](y)!": "a b c and!",
    "![A *cat*](cat.png) ![](x.png) [![badge](i)](l) Wow![x](y)": "A cat badge Wowx",
    "请看[文档](https://a.b)。": "请看文档。",
    "See https://www.example.com/a/b?c=d#e. Next.": "See example.com. Next.",
    "(http://x.org/a_(b)), https://u:p@h.io:8123/x, www.foo.com!": "(x.org), h.io:8123, foo.com!",
    "<https://x.y/z> **https://b.c/d_e** _http://f.g_": "x.y b.c f.g",
    "访问https://example.com/路径。": "访问example.com路径。",
    # HTML
    "<b>Hi</b>, <span class=\"x y\">you</span><br/>there <!-- not me --> ok": "Hi, you\nthere ok",
    "one <br> two<p>three</p>": "one\ntwo\nthree\n",
    "<img src=\"a.png\"> x H<sub>2</sub>O <a href='https://a.b'>c</a>": "x H2O c",
    # lines
    "# Title\n## Sub title\n#1 stays": "Title\nSub title\n#1 stays",
    "- one\n* two\n+ three\n• four\n  - five": "one\ntwo\nthree\nfour\nfive",
    "1. one\n2. two\n- [ ] three\n- [x] four": "1. one\n2. two\nthree\nfour",
    "* *a* b\n- **c** d\n- # e\n> - f\n- \nend": "a b\nc d\ne\nf\nend",
    "> quote\n>> nested\n>\n> more": "quote\nnested\nmore",
    "a\n\n---\n\nb\n* * *\nc\n===\nd\n_____\r\ne\n***": "a\n\n\nb\nc\nd\ne\n",
    "-----\n- 5 °C\n-5 °C": "5 °C\n-5 °C",
    # code blocks
    "Code:\n```python\n# x\ny = 2*3\n```\nDone.": "Code:\nDone.",
    "~~~\na\n```\nb\n~~~\nc\n````\n```\n````\nd": "c\nd",
    "- like this:\n  ```\n  x\n  ```\n> ```\n> y\n> ```\nend": "like this:\nend",
    "```inline``` code": "inline code",
    "Never closed:\n```\nx = 1\n": "Never closed:\n",
    # tables
    "| Room | °C |\n|:--|--:|\n| **Hall** | 21 |\n| | 20 |\n\nok": "Room, °C\nHall, 21\n20\n\nok",
    "| 房间 | 温度 |\n|---|---|\n| 客厅 | 21 |": "房间，温度\n客厅，21",
    "|a \\| b|c|": "a | b, c",
    # emoji
    "Great 🎉. Next 👍🏽! I ❤️ you 👩‍⚕️👨‍👩‍👧‍👦, 🇩🇪🇫🇷 🏴\U000e0067\U000e0062\U000e007f flags": "Great. Next! I you, flags",
    "5️⃣ #️⃣ 1⃣ ™️ ‼️ ℹ️ ℹ ☎ ✅ Done ⭐": "5 # 1 ™ ‼ ℹ Done",
    "Hello😀world. Hi!😀You 你好😀世界": "Hello world. Hi! You 你好世界",
    "😀 Hello\n🎉\n\nEnd 😀\n": "Hello\n\n\nEnd\n",
    "# 🎉 Party\n- ✅ done": "Party\ndone",
    "😀👩‍👧": "",
}  # fmt: skip


@pytest.mark.parametrize("text", GOES)
def test_mark_up_goes(text: str) -> None:
    assert clean([text]) == GOES[text]
    assert clean(text) == GOES[text]


def test_where_a_block_stood_a_sentence_ends() -> None:
    text = "# Dinner\nIt is **ready**\n```\nx\n```\n- soup\n- bread\n\n| a | b |\n|---|---|\n| 1 | 2 |\nEnjoy 🍽️"
    assert texts(split([clean([text])])) == ["Dinner", "It is ready", "soup", "bread", "a, b", "1, 2", "Enjoy"]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        (["Hello wor", "ld."], ["Hello wor", "ld."]),
        (["**Hel", "lo**"], ["Hel", "lo"]),
        (["a *b", " c", "*", "."], ["a", "", "", " b c."]),
        (["- ", "- ", "x"], ["", "", "x"]),
        (["a <b an", "d c"], ["a", " <b and c"]),
        (["Wow!", "!", " "], ["Wow", "!", "!"]),
        (["See [a", "](http://", "b.c/d", ")."], ["See", "", "", " a."]),
    ],
)
def test_only_what_is_not_known_yet_is_kept_back(fragments: list[str], expected: list[str]) -> None:
    speakable = SpeakableText()
    assert [speakable.push(fragment) for fragment in fragments] == expected


@pytest.mark.parametrize("opening", ["*", "_", "[", "![", "[a](", "<a ", "<!--", "|", '[a](b "', "```"])
def test_an_unclosed_mark_keeps_little_back_and_is_released_as_text(opening: str) -> None:
    speakable = SpeakableText()
    text = opening + "x" * 2000
    released = ""
    for count, char in enumerate(text, start=1):
        released += speakable.push(char)
        assert count - len(released) <= 600
    assert released + speakable.flush() == text.removeprefix("```")


def test_endless_white_space_is_not_kept_back() -> None:
    assert len(SpeakableText().push("x" + " " * 2000)) > 1900


def test_a_picture_in_its_address_is_neither_kept_nor_spoken() -> None:
    data = "data:image/png;base64," + "iVBORw0KGgo" * 5000
    assert clean([f'A ![chart]({data}) <img src="{data}"> here']) == "A chart here"


def test_after_a_flush_the_text_goes_on() -> None:
    speakable = SpeakableText()
    assert speakable.push("Let me check. *One") + speakable.flush() == "Let me check. *One"
    assert speakable.push(" moment.\n") + speakable.flush() == " moment.\n"
    assert speakable.push("- It is **done**\n```\nx\n") + speakable.flush() == "It is done\n"
    assert speakable.push("y\n```\nBye") + speakable.flush() == "Bye"
