"""The inline player: static HTML that still plays tomorrow, elsewhere, without a kernel."""

from __future__ import annotations

import base64
import weakref
from typing import TYPE_CHECKING, NamedTuple

from IPython.display import Audio

from .. import cards, settings
from ..audio.sniff import sniff
from ..errors import AudioError, SettingsError
from ..jobs import Track
from ..phrases import clock, excerpt, length_words, loudness, maker, size
from .kept import BARS, About, KeptTrack

if TYPE_CHECKING:
    from ..audio.codecs import FloatArray
    from ..jobs import Track

_PREVIEW_KBPS = (96, 64, 48, 32)


class Embedded(NamedTuple):
    """What of a recording goes into the page."""

    source: str | None
    """A ``data:`` address, or ``None`` where there is nothing a browser could play."""
    mime: str | None
    note: str | None
    """What the listener should know about it: that it is a preview, where the rest is."""


class Player(Audio):
    """A card with waveform, audio control and facts of one track.

    The recording is inside the HTML, once, up to ``embed_limit`` bytes as it came; above that a
    preview (mp3, at most 96 kbit/s) is, and the card says so and names the file. No script runs,
    nothing is fetched, nothing plays by itself.

    Parameters
    ----------
    track
        A track of a take, or a :class:`~phaseo_nb.Track` whose answer brought its audio along.
    embed_limit
        In bytes; 0 embeds nothing, ``None`` takes the track's own limit, else the one of
        ``PHASEO_NB_EMBED_LIMIT`` (4 MB).

    Raises
    ------
    AudioError
        The track has no audio here yet. Audio that cannot be decoded is no error: the card
        says so.
    """

    def __init__(self, track: Track, *, embed_limit: int | None = None) -> None:
        if not isinstance(track, Track):
            message = (
                f"Player takes a track, such as take.track, not {type(track).__name__}. For a "
                "file there is IPython.display.Audio."
            )
            raise TypeError(message)
        kept = track if isinstance(track, KeptTrack) else KeptTrack(track)
        self.track: KeptTrack = kept
        self.embed_limit = _limit(kept, embed_limit)
        super().__init__(data=kept.playable, embed=True)  # type: ignore[no-untyped-call]
        kind = sniff(self.data)
        self.mimetype = kind.mime if kind else "application/octet-stream"

    def __repr__(self) -> str:
        return f"<Player {self.track.summary}>"

    def _repr_html_(self) -> str:
        return player_html(self.track, self.embed_limit)

    def src_attr(self) -> str:
        """Return the ``data:`` address of what is embedded, as IPython's own player does."""
        return embed(self.track, self.embed_limit).source or ""


def player_html(track: KeptTrack, embed_limit: int | None = None, *, text: bool = False) -> str:
    """Return the card of a kept track as HTML, or in plain words."""
    about = track.about
    title = track.title or excerpt(about.prompt or "", 60) or "Untitled"
    facts = maker(about.model, about.provider)
    facts.append(length_words(track.seconds, about.asked))
    notes = []
    source = waveform = None
    words = ""
    if track.has_audio:
        facts += [track.format, loudness(track.loudness_lufs)] if track.is_readable else []
        embedded = embed(track, _limit(track, embed_limit))
        source = embedded.source
        notes = [note for note in (track.unreadable, embedded.note) if note]
        if track.is_readable:
            waveform = _data_address(track.waveform().data, "image/png")
            words = _waveform_words(title, track)
    else:
        lost = "The recording could not be fetched; take.notes says why."
        none = "The service gave no audio for this track."
        notes = [track.failure or (lost if track.is_playable else none)]
    if about.cost is not None:
        facts.append(_cost_words(about, sandbox=track.sandbox))
    return cards.player_card(
        title=title,
        prompt=about.prompt if track.title else None,
        source=source,
        waveform=waveform,
        waveform_words=words,
        facts=[fact for fact in facts if fact],
        notes=notes,
        number=about.number,
        part=f"track {track.index + 1} of {about.n_tracks}" if about.n_tracks > 1 else "",
        sandbox=track.sandbox,
        text=text,
    )


def _cost_words(about: About, *, sandbox: bool) -> str:
    price = str(about.cost) + (" for the job" if about.n_tracks > 1 else "")
    if not sandbox:
        return price
    # The sandbox answers with the prices of the services, so that budgets can be tried out.
    return f"free here, {price} at the service" if about.cost and about.cost.usd else "free"


def _limit(track: KeptTrack, asked: int | None) -> int:
    limit = track.embed_limit if asked is None else asked
    if limit is not None:
        return limit
    try:
        return settings.embed_limit().value
    except SettingsError:  # a slip in a setting must not hide music that has been paid for
        return settings.DEFAULT_EMBED_LIMIT


_EMBEDDED: weakref.WeakKeyDictionary[KeptTrack, dict[int, Embedded]] = weakref.WeakKeyDictionary()


def embed(track: KeptTrack, limit: int) -> Embedded:
    """Return what of a track goes into a page that may hold ``limit`` bytes of it; made once."""
    known = _EMBEDDED.setdefault(track, {})
    if limit not in known:
        known[limit] = _embed(track, limit)
    return known[limit]


def _embed(track: KeptTrack, limit: int) -> Embedded:
    data = track.playable
    kind = sniff(data)
    if kind is None:
        return Embedded(None, None, None)
    if len(data) <= limit:
        return Embedded(_data_address(data, kind.mime), kind.mime, None)
    whole = f"the whole recording ({track.format}, {size(len(data))})"
    where = f"is kept as {track.place}" if track.place else "is saved by track.save(…)"
    try:
        samples, rate = track.audio()
        preview, how = _preview(samples, rate, limit)
    except AudioError:
        preview, how = b"", ""
    if not preview:
        return Embedded(None, None, f"Too large to put into the page: {whole} {where}.")
    note = f"Preview, {how}; {whole} {where}."
    return Embedded(_data_address(preview, "audio/mpeg"), "audio/mpeg", note)


def _preview(samples: FloatArray, rate: int, limit: int) -> tuple[bytes, str]:
    """Return an mp3 of at most ``limit`` bytes and what it is; nothing if that is too little."""
    from ..audio.codecs import encode

    seconds = samples.shape[1] / rate
    room = limit * 8 / 1000 - 16  # kbit, less some frames of padding
    kbps = next((step for step in _PREVIEW_KBPS if step * seconds <= room), _PREVIEW_KBPS[-1])
    heard = min(seconds, room / kbps)
    if heard < 2:
        return b"", ""
    cut = samples[:2, : round(heard * rate)]
    if kbps < 64:
        cut = cut.mean(axis=0, keepdims=True, dtype="float32")
    part = f", the first {heard:.0f} s" if heard < seconds else ""
    return encode(cut, rate, "mp3", bitrate_kbps=kbps), f"mp3 {kbps} kbit/s{part}"


def _waveform_words(title: str, track: KeptTrack) -> str:
    low, high = track.peaks(BARS)
    stretches = (high - low).reshape(50, -1).mean(axis=1)
    loudest = (float(stretches.argmax()) + 0.5) / 50 * (track.seconds or 0.0)
    length = f"{track.seconds or 0.0:.1f} s"
    if float(stretches.max()) <= 0:
        return f"Waveform of {title}: {length} of silence"
    return f"Waveform of {title}: {length}, loudest around {clock(loudest)}"


def _data_address(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
