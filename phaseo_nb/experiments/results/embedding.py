"""Which part of recordings goes into a page that many of them share, and their waveforms.

A page may hold so many bytes of audio. Where all recordings fit they go in as they are; else the
small ones do, and of the others a beginning as small mp3, so long that everything fits.
"""

from __future__ import annotations

import base64
import os
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ...audio.sniff import sniff
from ...errors import AudioError
from ...phrases import size
from ...takes.player import _preview

if TYPE_CHECKING:
    from ...audio.codecs import FloatArray
    from ...takes import KeptTrack

GRID_BYTES = 6_000_000
"""Of audio in a grid of players."""
LIGHT_FROM = 100
"""Tracks; from here on the players of a grid are light: a beginning each."""
LIGHT_BYTES = 4_000_000
MOST_SOUNDS = 200
"""Players with sound in one grid; the others are words."""
_LEAST = 12_000
"""Bytes of a beginning that is worth hearing: three seconds."""
_MOST_KBPS = 96  # of a beginning; see takes/player.py


class Sound(NamedTuple):
    """What of a recording goes into a page."""

    source: str | None = None
    """A ``data:`` address, or a file beside the page; ``None`` where there is nothing to play."""
    picture: str | None = None
    """``data:`` address of its waveform."""
    note: str = ""
    """That it is a beginning, or why there is nothing."""
    n_bytes: int = 0


def sounds_of(
    tracks: Sequence[KeptTrack], most_bytes: int, *, most_each: int | None = None
) -> list[Sound]:
    """Return what of each recording goes into a page, worked out by several threads.

    Parameters
    ----------
    tracks
        All of the page.
    most_bytes
        Of audio in the page, all together, before base64 makes it a third larger.
    most_each
        Of one recording.
    """
    sizes = [_size(track) for track in tracks]
    room = _rooms(sizes, most_bytes, most_each)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(_sound, tracks, room))


def linked_sounds(tracks: Sequence[KeptTrack], links: Sequence[str | None]) -> list[Sound]:
    """Return players for recordings that lie in files beside the page."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        pictures = list(pool.map(_waveform, tracks))
    return [Sound(link, picture) for link, picture in zip(links, pictures, strict=True)]


def _size(track: KeptTrack) -> int:
    return track.size_bytes or 0


def _rooms(sizes: Sequence[int], most_bytes: int, most_each: int | None) -> list[int]:
    """Return how many bytes each may take: what small ones leave, large ones share."""
    rooms = [0] * len(sizes)
    left, waiting = most_bytes, len(sizes)
    for place in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        share = left // waiting
        rooms[place] = min(share, sizes[place] if sizes[place] else share)
        if most_each is not None:
            rooms[place] = min(rooms[place], most_each)
        left, waiting = left - rooms[place], waiting - 1
    return rooms


_MADE: weakref.WeakKeyDictionary[KeptTrack, tuple[int, Sound]] = weakref.WeakKeyDictionary()
"""The last beginning that was made of a recording, and for how many bytes."""


def _sound(track: KeptTrack, room: int) -> Sound:
    """Return what of a recording fits; any trouble with it is a word, never an error."""
    made = _MADE.get(track)
    if made is not None and made[0] == room:
        return made[1]
    try:
        data = track.playable
        kind = sniff(data)
        if kind is not None and len(data) <= max(room, 0):
            return Sound(address(data, kind.mime), _waveform(track), "", len(data))
        if room < _LEAST:
            return Sound(note=f"Left out: {size(len(data))} are too much beside the others.")
        samples, rate = _beginning(track, data, room)
        preview, how = _preview(samples, rate, room)
    except AudioError as error:
        return Sound(note=str(error))
    if not preview:
        return Sound(note=f"Left out: {size(len(data))} are too much beside the others.")
    heard = samples[:, : round(_seconds_in(how, samples.shape[1] / rate) * rate)]
    note = f"Preview, {how}; the recording has {size(len(data))}."
    sound = Sound(address(preview, "audio/mpeg"), _picture(heard), note, len(preview))
    _MADE[track] = room, sound
    return sound


def _beginning(track: KeptTrack, data: bytes, room: int) -> tuple[FloatArray, int]:
    """Decode only as much as the preview can hold: of three minutes that is a tenth of the work."""
    from ...audio.codecs import decode

    seconds = track.seconds  # of the file: what a service says about it may be wrong
    wanted = room * 8 / 32_000 + 1  # at the least bit rate of a preview
    if seconds and track.format in ("mp3", "wav", "pcm", "ogg") and wanted < seconds / 2:
        cut = data[: int(len(data) * wanted / seconds) + 100_000]
        if track.format == "mp3":  # the decoder would complain aloud that the rest is missing
            for mark in (b"Xing", b"Info", b"VBRI"):
                cut = cut.replace(mark, bytes(4))
        try:
            samples, rate = decode(cut)
        except AudioError:
            pass  # not every file can be read from its beginning alone
        else:
            if samples.shape[1] / rate >= wanted:
                return samples[:, : round(wanted * rate)], rate
    return track.audio()


def _seconds_in(how: str, whole: float) -> float:
    """Return how long a preview is, from what is said about it."""
    _, _, first = how.partition(", the first ")
    return float(first.removesuffix(" s")) if first else whole


def _waveform(track: KeptTrack) -> str | None:
    if not track.is_readable:
        return None
    return address(track._waveform_png, "image/png")


def _picture(samples: FloatArray) -> str:
    from ...audio.pictures import waveform_png

    return address(waveform_png(samples), "image/png")


def address(data: bytes, mime: str) -> str:
    """Return bytes as a ``data:`` address."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
