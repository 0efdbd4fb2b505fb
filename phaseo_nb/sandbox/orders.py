"""From a request to what is to be recorded: each provider's own fields, as its service reads them.

``sandbox/band`` honours every word. The services' model names behave like the services, only
shorter: 20 s, or the length that was asked for where the service knows one (ElevenLabs).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .band import LONGEST, SongSpec
from .catalogue import Model
from .studio import Recording

USUAL_SECONDS = 20.0
_LONGEST_TEXT = 8_000  # characters that reach the composer; a song holds no more
_SINGING = re.compile(
    r"\b(vocals?|vocalists?|sing|sings|singing|singers?|sung|voices?|choirs?|a ?cappella)\b",
    re.IGNORECASE,
)
_NO_SINGING = re.compile(
    r"\b(no|without|zero|minus)\s+(any\s+)?(vocals?|vocalists?|singing|singers?|voices?|lyrics)\b"
    r"|\binstrumental\b",
    re.IGNORECASE,
)
_ELEVEN_FORMAT = re.compile(r"(mp3|pcm)_(\d{4,6})(?:_(\d{1,3}))?")
_MP3_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class Order(NamedTuple):
    """What a job is to bring."""

    recordings: tuple[Recording, ...]
    lyrics: str

    @property
    def seconds(self) -> float:
        """Exact length of each track."""
        return self.recordings[0].seconds


class CannotPlay(Exception):
    """The sandbox itself has to refuse."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def phaseo_order(body: Mapping[str, Any], model: Model, take: int) -> Order:
    """Return what a checked Phaseo body orders.

    Raises
    ------
    CannotPlay
        ``sandbox/band`` was asked for more than 600 s, or for AAC without the extra.
    """
    if model.provider == "suno":
        return _suno(body, take)
    if model.provider == "elevenlabs":
        return _elevenlabs(body, take)
    if model.provider == "minimax":
        return _minimax(body, take)
    if model.provider == "google-ai-studio":
        prompt = _text(body.get("prompt"))
        song = SongSpec(prompt=prompt, instrumental=not _is_sung(prompt), take=take)
        return _one(song, Recording(song, "mp3"))
    return _band(body, take)


def udio_order(body: Mapping[str, Any], take: int) -> Order:
    """Return what a checked udioapi.pro body orders: two tracks of 20 s."""
    words, description = _text(body.get("prompt")), _text(body.get("gpt_description_prompt"))
    custom = body.get("custom_mode")
    is_lyrics = bool(words.strip()) and "token" not in body if custom is None else bool(custom)
    if not is_lyrics:
        description = description or words
    instrumental = body.get("make_instrumental") is True
    song = SongSpec(
        prompt="" if is_lyrics else description,
        style=_text(body.get("style")),
        lyrics=words if is_lyrics and not instrumental else "",
        title=_title(body.get("title")),
        negative=_text(body.get("tags")),
        instrumental=instrumental,
        voice={"male": "m", "female": "f"}.get(_text(body.get("gender"))),
        take=take,
    )
    return pair_of(song)


def _band(body: Mapping[str, Any], take: int) -> Order:
    suno = _object(body.get("suno"))
    prompt, style = _text(body.get("prompt") or suno.get("prompt")), _text(suno.get("style"))
    lyrics, voice = _text(body.get("lyrics")), suno.get("vocalGender")
    if suno.get("customMode") is True and not lyrics:
        lyrics, prompt = prompt, ""
    flags = (body.get("is_instrumental"), suno.get("instrumental"))
    flag = next((flag for flag in flags if isinstance(flag, bool)), None)
    sung = bool(lyrics.strip()) or voice is not None or _is_sung(f"{prompt}\n{style}")
    instrumental = flag if flag is not None else not sung
    seconds = float(body.get("duration") or USUAL_SECONDS)
    if seconds > LONGEST:
        message = f"The sandbox plays up to {LONGEST:.0f} seconds, not {seconds:.0f}."
        msg = "sandbox_duration_limit"
        raise CannotPlay(msg, message)
    format = body.get("format") or "mp3"
    if format == "aac" and importlib.util.find_spec("av") is None:
        message = 'AAC needs an extra: pip install "phaseo-nb[aac]". mp3, wav and ogg work without.'
        msg = "sandbox_aac_needs_extra"
        raise CannotPlay(msg, message)
    song = SongSpec(
        prompt=prompt,
        style=style,
        lyrics="" if instrumental else lyrics,
        title=_title(suno.get("title")),
        negative=_text(suno.get("negativeTags")),
        instrumental=instrumental,
        voice=voice,
        duration=seconds,
        take=take,
    )
    return _one(song, Recording(song, format))


def _suno(body: Mapping[str, Any], take: int) -> Order:
    suno = _object(body.get("suno"))
    inner = suno.get("prompt")
    prompt = _text(body.get("prompt") if inner is None else inner)
    custom, instrumental = suno.get("customMode") is True, suno.get("instrumental") is True
    is_lyrics = custom and not instrumental
    song = SongSpec(
        prompt="" if is_lyrics else prompt,
        style=_text(suno.get("style")) if custom else "",
        lyrics=prompt if is_lyrics else "",
        title=_title(suno.get("title")) if custom else None,
        negative=_text(suno.get("negativeTags")),
        instrumental=instrumental,
        voice=suno.get("vocalGender"),
        take=take,
    )
    return pair_of(song)


def _minimax(body: Mapping[str, Any], take: int) -> Order:
    minimax = _object(body.get("minimax"))
    lyrics = minimax.get("lyrics")
    lyrics = _text(body.get("lyrics") if lyrics is None else lyrics)
    flags = (minimax.get("is_instrumental"), body.get("is_instrumental"))
    flag = next((flag for flag in flags if isinstance(flag, bool)), None)
    writes = minimax.get("lyrics_optimizer") is True
    instrumental = flag if flag is not None else not (lyrics.strip() or writes)
    prompt = minimax.get("prompt")
    song = SongSpec(
        prompt=_text(body.get("prompt") if prompt is None else prompt),
        lyrics="" if instrumental else lyrics,
        instrumental=instrumental,
        take=take,
    )
    setting = _object(minimax.get("audio_setting"))
    bitrate = int(setting["bitrate"]) // 1000 if "bitrate" in setting else None
    format = body.get("format") or setting.get("format") or "mp3"
    return _one(song, Recording(song, format, int(setting.get("sample_rate", 44_100)), bitrate))


def _elevenlabs(body: Mapping[str, Any], take: int) -> Order:
    own = _object(body.get("elevenlabs"))
    plan = _object(own.get("composition_plan"))
    sections = [_object(item) for item in _list(plan.get("sections") or plan.get("chunks"))]
    styles = _words(plan.get("positive_global_styles"))
    styles += [word for part in sections for word in _words(part.get("positive_local_styles"))]
    lyrics = "\n".join(
        line
        for part in sections
        for line in (f"[{_text(part.get('section_name')) or 'Verse'}]", *_words(part.get("lines")))
    )
    has_lines = any(_words(part.get("lines")) for part in sections)
    prompt = _text(body.get("prompt") if own.get("prompt") is None else own["prompt"])
    instrumental = own.get("force_instrumental") is True or not (has_lines or _is_sung(prompt))
    song = SongSpec(
        prompt=prompt,
        style=_text(", ".join(styles)),
        lyrics="" if instrumental else _text(lyrics),
        negative=_text(", ".join(_words(plan.get("negative_global_styles")))),
        instrumental=instrumental,
        duration=_eleven_seconds(body, own, sections),
        take=take,
    )
    return _one(song, eleven_recording(song, body.get("format"), own.get("output_format")))


def _eleven_seconds(
    body: Mapping[str, Any], own: Mapping[str, Any], sections: list[Mapping[str, Any]]
) -> float:
    planned = sum(_milliseconds(part.get("duration_ms")) for part in sections) / 1000
    asked = own.get("music_length_ms")
    seconds = asked / 1000 if asked else body.get("duration") or planned or USUAL_SECONDS
    return float(min(max(seconds, 0.5), LONGEST))


def eleven_recording(song: SongSpec, format: str | None, output_format: Any) -> Recording:
    """Return what ElevenLabs would send: ``wav`` is bare PCM there, ogg and aac become mp3."""
    wanted = _text(output_format) or ("pcm_44100" if format == "wav" else "mp3_44100_128")
    match = _ELEVEN_FORMAT.fullmatch(wanted)
    kind, rate = (match.group(1), int(match.group(2))) if match else ("mp3", 44_100)
    if kind == "pcm":
        return Recording(song, "pcm", min(max(rate, 8_000), 48_000))
    kbps = int(match.group(3)) if match and match.group(3) else 128
    return Recording(song, "mp3", rate if rate in _MP3_RATES else 44_100, min(max(kbps, 32), 320))


def _milliseconds(value: Any) -> float:
    """Read a length that no schema has checked."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(min(max(value, 0), LONGEST * 1000))  # compared before converted: any size of int


def _one(song: SongSpec, recording: Recording) -> Order:
    return Order((recording,), song.lyrics)


def pair_of(song: SongSpec, lyrics: str | None = None) -> Order:
    """Return an order for two tracks of a song, whose words are said to be those lyrics."""
    songs = (song, replace(song, variation=1))
    words = song.lyrics if lyrics is None else lyrics
    return Order(tuple(Recording(each, "mp3") for each in songs), words)


def _is_sung(text: str) -> bool:
    return bool(_SINGING.search(text)) and not _NO_SINGING.search(text)


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _title(value: Any) -> str | None:
    return _text(value).strip()[:200] or None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> list[str]:
    return [word for word in _list(value) if isinstance(word, str) and word.strip()]
