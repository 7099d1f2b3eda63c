"""What a voice says of itself, in its language, and what that language calls itself: a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..api import Order, Voice
from ..orders import Speech

FORMAT = "MP3"
"""Every browser and player has it."""
LEAD = 10.0
"""Seconds by which audio may be ahead of real time: a sentence is whole at once."""


class Tongue(NamedTuple):
    name: str
    """In itself."""
    sentence: str


ENGLISH = Tongue("English", "Hello! This is how I sound. It is a pleasure to speak for you.")
TONGUES: Mapping[str, Tongue] = {
    "ar": Tongue("العربية", "مرحبا! هذا هو صوتي. يسعدني أن أتحدث إليكم."),
    "cs": Tongue("Čeština", "Dobrý den! Takhle zní můj hlas. Těší mě, že pro vás mohu mluvit."),
    "da": Tongue("Dansk", "Hej! Sådan lyder min stemme. Det er en fornøjelse at tale for dig."),
    "de": Tongue("Deutsch", "Hallo! So klinge ich. Es ist mir eine Freude, für Sie zu sprechen."),
    "el": Tongue("Ελληνικά", "Γεια σας! Αυτή είναι η φωνή μου. Χαίρομαι που μιλάω για εσάς."),
    "en": ENGLISH,
    "es": Tongue("Español", "¡Hola! Así suena mi voz. Es un placer hablar para usted."),
    "fi": Tongue("Suomi", "Hei! Tältä ääneni kuulostaa. On ilo puhua sinulle."),
    "fr": Tongue("Français", "Bonjour ! Voici ma voix. C'est un plaisir de parler pour vous."),
    "hi": Tongue("हिन्दी", "नमस्ते! मेरी आवाज़ ऐसी है। आपके लिए बोलना मेरे लिए खुशी की बात है।"),
    "hu": Tongue("Magyar", "Jó napot! Ilyen a hangom. Örömmel beszélek Önnek."),
    "id": Tongue("Bahasa Indonesia", "Halo! Beginilah suara saya. Senang berbicara untuk Anda."),
    "it": Tongue("Italiano", "Ciao! Questa è la mia voce. È un piacere parlare per lei."),
    "ja": Tongue("日本語", "こんにちは。これが私の声です。どうぞよろしくお願いします。"),
    "ko": Tongue("한국어", "안녕하세요! 제 목소리는 이렇습니다. 만나서 반갑습니다."),
    "nl": Tongue("Nederlands", "Hallo! Zo klink ik. Het is een genoegen om voor u te spreken."),
    "pl": Tongue("Polski", "Dzień dobry! Tak brzmi mój głos. Miło mi mówić dla państwa."),
    "pt": Tongue("Português", "Olá! Esta é a minha voz. É um prazer falar para você."),
    "ro": Tongue("Română", "Bună ziua! Așa sună vocea mea. Este o plăcere să vorbesc pentru dumneavoastră."),
    "ru": Tongue("Русский", "Здравствуйте! Так звучит мой голос. Мне приятно говорить для вас."),
    "sv": Tongue("Svenska", "Hej! Så här låter min röst. Det är ett nöje att tala för dig."),
    "th": Tongue("ไทย", "สวัสดี นี่คือเสียงของฉัน ยินดีที่ได้พูดคุยกับคุณ"),
    "tr": Tongue("Türkçe", "Merhaba! Sesim böyle. Sizin için konuşmak bir zevk."),
    "uk": Tongue("Українська", "Вітаю! Так звучить мій голос. Мені приємно говорити для вас."),
    "vi": Tongue("Tiếng Việt", "Xin chào! Đây là giọng nói của tôi. Rất vui được nói chuyện với bạn."),
    "yue": Tongue("粵語", "你好！呢個就係我把聲。好高興可以同你講嘢。"),
    "zh": Tongue("中文", "你好！这就是我的声音，很高兴为你朗读。"),
}
"""By base language; whoever speaks another one says it in English."""
SENTENCES = {"zh-TW": "你好！這就是我的聲音，很高興為你朗讀。", "zh-HK": TONGUES["yue"].sentence}
"""Of variants that are written otherwise."""


def base(tag: str) -> str:
    return tag.partition("-")[0]


def name_of(language: str) -> str:
    """For people."""
    return TONGUES[language].name if language in TONGUES else language


def sentence(language: str) -> str:
    return SENTENCES.get(language) or TONGUES.get(base(language), ENGLISH).sentence


def preview(entry_id: str, voice: Voice, settings: Mapping[str, Any]) -> Speech:
    """A voice that introduces itself. Nobody else speaks for it."""
    order = Order(voice=voice.name, format=FORMAT, pace=LEAD, options={**settings, "fallback": False})
    return Speech(entry_id=entry_id, text=sentence(voice.language), order=order)
