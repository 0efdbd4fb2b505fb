"""Small multiples: the same picture of many tracks side by side, on one scale of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ... import cards
from ...cards.paper import FONT, NO_MATH, SMALL, head_line
from ...errors import AudioError, ExperimentError, brief
from ...phrases import visible
from ._items import Item, address, each, items_of

MOST = 60
"""Tracks that are drawn; of the others only the number is said."""
_GAP = 16
_WIDE = (
    "box-sizing:border-box;margin:4px 0 10px;padding:14px 16px 4px;"
    "border:1px solid rgba(128,128,128,0.35);border-radius:10px;"
    "background-color:rgba(128,128,128,0.05);"
    f"{FONT};font-size:13px;line-height:1.5;text-align:left"
)


class Picture(NamedTuple):
    """What is drawn of one track, or why it is not."""

    png: bytes | None
    seconds: float
    words: str


class Kind(NamedTuple):
    """One kind of picture."""

    name: str
    plural: str
    height: int
    scale: str
    """What the height means, in words."""
    draw: Callable[[Item, int, int], Picture]


class Multiples:
    """Pictures of many tracks in a grid; in a cell they show themselves.

    All share one scale of time: a picture half as wide is half as long.
    """

    def __init__(self, kind: Kind, items: Sequence[Item], columns: int, width: int) -> None:
        self._kind = kind
        self._items = list(items)
        self._columns = columns
        self._width = width
        self._pictures: list[Picture] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        n = len(self._items)
        return f"<{self._kind.plural} of {n} track{'' if n == 1 else 's'}>"

    @property
    def _is_sandbox(self) -> bool:
        """Whether one badge above speaks for all."""
        return bool(self._items) and all(item.track.sandbox for item in self._items)

    def prepare(self, *, on: Any = None) -> Multiples:
        """Draw the pictures now; meant for a worker thread. Takes some tenths of a second each.

        Parameters
        ----------
        on
            A ``dask.distributed.Client``, whose workers draw what a library keeps.
        """
        if self._pictures is None:
            drawn = self._drawn_on(on) if on is not None else {}
            rest = [item for place, item in enumerate(self._items[:MOST]) if place not in drawn]
            here = iter(each(self._draw, rest))
            places = range(len(self._items[:MOST]))
            self._pictures = [drawn.get(place) or next(here) for place in places]
        return self

    def _drawn_on(self, client: Any) -> dict[int, Picture]:
        """Return the pictures that a cluster could draw, by their place."""
        from ..cluster.analysis import draw_on
        from ..described import library_of

        names: dict[int, tuple[str, int]] = {}
        library = None
        for place, item in enumerate(self._items[:MOST]):
            theirs = library_of(item.take) if item.take is not None else None
            library = library or theirs
            if theirs is not None and library is not None and theirs.shown == library.shown:
                assert item.take is not None
                names[place] = item.take.id, item.track.index
        if library is None:
            return {}
        found = draw_on(client, self._kind.name, list(names.values()), library, self._width)
        return {place: one for place, one in zip(names, found, strict=True) if one is not None}

    def _draw(self, item: Item) -> Picture:
        try:
            return self._kind.draw(item, self._width, self._kind.height)
        except AudioError as error:
            return Picture(None, 0.0, str(error))

    def _repr_html_(self) -> str:
        self.prepare()
        pictures = self._pictures or []
        longest = max((picture.seconds for picture in pictures), default=0.0)
        cells = [
            self._cell(item, picture, longest)
            for item, picture in zip(self._items, pictures, strict=False)
        ]
        n, rest = len(self._items), len(self._items) - len(pictures)
        heading = f"{self._kind.plural} of {n} track{'' if n == 1 else 's'}"
        said = f"All on one scale of time, 0 to {longest:.1f} s. {self._kind.scale}"
        more = f'<div style="{SMALL};padding-bottom:10px">… and {rest:,} more</div>' if rest else ""
        room = self._columns * (self._width + _GAP) + 34
        return (
            f'<div class="phaseo-nb {NO_MATH}" role="group" aria-label="{cards.escape(heading)}" '
            f'style="{_WIDE};max-width:{room}px">{cards.STYLE}'
            f"{head_line(cards.escape(heading), '', self._is_sandbox)}"
            f'<div style="{SMALL};margin:0 0 10px">{cards.escape(said if n else "")}</div>'
            f"{''.join(cells)}{more}</div>"
        )

    def _cell(self, item: Item, picture: Picture, longest: float) -> str:
        share = picture.seconds / longest if longest else 0.0
        wide = max(round(self._width * share), 2)
        drawn = (
            f'<img alt="{cards.escape(picture.words)}" src="{address(picture.png)}" '
            f'style="display:block;width:{wide}px;max-width:100%;height:{self._kind.height}px;'
            f'margin:0">'
            if picture.png
            else f'<div style="{SMALL};min-height:{self._kind.height}px">'
            f"{cards.escape(picture.words)}</div>"
        )
        is_own = item.track.sandbox and not self._is_sandbox
        badge = f' <span style="{cards.BADGE_STYLE}">SANDBOX</span>' if is_own else ""
        length = f"{picture.seconds:.1f} s" if picture.png else ""
        under = " · ".join(word for word in (item.under, length) if word)
        return (
            f'<div style="display:inline-block;vertical-align:top;width:{self._width}px;'
            f'max-width:100%;margin:0 {_GAP}px 14px 0;box-sizing:border-box">'
            f'<div style="width:100%;border-bottom:1px solid rgba(128,128,128,0.5)">{drawn}</div>'
            f'<div style="font-weight:600;font-size:12px;margin-top:3px;overflow-wrap:break-word">'
            f"<bdi>{cards.escape(item.label)}</bdi></div>"
            f'<div><span style="{SMALL}">{cards.escape(under)}</span>{badge}</div></div>'
        )


def waveforms(
    tracks: Any, *, columns: int = 3, labels: Sequence[str] | None = None, width: int = 280
) -> Multiples:
    """Return the waveforms of many tracks side by side, on one scale of time.

    Parameters
    ----------
    tracks
        Takes or tracks, such as ``nb.library().recent()``; of a take all tracks are drawn.
    columns
        How many stand side by side where there is room.
    labels
        What stands under each, one for each of ``tracks``; ``None`` takes the prompts.
    width
        Of the longest picture, in CSS pixels.

    Raises
    ------
    ExperimentError
        What is given is no take or track, or a number makes no sense.
    """
    _check(columns, width)
    return Multiples(WAVEFORM, items_of(tracks, labels, "waveforms"), columns, width)


def spectrograms(
    tracks: Any, *, columns: int = 3, labels: Sequence[str] | None = None, width: int = 280
) -> Multiples:
    """Return the spectrograms of many tracks side by side, on one scale of time and loudness.

    Pitch goes upwards from 40 Hz to 16 kHz; lighter is louder. The parameters are those of
    :func:`waveforms`.

    Raises
    ------
    ExperimentError
        What is given is no take or track, or a number makes no sense.
    """
    _check(columns, width)
    return Multiples(SPECTROGRAM, items_of(tracks, labels, "spectrograms"), columns, width)


def _check(columns: Any, width: Any) -> None:
    if isinstance(columns, bool) or not isinstance(columns, int) or not 1 <= columns <= 12:
        message = f"columns = {brief(columns)} is no number of columns. Give 1 to 12."
        raise ExperimentError(message)
    if isinstance(width, bool) or not isinstance(width, int) or not 60 <= width <= 1200:
        message = f"width = {brief(width)} is no width in pixels. Give 60 to 1200."
        raise ExperimentError(message)


def _waveform(item: Item, width: int, height: int) -> Picture:
    from ...audio.pictures import waveform_png

    seconds = item.track.seconds or 0.0
    png = waveform_png(item.track.peaks(1200), width=width, height=height)
    loudness, peak = item.track.loudness_lufs, item.track.peak_dbfs
    level = f"{loudness:.1f} LUFS, peak {peak:.1f} dBFS" if math.isfinite(loudness) else "silent"
    words = f"Waveform of {visible(item.name)}: {seconds:.1f} s, {level.replace('-', '−')}"
    return Picture(png, seconds, words)


def _spectrogram(item: Item, width: int, height: int) -> Picture:
    from ...audio.pictures import spectrogram_png

    samples, rate = item.track.audio()
    seconds = samples.shape[1] / rate
    png = spectrogram_png(samples, rate, width=width, height=height)
    return Picture(png, seconds, f"Spectrogram of {visible(item.name)}: {seconds:.1f} s")


WAVEFORM = Kind("waveform", "Waveforms", 56, "Full scale fills the height.", _waveform)
SPECTROGRAM = Kind(
    "spectrogram",
    "Spectrograms",
    110,
    "Pitch upwards, 40 Hz to 16 kHz; lighter is louder, 90 dB from black to white.",
    _spectrogram,
)
KINDS = {kind.name: kind for kind in (WAVEFORM, SPECTROGRAM)}
