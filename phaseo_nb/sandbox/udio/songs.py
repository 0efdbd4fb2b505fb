"""Songs made of songs: what goes on from one, and what puts one into another style.

The band reads words, so what is to stay is said in words: key, tempo, metre, genre and players
stand before what the request says. A continuation is the continuation alone, without the part
that it goes on from; its tune is a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..band import Score, SongSpec, compose
from ..band.form import read_lyrics
from ..band.lexicon import INSTRUMENTS, KITS
from ..band.score import Section
from ..band.vocabulary import read_wishes
from ..orders import Order, pair_of, udio_order

_LONGEST_TEXT = 8_000
_WORD_FOR = {
    voice: words.partition(",")[0].strip() for voice, words in (*INSTRUMENTS.items(), *KITS.items())
}
_WORD_FOR["distlead"] = _WORD_FOR["distguitar"]
_NAMED_IN_TURN = ("lead", "chords", "pad", "bass", "drums")


def continuation(original: SongSpec, at: float, body: Mapping[str, Any], take: int) -> Order:
    """Return what goes on from a song at ``at`` seconds: two tracks of 20 s.

    Key, tempo, metre and genre are the original's, and so are the singer and, as far as words can
    name them, the players. The form is what followed there, or what the new lyrics say.
    """
    score = compose(original)
    asked = udio_order({"make_instrumental": False, **body}, take).recordings[0].song
    flag = body.get("make_instrumental")
    instrumental = flag if isinstance(flag, bool) else original.instrumental and not asked.lyrics
    words = "" if instrumental else asked.lyrics
    said = words or ("" if instrumental else original.lyrics)
    vocals = score.layer("vocals")
    song = SongSpec(
        prompt=_joined(_character(score), _players(score), original.prompt, asked.prompt),
        style=_joined(original.style, asked.style),
        lyrics=_with_form(words) if words else _what_follows(score, at, is_sung=not instrumental),
        title=asked.title or score.title,
        negative=_joined(original.negative, asked.negative),
        instrumental=instrumental,
        voice=asked.voice or (vocals.voice if vocals else original.voice),
        take=take,
    )
    return pair_of(song, said)


def cover(original: SongSpec | None, body: Mapping[str, Any], take: int) -> Order:
    """Return a song in a new style: two tracks of 20 s.

    Key, tempo and metre are the original's, and so are its words and its name where the request
    has none; of an original that nobody here knows, nothing is kept.
    """
    order = udio_order(body, take)
    asked = order.recordings[0].song
    if original is None:
        return order
    score = compose(original)
    named = read_wishes(asked.prompt, asked.style).genre
    song = replace(
        asked,
        prompt=_joined(_character(score, has_genre=False), asked.prompt),
        style=asked.style if named else _joined(asked.style, score.genre),
        lyrics=asked.lyrics or ("" if asked.instrumental else original.lyrics),
        title=asked.title or score.title,
    )
    return pair_of(song)


def _character(score: Score, *, has_genre: bool = True) -> str:
    genre = [score.genre] if has_genre else []
    metre = ["3/4"] if score.beats_per_bar == 3 else []
    return ", ".join([*genre, f"{score.bpm:g} bpm", f"in {score.key} {score.mode}", *metre])


def _players(score: Score) -> str:
    layers = [score.layer(name) for name in _NAMED_IN_TURN]
    voices = [layer.voice for layer in layers if layer is not None]
    return ", ".join(_WORD_FOR[voice] for voice in voices if voice in _WORD_FOR)


def _what_follows(score: Score, at: float, *, is_sung: bool) -> str:
    """Return the form from there on as tags, with the words of its sections."""
    rest = [part for part in score.sections if part.start >= at and part.name != "outro"]
    if not rest:  # nothing is left: once more the section with the most in it, and out
        rest = [max(score.sections, key=lambda part: part.energy)]
    parts = [_tagged(part, is_sung=is_sung) for part in rest]
    return "\n".join([*parts, "[Outro]"])


def _tagged(part: Section, *, is_sung: bool) -> str:
    return "\n".join([f"[{part.name.title()}]", *(part.lines if is_sung else ())])


def _with_form(words: str) -> str:
    tagged, _ = read_lyrics(words)
    return words if tagged else f"[Verse]\n{words}\n[Outro]"


def _joined(*texts: str) -> str:
    return ". ".join(text for text in texts if text.strip())[:_LONGEST_TEXT]
