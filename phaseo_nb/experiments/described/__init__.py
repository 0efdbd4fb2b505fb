"""Tracks in numbers, beside what was asked for: worked out once for each recording.

What was measured is kept by the hash of the recording, in the library and in this process; what
was asked for belongs to the request and is read from it each time (``asked.py``). ``looks.py`` is
the table that a notebook shows.
"""

from __future__ import annotations

import functools
import json
import math
import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from ...audio import descriptors
from ...engine import HAS_THREADS
from ...errors import AudioError, LibraryError
from ...jobs import Track
from ...takes import KeptTrack, Take
from .. import records
from .asked import Asked, asked_in

if TYPE_CHECKING:
    from ...keeping import Library
    from ..results import Results

_REMEMBERED = 4096
"""Recordings of which this process remembers the figures; each is a few hundred bytes."""
_memory: OrderedDict[tuple[str, int | None], dict[str, Any]] = OrderedDict()
_NEAR = 0.04
"""Part of a tempo within which two are the same, as studies of beat tracking take it."""


@dataclass(frozen=True, repr=False)
class Descriptors:
    """What a track sounds like in numbers, beside what was asked for; ``None`` is not known.

    In a cell it shows itself as a small table.
    """

    duration_asked: float | None = None
    """Seconds."""
    duration: float | None = None
    """Seconds, measured."""
    bpm_asked: float | None = None
    """As the prompt or the style says it; the middle of a range."""
    bpm: float | None = None
    """Measured; which of two tempos an octave apart is meant, no analyser knows."""
    bpm_candidates: tuple[float, ...] = ()
    """``bpm``, then half and double of it, the likelier first."""
    key_asked: str | None = None
    """As the prompt or the style says it: ``"F# minor"``, or a tonic alone."""
    key: str | None = None
    """Measured, ``major`` or ``minor``."""
    key_confidence: float | None = None
    """0.0 to 1.0."""
    loudness_lufs: float | None = None
    """Integrated (ITU-R BS.1770); ``None`` for silence."""
    peak_dbfs: float | None = None
    silence_share: float | None = None
    """0.0 to 1.0."""
    brightness_hz: float | None = None
    """Centre of the spectrum."""
    notes: tuple[str, ...] = ()
    """What is odd, and why figures are missing."""

    def __repr__(self) -> str:
        from .looks import in_words

        return in_words(self)

    def _repr_html_(self) -> str:
        from .looks import in_html

        return in_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by their names, in the order of columns of a table."""
        facts = asdict(self)
        return {**facts, "bpm_candidates": list(self.bpm_candidates), "notes": list(self.notes)}

    @property
    def duration_fits(self) -> bool | None:
        """Whether it is as long as asked, within half a second or 2 %; ``None``: not known."""
        if self.duration is None or self.duration_asked is None:
            return None
        return abs(self.duration - self.duration_asked) <= max(0.5, 0.02 * self.duration_asked)

    @property
    def bpm_fits(self) -> bool | None:
        """Whether the tempo is the asked one within 4 %, an octave aside; ``None``: not known."""
        if self.bpm_asked is None or self.bpm is None:
            return None
        asked = self.bpm_asked
        return any(abs(other / asked - 1) <= _NEAR for other in self.bpm_candidates or (self.bpm,))

    @property
    def key_fits(self) -> bool | None:
        """Whether the key is the asked one, as far as it was named; ``None``: not known.

        A church mode is compared as the major or minor that its third makes it.
        """
        if self.key_asked is None or self.key is None:
            return None
        tonic, _, mode = self.key_asked.partition(" ")
        heard_tonic, _, heard_mode = self.key.partition(" ")
        kind = {"lydian": "major", "mixolydian": "major", "": heard_mode}.get(mode)
        kind = kind or (mode if mode == "major" else "minor")
        return (tonic, kind) == (heard_tonic, heard_mode)


COLUMNS = tuple(field.name for field in fields(Descriptors))
"""Names of the figures, in the order of columns of a table."""


def describe(item: Take | Track, *, library: Library | None = None) -> Descriptors:
    """Return what a track sounds like in numbers; of a take, its first track.

    The first time it takes about a tenth of a second for each half minute of music; then the
    figures are known. Sound that cannot be read is no error: ``notes`` says what is the matter.

    Parameters
    ----------
    item
        A take or a track.
    library
        Where figures are kept; ``None`` takes the library of the take, where it has one.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> session = nb.connect("sandbox")
    >>> take = nb.run(nb.generate("house in A minor, 120 bpm", duration=8, show=False))
    >>> figures = nb.describe(take)
    >>> figures.bpm_asked, round(figures.bpm), figures.key_asked
    (120.0, 120, 'A minor')
    """
    track, asked, shelf = _subject(item, library)
    if track is None:
        return Descriptors(**_asked_facts(asked), notes=("this take has no track",))
    return Descriptors(**_asked_facts(asked), **_facts(track, shelf))


def describe_track(take: Take, track: KeptTrack) -> Descriptors:
    """Return the figures of one track of a take, beside what the take asked for."""
    return Descriptors(**_asked_facts(asked_in(take.request)), **_facts(track, library_of(take)))


async def describe_all(
    items: Iterable[Take | Track] | Results,
    library: Library | None = None,
    *,
    concurrency: int | None = None,
    on: Any = None,
) -> list[Descriptors]:
    """Return the figures of many takes or tracks, in their order, without holding up the kernel.

    Each is worked out in a worker thread; one that cannot be read holds up no other.

    Parameters
    ----------
    items
        Takes or tracks; or the results of a sweep, which stand for their takes.
    library
        Where figures are kept; ``None`` takes the library of each take, where it has one.
    concurrency
        How many at a time; ``None`` is one for each processor.
    on
        A ``dask.distributed.Client``, whose workers do it for takes that a library keeps.
    """
    wanted: Sequence[Take | Track] = list(getattr(items, "takes", items))
    for item in wanted:
        _check(item)
    if on is not None:
        await anyio.to_thread.run_sync(_work_out_on, on, wanted)
    found: list[Descriptors] = [Descriptors()] * len(wanted)
    limiter = anyio.CapacityLimiter(max(concurrency or os.cpu_count() or 1, 1))

    async def one(place: int) -> None:
        work = functools.partial(describe, wanted[place], library=library)
        if HAS_THREADS:
            found[place] = await anyio.to_thread.run_sync(work, limiter=limiter)
        else:
            await anyio.lowlevel.checkpoint()
            found[place] = work()

    async with anyio.create_task_group() as group:
        for place in range(len(wanted)):
            group.start_soon(one, place)
    return found


def _work_out_on(client: Any, items: Sequence[Take | Track]) -> None:
    """Have a cluster work out what is not known yet; here it is only read then."""
    from ..cluster.analysis import describe_on

    by_library: dict[str, tuple[Library, list[Take]]] = {}
    for item in items:
        library = library_of(item) if isinstance(item, Take) else None
        if library is not None and isinstance(item, Take):
            by_library.setdefault(library.shown, (library, []))[1].append(item)
    for library, takes in by_library.values():
        describe_on(client, takes, library)


# -- from a take to its figures ------------------------------------------------------------------


def _check(item: Any) -> None:
    if not isinstance(item, Take | Track):
        message = (
            f"describe() takes a take or a track, not {type(item).__name__}. For samples there is "
            "phaseo_nb.audio.descriptors.measure(samples, sample_rate)."
        )
        raise TypeError(message)


def _subject(
    item: Take | Track, library: Library | None
) -> tuple[KeptTrack | None, Asked, Library | None]:
    """Return the track that is meant, what was asked for, and where figures are kept."""
    _check(item)
    if isinstance(item, Take):
        track = item.tracks[0] if item.tracks else None
        return track, asked_in(item.request), library or library_of(item)
    kept = item if isinstance(item, KeptTrack) else KeptTrack(item)
    return kept, asked_in({"prompt": kept.about.prompt}, kept.about.asked), library


def library_of(take: Take) -> Library | None:
    """Return the library that keeps a take; ``None`` for one that is only in memory."""
    filed = getattr(take, "_filed_as", None)
    if filed is None:
        return None
    from ...keeping import Library

    return Library.at(filed[0])


def _asked_facts(asked: Asked) -> dict[str, Any]:
    return {"duration_asked": asked.duration, "bpm_asked": asked.bpm, "key_asked": asked.key}


def _facts(track: KeptTrack, library: Library | None) -> dict[str, Any]:
    """Return what is known of a recording, or find it out."""
    if not track.has_audio:
        return {"notes": (track.failure or "the service gave no audio for it",)}
    try:
        name = track.sha256, track.pcm_rate
        known = _memory.get(name) or _looked_up(library, name)
        if known is None:
            known = _measured(track)
            _kept(library, name, known)
    except AudioError as error:  # not kept: the file may come back, the extra be installed
        return {"duration": track.duration, "notes": (str(error),)}
    _memory[name] = known
    while len(_memory) > _REMEMBERED:
        _memory.popitem(last=False)
    return known


def _measured(track: KeptTrack) -> dict[str, Any]:
    try:
        samples, rate = track.audio()
        found = descriptors.measure(samples, rate)
    except MemoryError as error:
        message = "There is not enough memory to decode this recording."
        raise AudioError(message) from error
    tempo, key = found.tempo, found.key
    return {
        "duration": found.duration,
        "bpm": tempo.bpm if tempo else None,
        "bpm_candidates": tempo.candidates if tempo else (),
        "key": key.name if key else None,
        "key_confidence": key.confidence if key else None,
        "loudness_lufs": found.loudness_lufs,
        "peak_dbfs": found.peak_dbfs,
        "silence_share": found.silence_share,
        "brightness_hz": found.brightness_hz,
        "notes": found.notes,
    }


_FIGURES = (
    *("duration", "bpm", "key_confidence", "loudness_lufs", "peak_dbfs", "silence_share"),
    "brightness_hz",
)


def _looked_up(library: Library | None, name: tuple[str, int | None]) -> dict[str, Any] | None:
    if library is None:
        return None
    try:
        text = records.load_descriptors(library, _filed(name), descriptors.VERSION)
        facts = json.loads(text) if text else None
    except (LibraryError, ValueError, RecursionError):  # it is only a shelf: measure again
        return None
    return _checked(facts)


def _checked(facts: Any) -> dict[str, Any] | None:
    """Return figures that were kept, if they are such: files can be altered."""
    if not isinstance(facts, dict):
        return None
    key, notes = facts.get("key"), facts.get("notes", [])
    bpms = facts.get("bpm_candidates", [])
    if not (key is None or isinstance(key, str)) or not isinstance(notes, list):
        return None
    if not isinstance(bpms, list) or not all(map(_is_figure, bpms)) or None in bpms:
        return None
    if not all(_is_figure(facts.get(name)) for name in _FIGURES):
        return None
    figures = {name: facts.get(name) for name in _FIGURES}
    return {**figures, "key": key, "bpm_candidates": tuple(bpms), "notes": tuple(map(str, notes))}


def _is_figure(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _kept(library: Library | None, name: tuple[str, int | None], facts: dict[str, Any]) -> None:
    if library is None:
        return
    text = json.dumps(facts, allow_nan=False)
    try:
        records.save_descriptors(library, _filed(name), descriptors.VERSION, text)
    except LibraryError:  # a full or read-only disk: the figures are here all the same
        return


def _filed(name: tuple[str, int | None]) -> str:
    """Raw samples sound different at another rate, so that is part of their name."""
    sha256, pcm_rate = name
    return f"{sha256}@{pcm_rate}" if pcm_rate else sha256
