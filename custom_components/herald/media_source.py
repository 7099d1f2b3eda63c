"""`media-source://herald/…`: voices to be looked through and heard, and announcements that wait for their player.

announcement/TOKEN             what somebody is to hear
silence                        a moment of nothing, which stops what somebody hears
voices/SERVER/LANGUAGE/VOICE   a voice that introduces itself; SERVER is the server's id, each part is quoted as in an address
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

from homeassistant.components.media_player.const import MediaClass, MediaType
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import BrowseMediaSource, MediaSource, MediaSourceItem, PlayMedia, Unresolvable
from homeassistant.core import HomeAssistant

from .announcing.stream import ANNOUNCEMENT, STREAMS
from .announcing.view import SILENCE_PATH, SILENT
from .const import DOMAIN
from .coordinator import HeraldConfigEntry
from .speech import previews, voices
from .views import PREVIEW, address

VOICES = "voices"


async def async_get_media_source(hass: HomeAssistant) -> HeraldMediaSource:
    return HeraldMediaSource(hass)


class HeraldMediaSource(MediaSource):
    name = "Herald"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self.hass = hass

    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Where it can be fetched. Raises Unresolvable."""
        match _parts(item):
            case [kind, token] if kind == ANNOUNCEMENT:
                return self._announcement(token)
            case [kind] if kind == SILENT:
                return PlayMedia(_unsigned(SILENCE_PATH), "audio/wav")
            case [kind, server, _, voice] if kind == VOICES:
                return self._preview(server, voice)
        raise _unresolvable()

    def _announcement(self, token: str) -> PlayMedia:
        stream = self.hass.data[STREAMS].get(token)
        if stream is None:
            raise _unresolvable()
        return PlayMedia(stream.url, stream.mime_type)

    def _preview(self, server: str, name: str) -> PlayMedia:
        entry = self._entry(server)
        able = [] if entry is None else voices.able(entry.runtime_data.data.catalogue)
        voice = next((one for one in able if one.name == name), None)
        if entry is None or voice is None:
            raise _unresolvable()
        speech = previews.preview(entry.entry_id, voice, {})
        return PlayMedia(_unsigned(address(self.hass, PREVIEW, speech)), speech.mime_type)

    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Servers, their languages, and who speaks them. Raises BrowseError."""
        entries = self._entries()
        match _parts(item):
            case []:
                children: Iterable[BrowseMediaSource] = [
                    _folder([VOICES, entry.unique_id or ""], entry.title) for entry in entries
                ]
                return _folder([], "Herald", children)
            case [kind, server] if kind == VOICES and (entry := self._entry(server)) is not None:
                return _folder([VOICES, server], entry.title, _languages(entry, server))
            case [kind, server, language] if kind == VOICES and (entry := self._entry(server)) is not None:
                title = previews.name_of(language)
                return _folder([VOICES, server, language], title, _voices(entry, server, language))
        raise BrowseError(translation_domain=DOMAIN, translation_key="media_gone")

    def _entries(self) -> list[HeraldConfigEntry]:
        entries: list[HeraldConfigEntry] = self.hass.config_entries.async_loaded_entries(DOMAIN)
        return entries

    def _entry(self, server: str) -> HeraldConfigEntry | None:
        return next((entry for entry in self._entries() if entry.unique_id == server), None)


def _languages(entry: HeraldConfigEntry, server: str) -> list[BrowseMediaSource]:
    tags = voices.languages(voices.able(entry.runtime_data.data.catalogue))
    names = {tag: previews.name_of(tag) for tag in dict.fromkeys(map(previews.base, tags))}
    return [_folder([VOICES, server, tag], name) for tag, name in sorted(names.items(), key=lambda named: named[1])]


def _voices(entry: HeraldConfigEntry, server: str, language: str) -> list[BrowseMediaSource]:
    return [
        BrowseMediaSource(
            domain=DOMAIN,
            identifier=_identifier([VOICES, server, language, voice.voice_id]),
            media_class=MediaClass.MUSIC,
            media_content_type="audio/mpeg",
            title=voice.name,
            can_play=True,
            can_expand=False,
        )
        for voice in voices.choices(voices.able(entry.runtime_data.data.catalogue), language)
    ]


def _folder(parts: list[str], title: str, children: Iterable[BrowseMediaSource] | None = None) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=_identifier(parts) or None,
        media_class=MediaClass.DIRECTORY,
        media_content_type=MediaType.MUSIC,
        title=title,
        can_play=False,
        can_expand=True,
        children=None if children is None else list(children),
    )


def _identifier(parts: list[str]) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _parts(item: MediaSourceItem) -> list[str]:
    return [unquote(part) for part in item.identifier.split("/")] if item.identifier else []


def _unsigned(address: str) -> str:
    """With a query Home Assistant adds no signature to it: the token is enough, and some players take no long address."""
    return f"{address}?play"


def _unresolvable() -> Unresolvable:
    return Unresolvable(translation_domain=DOMAIN, translation_key="media_gone")
