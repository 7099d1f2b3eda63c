"""Where sentences end, language by language: each line is a text, its sentences parted by a bar."""

from __future__ import annotations

import pytest

from wyoming_server.models import Sentence
from wyoming_server.text.sentences import SentenceSplitter, is_speakable

from .feeding import split, texts

ENDS = """
Hello there.| How are you?| I am fine!
ok?| yes.| sure!| bye
What?!| No way!!!| Well.
Turn on the TV.| Then wait.
It costs 3.5 dollars.| Version 1.2.3 is out.| Python 3.14.| Done.
The time is 7:30 p.m.| Then he left at 6 a.m. and slept.
Dr. Smith met Mr. and Mrs. Jones, e.g. in the U.S. Army.| J. R. R. Tolkien wrote it.
She has a Ph.D. in physics, i.e. she knows.| Milk, eggs, etc.| That is all.
See No. 5 and fig. 3 on p. 12.| No.| I will not.
Wait...| Then go.| Wait... what?| Well… maybe.| Well…| Maybe.
Wait . . . what.| Yes.
Look at example.com or Node.js.| Write to me@example.org.| Bye.
"Stop!" she said.| "Go."| Then he left.| (Really?)| Yes.| (He came late!).| So.
He said 'yes!'| Then 'no'.| It was Bob's.| Then Ann's.
It is 72 °F.| Tomorrow it is 20 °C.| Drive 50 km/h.| Use USB-C.| It weighs 5 kg.| Good.
The light is at 21.| Shall I dim it?| It is 50%.| It costs 5 €.| Fine.
1. Preheat the oven.| 2. Bake.
Yahoo!, the company, exists?, she asked.
Great!|🎉 Next.|🎉🎉

好的。|现在打开灯！|还有别的吗？|没有
他说：“好的！”|然后走了。|“你好！”，他说。
他说:"好的。"|然后走了。|"第二句。"|完
温度是3.5元。|现在是７：３０。|Python 3.14很好。
我……|不知道。|真的吗？！|是的。
湿度50%。|Hello。|Hello.|你好
「そうですね！」|と言った。|今日はいい天気ですね。|３．５度です。
안녕하세요.| 오늘은 맑아요!| 네

Am 3. Oktober ist z.B. frei, d.h. geschlossen.| Der 2. Mann, Dr. h. c. Meier, bzw. Frau Prof. Kunz kam.
„Halt!“, rief er.| »Hallo!«| Dann ging er.| „Gut.“| „Ja!“| Ende.
Heute ist der 24.12. und morgen der 25.12.| Es kostet ca. 5 Euro usw.| Das ist alles.
Das ist 5.| Dann kommt 6.| Heute ist Montag, 3. Oktober.
„Ja!“| 好。|“然后”

« Bonjour ! »| M. Dupont arriva, p. ex. hier.| Vraiment ?| Oui.
« Ça va ? » dit-il.| « Oui ! »| Mme Blanc et MM. Noir etc. sont là.

¿Cómo está, Sra. García?| ¡Bien!| Los EE. UU. son grandes.| Ud. tiene razón, p. ej. hoy.

Это г. Москва, т.е. столица.| Он сказал: «Да!»| Что?..| Нет.| А. С. Пушкин писал и т. д. и т. п.

هل أنت بخير؟| نعم، شكرا.| د. أحمد هنا۔| حسنا
नमस्ते।| आप कैसे हैं?| डॉ. शर्मा ठीक हैं॥| अच्छा
Բարեւ։| Լավ։
ሰላም።| እሺ።
"""


@pytest.mark.parametrize("line", filter(None, ENDS.splitlines()))
def test_a_sentence_ends_where_a_reader_ends_it(line: str) -> None:
    expected = [sentence.strip() for sentence in line.split("|")]
    text = line.replace("|", "")
    assert texts(split([text])) == expected
    assert texts(split(text)) == expected


def test_a_line_is_a_sentence() -> None:
    assert texts(split(["Title\nfirst item\r\n\n  second item\u2028third"])) == ["Title", "first item", "second item", "third"]


def test_sentences_know_where_they_stand() -> None:
    assert split(["  One. \n", "Two"]) == [Sentence(text="One.", start=2), Sentence(text="Two", start=8)]


def test_what_cannot_be_spoken_joins_the_next_sentence() -> None:
    assert texts(split(["... Yes. ！！！好。"])) == ["... Yes.", "！！！好。"]


def test_white_space_alone_is_no_sentence() -> None:
    assert split([" \n", "\t", "\u3000 "]) == []


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        (["It costs 3", ".", "5 dollars"], [[], [], []]),
        (["It rains.", " "], [[], ["It rains."]]),
        (["No!", "”", "”", "x"], [[], [], [], []]),
        (["不！", "”", "然"], [[], [], ["不！”"]]),
        (["不。", "\n"], [[], ["不。"]]),
        (["At 7 p.m.", " ", "T"], [[], [], ["At 7 p.m."]]),
        (["At 7 p.m.", " ", "to"], [[], [], []]),
    ],
)
def test_a_sentence_comes_out_with_the_character_that_proves_its_end(fragments: list[str], expected: list[list[str]]) -> None:
    splitter = SentenceSplitter()
    assert [texts(splitter.push(fragment)) for fragment in fragments] == expected


def test_after_a_flush_the_text_goes_on() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("Let me check.") == []
    assert splitter.flush() == [Sentence(text="Let me check.", start=0)]
    assert splitter.flush() == []
    assert splitter.push(" It is 5 p.m. now. ") == [Sentence(text="It is 5 p.m. now.", start=14)]


# The first piece, and limits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # at the first comma beyond 24 letters
        ("Well, I think that this is, in the end, a fine idea.", ["Well, I think that this is,", "in the end, a fine idea."]),
        # eight Chinese characters are as long as 24 letters
        ("好的，我马上帮你把灯打开，然后把空调调到二十六度。", ["好的，我马上帮你把灯打开，", "然后把空调调到二十六度。"]),
        ("今日の天気は晴れのち曇り、最高気温は二十度です。", ["今日の天気は晴れのち曇り、", "最高気温は二十度です。"]),
        # only the first piece
        ("Yes. There are three of them in the kitchen, and two more in the hall.",
         ["Yes.", "There are three of them in the kitchen, and two more in the hall."]),
        # not before a tiny remainder
        ("The lights in the living room are on now, sir. Good.", ["The lights in the living room are on now, sir.", "Good."]),
        # not inside a number or a time
        ("One in every 1,000,000 people wakes at 7:30 in May.", ["One in every 1,000,000 people wakes at 7:30 in May."]),
        ("现在的北京时间大约是晚上7：30左右，你该休息了吧。", ["现在的北京时间大约是晚上7：30左右，", "你该休息了吧。"]),
        # a closing quote stays with its comma
        ("“The kitchen light is on now,” said the house to him.", ["“The kitchen light is on now,”", "said the house to him."]),
        # dashes: a spaced one, a long one, none between numbers
        ("It takes two or three weeks – sometimes it is longer.", ["It takes two or three weeks –", "sometimes it is longer."]),
        ("You have three new messages—none of them is urgent.", ["You have three new messages—", "none of them is urgent."]),
        ("It will take somewhere from 10–20 or so 30—40 minutes.", ["It will take somewhere from 10–20 or so 30—40 minutes."]),
        ("هناك ثلاث رسائل جديدة في البريد، ولكن لا شيء عاجل.", ["هناك ثلاث رسائل جديدة في البريد،", "ولكن لا شيء عاجل."]),
    ],
)  # fmt: skip
def test_the_first_piece_may_end_at_a_comma(text: str, expected: list[str]) -> None:
    assert texts(split([text], first_min=24)) == expected
    assert texts(split(text, first_min=24)) == expected


def test_the_first_piece_comes_out_before_its_sentence_is_whole() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("好的，我马上帮你把灯打开，") == []
    assert texts(splitter.push("然后把")) == ["好的，我马上帮你把灯打开，"]


def test_a_long_sentence_ends_at_its_last_comma() -> None:
    text = "one two three, " * 20
    sentences = texts(split([text], soft_limit=100, hard_limit=150))
    assert sentences == [("one two three, " * 6).strip()] * 3 + [("one two three, " * 2).strip()]


def test_a_long_sentence_without_a_comma_so_far_ends_at_the_next() -> None:
    text = "word " * 22 + "last, and then some more."
    assert texts(split([text], soft_limit=100, hard_limit=150)) == [("word " * 22 + "last,"), "and then some more."]


def test_text_without_punctuation_ends_between_words() -> None:
    sentences = texts(split(["word " * 2000]))
    assert set(sentences) == {("word " * 60).strip(), ("word " * 20).strip()}
    assert len(sentences) == 34


def test_a_word_is_cut_only_when_it_alone_is_too_long() -> None:
    assert texts(split(["Hi " + "a" * 700])) == ["Hi", "a" * 300, "a" * 300, "a" * 100]


def test_a_cut_word_begins_anew() -> None:
    text = "x" * 30 + "Dr. Who"
    assert texts(split([text], hard_limit=30)) == texts(split(text, hard_limit=30)) == ["x" * 30, "Dr. Who"]


def test_no_piece_begins_with_a_comma_or_a_closing_bracket() -> None:
    assert texts(split(["好" * 300 + "，" + "好" * 10])) == ["好" * 299, "好，" + "好" * 10]
    assert texts(split(["好" * 299 + "（好）" + "好" * 10])) == ["好" * 299, "（好）" + "好" * 10]


def test_chinese_without_punctuation_is_cut_anywhere_but_not_within_a_latin_word() -> None:
    assert texts(split(["Hi " + "好" * 400])) == ["Hi " + "好" * 297, "好" * 103]
    assert texts(split(["好" * 298 + "Home Assistant"])) == ["好" * 298, "Home Assistant"]


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "👩‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪",
        "❤️",
        "1️⃣",
        "क्षि",
        "\ud83d\ude00",
        "🏴\U000e0067\U000e0062\U000e0065\U000e007f",
        "が".replace("が", "か\u3099"),
    ],
)
def test_what_a_reader_sees_as_one_character_stays_whole(cluster: str) -> None:
    sentences = texts(split(["x" + cluster * 400], soft_limit=100, hard_limit=100))
    assert max(map(len, sentences)) > 100 - len(cluster)
    assert all(sentence.replace(cluster, "") in ("", "x") for sentence in sentences)


def test_the_hard_limit_holds_even_for_one_endless_character() -> None:
    assert max(map(len, texts(split(["e" + "\u0301" * 1000])))) == 300


@pytest.mark.parametrize("text", ["a", "5", "你", "½", "%", "€", "5 + 5", "+", "°", "नमस्ते", "...x", "①"])
def test_letters_digits_and_signs_are_speakable(text: str) -> None:
    assert is_speakable(text)


@pytest.mark.parametrize("text", ["", " \n", "...", "—", "😀", "👩‍👧", "”。", "*_~`#|", "\u200d\ufe0f", "•", "<>"])
def test_punctuation_and_emoji_alone_are_not_speakable(text: str) -> None:
    assert not is_speakable(text)
