"""Recordings made equal in everything but the music: length, sample rate, channels, loudness.

What goes to the page are bare samples: no file, so no title inside it, and all of one length, so
that neither a size nor a duration tells one from another. Levels are matched in the samples
themselves, downwards only; the page is not told by how much.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ...audio.codecs import FloatArray
from ...audio.measure import integrated_loudness, peak_dbfs
from ...engine import HAS_THREADS
from ...errors import AudioError, ExperimentError
from ...phrases import excerpt
from .sounds import Sound

T = TypeVar("T")

MOST_SECONDS = 60.0
"""Of each recording; a stretch further on is chosen by ``loop=(start, end)``."""
LEAST_SECONDS = 0.05
SHORT_SECONDS = 1.0
"""Below this nobody can compare much, which is said."""
FAR_DB = 20.0
"""Attenuation beyond which the quietest recording is named."""
HIGHEST_RATE = 48_000
FADE_SECONDS = 0.01
MOST_BYTES = 100_000_000
"""Of samples that are kept ready."""


class Heard(NamedTuple):
    """Figures of one recording as far as it is heard."""

    lufs: float
    peak_dbfs: float
    rate: int


class Levels:
    """All recordings of a comparison, ready to be heard one against the other.

    Attributes
    ----------
    seconds : float
        Length of the stretch that is heard, the same for all.
    gains_db : dict
        By how much each is turned down, by id; 0 or less.
    """

    def __init__(self, sounds: Sequence[Sound], stretch: tuple[float, float] | None) -> None:
        self._sounds = {sound.id: sound for sound in sounds}
        self.start, end, self.shortest = _stretch(sounds, stretch)
        self.seconds = end - self.start
        found = dict(zip(self._sounds, _each(self._look, sounds), strict=True))
        self.rate = min(max(heard.rate for heard in found.values()), HIGHEST_RATE)
        self.n_frames = max(int(self.seconds * self.rate), 1)
        self.lufs = {id: heard.lufs for id, heard in found.items()}
        self.gains_db = _gains(found)
        self._ready: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def _look(self, sound: Sound) -> Heard:
        samples, rate = self._cut(sound)
        return Heard(integrated_loudness(samples, rate), peak_dbfs(samples), rate)

    def _cut(self, sound: Sound) -> tuple[FloatArray, int]:
        """Return the stretch that is heard, on two channels as loudspeakers will play it."""
        try:
            samples, rate = sound.track.audio()
        except AudioError as error:
            raise _cannot_be_heard(sound, error) from error
        first = round(self.start * rate)
        cut = samples[:, first : first + round(self.seconds * rate)]
        if not np.isfinite(cut).all():
            cut = np.nan_to_num(cut, nan=0.0, posinf=1.0, neginf=-1.0)
        if len(cut) > 2:
            cut = cut.mean(axis=0, keepdims=True, dtype=np.float32)
        # One channel comes out of two loudspeakers, 3 LU louder than its own figure says.
        return (np.repeat(cut, 2, axis=0) if len(cut) == 1 else cut), rate

    def samples(self, id: str) -> bytes:
        """Return a recording as the page plays it: 16 bit, two channels interleaved."""
        with self._lock:
            if id in self._ready:
                self._ready.move_to_end(id)
                return self._ready[id]
        cut, rate = self._cut(self._sounds[id])
        sound = resampled(cut, rate, self.rate, self.n_frames)
        sound = sound * np.float32(10.0 ** (self.gains_db[id] / 20.0))
        data = np.rint(np.clip(_faded(sound, self.rate), -1, 1) * 32767).astype("<i2").T.tobytes()
        with self._lock:
            self._ready[id] = data
            while sum(map(len, self._ready.values())) > MOST_BYTES and len(self._ready) > 3:
                self._ready.popitem(last=False)
        return data

    def notes(self) -> list[str]:
        """Return what to know about these recordings, in words that name them."""
        names = {id: f"{excerpt(s.name, 40)} ({id})" for id, s in self._sounds.items()}
        said = [
            f"{names[id]} is silent; it is played as it is."
            for id, lufs in self.lufs.items()
            if math.isinf(lufs)
        ]
        loud = {id: lufs for id, lufs in self.lufs.items() if not math.isinf(lufs)}
        if loud and min(self.gains_db.values()) < -FAR_DB:
            id = min(loud, key=lambda id: loud[id])
            said.append(
                f"{names[id]} is very quiet ({loud[id]:.1f} LUFS), and the others are turned down "
                f"to it, by up to {-min(self.gains_db.values()):.0f} dB. Without it you hear more."
            )
        if self.shortest is not None and self.seconds < SHORT_SECONDS:
            said.append(
                f"{names[self.shortest.id]} lasts {self.seconds:.2g} s, so no more than that is "
                "heard of any. Leave it out to hear more of the others."
            )
        return said


def _stretch(
    sounds: Sequence[Sound], stretch: tuple[float, float] | None
) -> tuple[float, float, Sound | None]:
    """Return where what is heard begins and ends, and which recording sets the end, if one does."""
    lengths = _each(_seconds, sounds)
    shortest = min(lengths)
    which = sounds[lengths.index(shortest)]
    if stretch is None:
        end = min(shortest, MOST_SECONDS)
        return 0.0, end, which if end == shortest else None
    start, end = stretch
    if end > shortest + 0.005:
        message = (
            f"loop = ({start:g}, {end:g}) goes beyond the end of the shortest recording, "
            f"{excerpt(which.name, 40)} ({excerpt(which.id, 40)}): {shortest:.2f} s. Choose a "
            "stretch that all have."
        )
        raise ExperimentError(message)
    return start, min(end, shortest), None


def _seconds(sound: Sound) -> float:
    from ...audio.lengths import duration_of

    try:
        seconds = duration_of(sound.track.recording, pcm_rate=sound.track.pcm_rate)
    except AudioError as error:
        raise _cannot_be_heard(sound, error) from error
    if seconds < LEAST_SECONDS:
        message = (
            f"{excerpt(sound.name, 40)} ({excerpt(sound.id, 40)}) lasts {seconds:.3f} s, too "
            "little to be heard. Leave it out."
        )
        raise ExperimentError(message)
    return seconds


def _each(work: Callable[[Sound], T], things: Sequence[Sound]) -> list[T]:
    """Do something for each of some things, several at a time where there are threads."""
    if not HAS_THREADS or len(things) < 2:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        return list(pool.map(work, things))


def _gains(found: dict[str, Heard]) -> dict[str, float]:
    """Return by how much to turn each down so that all are as loud as the quietest.

    Decoded recordings may rise above full scale, where 16 bits would cut them off; then all are
    turned down a little more. Silence has no loudness to match.
    """
    loud = {id: heard for id, heard in found.items() if not math.isinf(heard.lufs)}
    if not loud:
        return dict.fromkeys(found, 0.0)
    target = min(heard.lufs for heard in loud.values())
    above = max(heard.peak_dbfs + target - heard.lufs for heard in loud.values())
    target -= max(above, 0.0)
    return {id: target - heard.lufs if id in loud else 0.0 for id, heard in found.items()}


def resampled(samples: FloatArray, rate: int, to: int, n_frames: int) -> FloatArray:
    """Return samples at another rate, exactly ``n_frames`` of them.

    By the spectrum of the whole, which is exact below half of the lower rate. The end is padded
    with silence first, as a spectrum takes its beginning for what comes after its end.
    """
    if rate != to:
        n_in = samples.shape[1] + rate // 10
        n_out = math.ceil(n_in * to / rate)
        n_in = max(n_in, round(n_out * rate / to))
        spectrum = np.fft.rfft(samples, n_in)
        n_kept = min(spectrum.shape[1], n_out // 2 + 1)
        samples = (np.fft.irfft(spectrum[:, :n_kept], n_out) * (n_out / n_in)).astype(np.float32)
    missing = n_frames - samples.shape[1]
    if missing > 0:
        samples = np.pad(samples, ((0, 0), (0, missing)))
    return samples[:, :n_frames]


def _faded(samples: FloatArray, rate: int) -> FloatArray:
    """Return samples that begin and end without a click."""
    n = min(int(FADE_SECONDS * rate), samples.shape[1] // 2)
    if n:
        rise: npt.NDArray[np.float32] = np.sin(np.linspace(0, np.pi / 2, n)).astype(np.float32) ** 2
        samples[:, :n] *= rise
        samples[:, -n:] *= rise[::-1]
    return samples


def _cannot_be_heard(sound: Sound, error: AudioError) -> ExperimentError:
    return ExperimentError(
        f"{excerpt(sound.name, 40)} ({excerpt(sound.id, 40)}) cannot be heard: {error} Leave it "
        "out of the comparison."
    )
