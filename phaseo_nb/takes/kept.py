"""A track whose audio is here: facts, sound, figures, pictures, a player, a file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..audio.sniff import sniff
from ..errors import AudioError
from ..jobs import Cost, Track
from ..phrases import excerpt
from .sources import Source, source_of

if TYPE_CHECKING:
    from IPython.display import Image

    from ..audio.codecs import FloatArray
    from .player import Player

BARS = 1200
"""Stretches in the figures that are always at hand: enough for the waveform picture."""

_FACTS = tuple(fact.name for fact in fields(Track) if fact.name != "data")


@dataclass(frozen=True)
class About:
    """What a track's card says about the request it came from."""

    prompt: str | None = None
    model: str | None = None
    provider: str | None = None
    asked: float | None = None
    """Seconds that were asked for."""
    cost: Cost | None = None
    """Of the whole job."""
    number: int | None = None
    """Which take."""
    n_tracks: int = 1
    """Tracks of the job."""


class _Figures(NamedTuple):
    seconds: float
    sample_rate: int
    bars: FloatArray
    loudness_lufs: float
    peak_dbfs: float
    silence_fraction: float


class KeptTrack(Track):
    """A track whose audio is here: facts, sound, pictures, a player.

    Figures are worked out when first asked for, once; :meth:`prepare` does it ahead, in a
    thread of the caller's choice.

    Parameters
    ----------
    facts
        What the service said.
    data
        The recording as received; ``None`` takes what came inside the answer, or reads ``path``.
    path
        Where it is kept: a file, or what fetches it from a far store once somebody asks; ``None``
        while it is in memory only.
    about
        What the request said, for the card.
    pcm_rate
        Sample rate in Hz of raw 16 bit stereo samples without a header.
    embed_limit
        Most bytes that its player puts into a page as they came; ``None`` goes by the settings.
    sha256
        Hash of what was kept, where that is known: the file is compared with it at each reading.
    """

    about: About
    pcm_rate: int | None
    embed_limit: int | None

    def __init__(
        self,
        facts: Track,
        data: bytes | None = None,
        *,
        path: Path | Source | None = None,
        about: About | None = None,
        pcm_rate: int | None = None,
        embed_limit: int | None = None,
        sha256: str | None = None,
    ) -> None:
        mine = {name: getattr(facts, name) for name in _FACTS}
        memory = data if data is not None or path is not None else facts.data
        self.__dict__.update(mine, about=about or About(), _source=source_of(path, sha256))
        self.__dict__["pcm_rate"] = pcm_rate or facts.pcm_rate
        self.__dict__.update(_memory=memory, embed_limit=embed_limit, _kept_as=sha256)

    __eq__ = object.__eq__  # two recordings are not compared byte by byte behind somebody's back
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<Track {self.index} {self.summary}>"

    def _repr_html_(self) -> str:
        from .player import player_html

        return player_html(self)

    @property
    def summary(self) -> str:
        """Title, length, format and origin in a few words."""
        title = self.title or self.about.prompt
        seconds = self.seconds
        words = [f'"{excerpt(title, 40)}"' if title else "untitled"]
        words += [f"{seconds:.1f} s"] if seconds is not None else []
        words += [self.format_words if self.has_audio else "no audio"]
        words += ["sandbox"] if self.sandbox else []
        return ", ".join(words)

    @property
    def format_words(self) -> str:
        """Its format, or that its recording cannot be read: to show it must not fail for that."""
        try:
            return self.format
        except AudioError:
            return "recording not readable"

    # -- the recording ---------------------------------------------------------------------

    @property
    def _kept_in(self) -> Source | None:
        source: Source | None = self.__dict__["_source"]
        return source

    @property
    def path(self) -> Path | None:
        """The file it is kept in; ``None`` while it is in memory only.

        Of a far store it is a copy on this machine, which is fetched now if it is not here.

        Raises
        ------
        AudioError
            It cannot be fetched.
        """
        return self._kept_in.path if self._kept_in is not None else None

    @property
    def place(self) -> str | None:
        """Where it is kept, file or address, without fetching it; ``None``: in memory only."""
        return self._kept_in.place if self._kept_in is not None else None

    @property
    def size_bytes(self) -> int | None:
        """How large the recording is, without reading it; ``None`` where there is none."""
        memory: bytes | None = self.__dict__["_memory"]
        if memory is not None or self._kept_in is None:
            return len(memory) if memory else None
        return self._kept_in.size

    @property
    def data(self) -> bytes | None:
        """The recording as received; ``None`` where the service gave none.

        Raises
        ------
        AudioError
            What was kept cannot be read, or is no longer what it was.
        """
        memory: bytes | None = self.__dict__["_memory"]
        if memory is not None or self._kept_in is None:
            return memory
        return self._kept_in.read()

    def hold(self, data: bytes | None) -> None:
        """Have a recording at hand that is kept already, until :meth:`let_go`."""
        self.__dict__["_memory"] = data

    def let_go(self) -> None:
        """Forget the recording in memory where there is a file of it."""
        if self._kept_in is not None:
            self.__dict__["_memory"] = None

    @property
    def has_audio(self) -> bool:
        """Whether there is a recording here."""
        return bool(self.__dict__["_memory"]) or self._kept_in is not None

    @property
    def recording(self) -> bytes:
        """The recording as received, or an :class:`AudioError` that says why there is none."""
        data = self.data
        if not data:
            why = self.failure or "the service gave no audio for it"
            message = f"Track {self.index} has no recording here: {why}."
            raise AudioError(message)
        return data

    @cached_property
    def format(self) -> str:
        """``mp3 wav ogg opus flac aac m4a webm aiff``, ``pcm`` (raw), or ``unknown``."""
        known = self._kept_in.format if self._kept_in is not None else None
        if known is not None:
            return known
        kind = sniff(self.recording)
        return kind.format if kind else "pcm" if self.pcm_rate else "unknown"

    @cached_property
    def sha256(self) -> str:
        """Hash of the recording as received, in hex."""
        kept_as: str | None = self.__dict__["_kept_as"]
        return kept_as or hashlib.sha256(self.recording).hexdigest()

    @cached_property
    def seconds(self) -> float | None:
        """Length of the recording in seconds, exact; else what the service said."""
        from ..audio.lengths import duration_of

        try:
            return duration_of(self.recording, pcm_rate=self.pcm_rate)
        except AudioError:
            return self.duration

    @property
    def playable(self) -> bytes:
        """The recording as a file that players know: raw samples get a WAV header."""
        from ..audio.codecs import wrap_pcm

        data = self.recording
        return wrap_pcm(data, self.pcm_rate or 44_100) if self.format == "pcm" else data

    def audio(self) -> tuple[FloatArray, int]:
        """Decode the recording; every call anew, as samples are large.

        Returns
        -------
        samples : array [shape=(n_channels, n_samples)]
            float32, nominal range −1.0 to 1.0.
        sample_rate : int
            In Hz.

        Raises
        ------
        AudioError
            Damaged, no audio, or in need of the extra ``[aac]``.
        """
        from ..audio.codecs import decode

        return decode(self.recording, pcm_rate=self.pcm_rate)

    # -- figures and pictures --------------------------------------------------------------

    def prepare(self) -> KeptTrack:
        """Work out everything the player shows, so that showing it costs nothing.

        Takes some tenths of a second for a long track: meant for a worker thread. Audio that
        cannot be decoded raises nothing here; see :attr:`unreadable`.
        """
        from .player import player_html

        if self.has_audio:
            _ = self.sha256
        player_html(self)
        return self

    @cached_property
    def _measured(self) -> _Figures | AudioError:
        from ..audio import measure

        try:
            samples, rate = self.audio()
        except AudioError as error:
            return error
        return _Figures(
            samples.shape[1] / rate,
            rate,
            measure.peaks(samples, BARS),
            measure.integrated_loudness(samples, rate),
            measure.peak_dbfs(samples),
            measure.silence_fraction(samples, rate),
        )

    @property
    def _figures(self) -> _Figures:
        measured = self._measured
        if isinstance(measured, AudioError):
            raise measured
        return measured

    @property
    def unreadable(self) -> str | None:
        """Why there are no figures for this recording; ``None`` when there are."""
        measured = self._measured
        return str(measured) if isinstance(measured, AudioError) else None

    @property
    def is_readable(self) -> bool:
        """Whether the recording can be decoded here."""
        return self.unreadable is None

    @property
    def sample_rate(self) -> int:
        """Samples per second and channel, in Hz."""
        return self._figures.sample_rate

    @property
    def loudness_lufs(self) -> float:
        """Integrated loudness in LUFS (ITU-R BS.1770); ``-inf`` for silence."""
        return self._figures.loudness_lufs

    @property
    def peak_dbfs(self) -> float:
        """Highest sample in dB relative to full scale; ``-inf`` for silence."""
        return self._figures.peak_dbfs

    @property
    def silence_fraction(self) -> float:
        """Which part of the recording is silent, 0.0 to 1.0."""
        return self._figures.silence_fraction

    def peaks(self, n_bins: int = 1000) -> FloatArray:
        """Return lowest and highest sample of ``n_bins`` stretches [shape=(2, n_bins)]."""
        from ..audio.measure import peaks

        if n_bins == BARS:
            return self._figures.bars
        return peaks(self.audio()[0], n_bins)

    @cached_property
    def _waveform_png(self) -> bytes:
        from ..audio.pictures import waveform_png

        return waveform_png(self._figures.bars)

    def waveform(self) -> Image:
        """Return a picture of the waveform, on a transparent ground."""
        from IPython.display import Image

        return Image(self._waveform_png, width=600, height=56, alt=f"Waveform of {self.summary}")  # type: ignore[no-untyped-call]

    def spectrogram(self) -> Image:
        """Return a picture of pitch over time, 40 Hz to 16 kHz upwards; lighter is louder."""
        from IPython.display import Image

        from ..audio.pictures import spectrogram_png

        alt = f"Spectrogram of {self.summary}"
        return Image(spectrogram_png(*self.audio()), width=600, height=160, alt=alt)  # type: ignore[no-untyped-call]

    def player(self, *, embed_limit: int | None = None) -> Player:
        """Return an inline player; see :class:`phaseo_nb.Player`."""
        from .player import Player

        return Player(self, embed_limit=embed_limit)

    # -- out of the notebook ---------------------------------------------------------------

    def save(
        self, path: str | os.PathLike[str], format: str | None = None, *, overwrite: bool = False
    ) -> Path:
        """Write the recording to a file: as received, or converted.

        Parameters
        ----------
        path
            File name; without a suffix it gets the one of the format.
        format
            ``mp3 wav ogg flac aac``; ``None`` goes by the suffix of ``path``, and without one
            keeps the format as received.
        overwrite
            Whether a file that is there already may be replaced. What this very track was saved
            as before, in this process, may be in any case: a cell that saves can be run again.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        AudioError
            The file exists, its folder does not, the format is not known, the recording cannot
            be converted, or the disk refuses.
        """
        from .files import write_track

        return write_track(self, Path(path), format, overwrite=overwrite)
