"""eSpeak NG's voices under the tags that the rest of the world knows: one voice a tag, and the variants that are never listed.

Data and look-ups only. Every voice of eSpeak NG 1.52 that speaks is in the table: not MBROLA's, which need more than the library,
nor MUTE. Its own tags are not always BCP 47, or not what Home Assistant asks for: `cmn` is `zh-CN` here, a language of one voice
has no region, and what no registry knows stands behind `-x-`.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from ...errors import UnknownVoice
from ...models import Gender, Voice

TABLE: dict[str, tuple[str, str]] = {
    "af": ("gmw/af", "Afrikaans"),
    "am": ("sem/am", "Amharic"),
    "an": ("roa/an", "Aragonese"),
    "ar": ("sem/ar", "Arabic"),
    "art-x-pyash": ("art/py", "Pyash"),
    "as": ("inc/as", "Assamese"),
    "az": ("trk/az", "Azerbaijani"),
    "ba": ("trk/ba", "Bashkir"),
    "be": ("zle/be", "Belarusian"),
    "bg": ("zls/bg", "Bulgarian"),
    "bn": ("inc/bn", "Bengali"),
    "bpy": ("inc/bpy", "Bishnupriya Manipuri"),
    "bs": ("zls/bs", "Bosnian"),
    "ca": ("roa/ca", "Catalan"),
    "ca-valencia": ("roa/ca-va", "Catalan (Valencian)"),
    "ca-x-ba": ("roa/ca-ba", "Catalan (Balearic)"),
    "ca-x-nw": ("roa/ca-nw", "Catalan (North-western)"),
    "chr": ("iro/chr", "Cherokee"),
    "cs": ("zlw/cs", "Czech"),
    "cv": ("trk/cv", "Chuvash"),
    "cy": ("cel/cy", "Welsh"),
    "da": ("gmq/da", "Danish"),
    "de": ("gmw/de", "German"),
    "el": ("grk/el", "Greek"),
    "en-029": ("gmw/en-029", "English (Caribbean)"),
    "en-GB": ("gmw/en", "English (Great Britain)"),
    "en-GB-scotland": ("gmw/en-GB-scotland", "English (Scotland)"),
    "en-GB-x-gbclan": ("gmw/en-GB-x-gbclan", "English (Lancaster)"),
    "en-GB-x-gbcwmd": ("gmw/en-GB-x-gbcwmd", "English (West Midlands)"),
    "en-GB-x-rp": ("gmw/en-GB-x-rp", "English (Received Pronunciation)"),
    "en-Shaw": ("gmw/en-Shaw", "English (Shavian alphabet)"),
    "en-US": ("gmw/en-US", "English (America)"),
    "en-US-x-nyc": ("gmw/en-US-nyc", "English (America, New York City)"),
    "eo": ("art/eo", "Esperanto"),
    "es-419": ("roa/es-419", "Spanish (Latin America)"),
    "es-ES": ("roa/es", "Spanish (Spain)"),
    "et": ("urj/et", "Estonian"),
    "eu": ("eu", "Basque"),
    "fa": ("ira/fa", "Persian"),
    "fa-Latn": ("ira/fa-Latn", "Persian (Pinglish)"),
    "fi": ("urj/fi", "Finnish"),
    "fr-BE": ("roa/fr-BE", "French (Belgium)"),
    "fr-CH": ("roa/fr-CH", "French (Switzerland)"),
    "fr-FR": ("roa/fr", "French (France)"),
    "ga": ("cel/ga", "Gaelic (Irish)"),
    "gd": ("cel/gd", "Gaelic (Scottish)"),
    "gn": ("sai/gn", "Guarani"),
    "grc": ("grk/grc", "Greek (Ancient)"),
    "gu": ("inc/gu", "Gujarati"),
    "hak": ("sit/hak", "Hakka Chinese"),
    "haw": ("map/haw", "Hawaiian"),
    "he": ("sem/he", "Hebrew"),
    "hi": ("inc/hi", "Hindi"),
    "hr": ("zls/hr", "Croatian"),
    "ht": ("roa/ht", "Haitian Creole"),
    "hu": ("urj/hu", "Hungarian"),
    "hy": ("ine/hy", "Armenian (East Armenia)"),
    "hyw": ("ine/hyw", "Armenian (West Armenia)"),
    "ia": ("art/ia", "Interlingua"),
    "id": ("poz/id", "Indonesian"),
    "io": ("art/io", "Ido"),
    "is": ("gmq/is", "Icelandic"),
    "it": ("roa/it", "Italian"),
    "ja": ("jpx/ja", "Japanese"),
    "jbo": ("art/jbo", "Lojban"),
    "ka": ("ccs/ka", "Georgian"),
    "kk": ("trk/kk", "Kazakh"),
    "kl": ("esx/kl", "Greenlandic"),
    "kn": ("dra/kn", "Kannada"),
    "ko": ("ko", "Korean"),
    "kok": ("inc/kok", "Konkani"),
    "ku": ("ira/ku", "Kurdish"),
    "ky": ("trk/ky", "Kyrgyz"),
    "la": ("itc/la", "Latin"),
    "lb": ("gmw/lb", "Luxembourgish"),
    "lfn": ("art/lfn", "Lingua Franca Nova"),
    "lt": ("bat/lt", "Lithuanian"),
    "ltg": ("bat/ltg", "Latgalian"),
    "lv": ("bat/lv", "Latvian"),
    "mi": ("poz/mi", "Māori"),
    "mk": ("zls/mk", "Macedonian"),
    "ml": ("dra/ml", "Malayalam"),
    "mr": ("inc/mr", "Marathi"),
    "ms": ("poz/ms", "Malay"),
    "mt": ("sem/mt", "Maltese"),
    "mto": ("miz/mto", "Totontepec Mixe"),
    "my": ("sit/my", "Myanmar (Burmese)"),
    "nb": ("gmq/nb", "Norwegian Bokmål"),
    "nci": ("azc/nci", "Nahuatl (Classical)"),
    "ne": ("inc/ne", "Nepali"),
    "nl": ("gmw/nl", "Dutch"),
    "nog": ("trk/nog", "Nogai"),
    "om": ("cus/om", "Oromo"),
    "or": ("inc/or", "Oriya"),
    "pa": ("inc/pa", "Punjabi"),
    "pap": ("roa/pap", "Papiamento"),
    "pl": ("zlw/pl", "Polish"),
    "pt-BR": ("roa/pt-BR", "Portuguese (Brazil)"),
    "pt-PT": ("roa/pt", "Portuguese (Portugal)"),
    "qdb": ("art/qdb", "Lang Belta"),
    "qu": ("qu", "Quechua"),
    "quc": ("myn/quc", "K'iche'"),
    "qya": ("art/qya", "Quenya"),
    "ro": ("roa/ro", "Romanian"),
    "ru": ("zle/ru", "Russian"),
    "ru-LV": ("zle/ru-LV", "Russian (Latvia)"),
    "ru-x-classic": ("zle/ru-cl", "Russian (Classic)"),
    "sd": ("inc/sd", "Sindhi"),
    "shn": ("tai/shn", "Shan (Tai Yai)"),
    "si": ("inc/si", "Sinhala"),
    "sjn": ("art/sjn", "Sindarin"),
    "sk": ("zlw/sk", "Slovak"),
    "sl": ("zls/sl", "Slovenian"),
    "smj": ("urj/smj", "Lule Saami"),
    "sq": ("ine/sq", "Albanian"),
    "sr": ("zls/sr", "Serbian"),
    "sv": ("gmq/sv", "Swedish"),
    "sw": ("bnt/sw", "Swahili"),
    "ta": ("dra/ta", "Tamil"),
    "te": ("dra/te", "Telugu"),
    "th": ("tai/th", "Thai"),
    "ti": ("sem/ti", "Tigrinya"),
    "tk": ("trk/tk", "Turkmen"),
    "tlh": ("art/piqd", "Klingon"),
    "tn": ("bnt/tn", "Setswana"),
    "tr": ("trk/tr", "Turkish"),
    "tt": ("trk/tt", "Tatar"),
    "ug": ("trk/ug", "Uyghur"),
    "uk": ("zle/uk", "Ukrainian"),
    "ur": ("inc/ur", "Urdu"),
    "uz": ("trk/uz", "Uzbek"),
    "vi": ("aav/vi", "Vietnamese (Northern)"),
    "vi-VN-x-central": ("aav/vi-VN-x-central", "Vietnamese (Central)"),
    "vi-VN-x-south": ("aav/vi-VN-x-south", "Vietnamese (Southern)"),
    "yue-Latn-jyutping": ("sit/yue-Latn-jyutping", "Chinese (Cantonese, Jyutping)"),
    "zh-CN": ("sit/cmn", "Chinese (Mandarin)"),
    "zh-HK": ("sit/yue", "Chinese (Cantonese)"),
    "zh-Latn-pinyin": ("sit/cmn-Latn-pinyin", "Chinese (Mandarin, Pinyin)"),
}
"""Tag → the library's identifier (a file below its `lang` folder), name for people. By the library's word every one is male."""

MUTE = ("art/xex", "gmq/fo", "trk/kaa")
"""Listed by the library, but without a dictionary in its data: they make nothing but silence."""

ALSO: dict[str, tuple[str, ...]] = {
    "en-GB": ("en",),
    "es-419": ("es-MX",),
    "es-ES": ("es",),
    "fr-FR": ("fr",),
    "nb": ("no",),
    "pt-PT": ("pt",),
    "vi": ("vi-VN",),
    "zh-CN": ("cmn", "zh-TW"),
    "zh-HK": ("yue",),
}
"""More tags that a voice answers to, where the nearest one would be wrong: asked for English in a country without an English one,
Home Assistant takes the first in the alphabet, the Caribbean voice; for Chinese in Taiwan, the Cantonese."""

VARIANTS = Path("voices", "!v")
"""Where a data folder keeps them, a file each."""
_GENDER = re.compile(rb"^gender\s+(male|female)\b", re.MULTILINE)


class Voices:
    """The voices that a data folder holds."""

    def __init__(self, engine: str, data: Path) -> None:
        self._engine = engine
        self._data = data

    @cached_property
    def listed(self) -> list[Voice]:
        """Those of the table, in its order. An older library lacks a few."""
        return [self._voice(tag) for tag, (identifier, _) in TABLE.items() if (self._data / "lang" / identifier).is_file()]

    def variant(self, name: str) -> Voice | None:
        """The voice behind a name such as `en-GB+f3`; None if there is no voice before the `+`. Raises UnknownVoice."""
        tag, _, variant = name.partition("+")
        voice = self._by_name.get(tag.casefold())
        return self._voice(voice.name, self._file(variant)) if voice is not None else None

    def identifier(self, name: str) -> str:
        """What the library calls a listed voice or a variant. Raises UnknownVoice."""
        tag, plus, variant = name.partition("+")
        if (voice := self._by_name.get(tag.casefold())) is None:
            msg = f"eSpeak NG has no voice {tag[:80]!r}."
            raise UnknownVoice(msg)
        identifier, _ = TABLE[voice.name]
        return f"{identifier}+{self._file(variant)}" if plus else identifier

    def _file(self, variant: str) -> str:
        """The name of a variant's file. It is looked up in the folder's listing: what a client says is never made into a path."""
        if (file := self._variants.get(variant.casefold())) is None:
            msg = f"eSpeak NG has no variant {variant[:80]!r}. It has {', '.join(self._variants.values())}."
            raise UnknownVoice(msg)
        return file

    @cached_property
    def _by_name(self) -> dict[str, Voice]:
        return {voice.name.casefold(): voice for voice in self.listed}

    @cached_property
    def _variants(self) -> dict[str, str]:
        folder = self._data / VARIANTS
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return {name.casefold(): name for name in names}

    def _voice(self, tag: str, variant: str = "") -> Voice:
        """A listed voice, or one of its variants."""
        return Voice(
            name=f"{tag}+{variant}" if variant else tag,
            engine=self._engine,
            engine_voice=f"{tag}+{variant}" if variant else tag,
            languages=(tag, *ALSO.get(tag, ())),
            description=f"{TABLE[tag][1]}, {variant}" if variant else TABLE[tag][1],
            gender=self._gender(variant) if variant else Gender.MALE,
        )

    def _gender(self, variant: str) -> Gender | None:
        """As far as the variant's file tells."""
        found = _GENDER.search((self._data / VARIANTS / variant).read_bytes())
        return Gender(found[1].decode()) if found else None
