"""What is kept: takes, one attempt at a request each, with their tracks.

The take stands here; beside it its tracks (``kept.py``, ``player.py``, ``files.py``), the handle of
a job on its way (``handle.py``), cover images (``pictures.py``), and what a take can go on to be
(``verbs.py``, ``going_on.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AudioError, brief
from ..gateways.values import without_keys
from ..jobs import Cost, MusicJob
from ..phrases import excerpt
from .handle import Job
from .kept import About, KeptTrack
from .pictures import Picture
from .sources import Source
from .verbs import Verbs

if TYPE_CHECKING:
    from .going_on import Origin

__all__ = ["About", "Job", "KeptTrack", "Take", "cell_run", "prompt_of"]


@dataclass(eq=False, repr=False)
class Take(Verbs):
    """One attempt at a request, as kept: request, job and tracks with their audio.

    Its value in a cell is its players. What udioapi.pro made can be gone on from, covered and
    pictured: :meth:`extend`, :meth:`cover`, :meth:`cover_image`.

    Only ``rating``, ``note`` and ``tags`` can be changed; in a library the change is kept.
    """

    id: str
    request: Any
    """What was asked for: a :class:`~phaseo_nb.MusicRequest` or :class:`~phaseo_nb.UdioRequest`."""
    job: MusicJob
    tracks: tuple[KeptTrack, ...]
    number: int = 1
    """1 for the first attempt at this request, 2 for the second."""
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    notes: tuple[str, ...] = ()
    """What was said about the request before it was sent: words without effect."""
    rating: int | None = None
    """How you like it, 1 to 5."""
    note: str | None = None
    """Your own words about it."""
    tags: tuple[str, ...] = ()
    """Your own labels, to find it by."""
    pictures: tuple[Picture, ...] = field(default_factory=tuple)
    """Cover images, where it was these that were ordered; see :meth:`cover_image`."""

    def __post_init__(self) -> None:
        self._shown_in: set[str] = set()
        self._keep_opinion: Callable[[str, Any], None] | None = None
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if not getattr(self, "_is_made", False):
            super().__setattr__(name, value)
            return
        if name not in ("rating", "note", "tags"):
            message = (
                f"{name} of a take is what happened and cannot be changed; rating and note can, "
                "and tags."
            )
            raise AttributeError(message)
        value = checked_opinion(name, value)
        if self._keep_opinion is not None:
            self._keep_opinion(name, value)
        super().__setattr__(name, value)

    def belong_to(self, keep_opinion: Callable[[str, Any], None]) -> None:
        """Let somebody keep what is said about this take from now on."""
        object.__setattr__(self, "_keep_opinion", keep_opinion)

    @classmethod
    def of(
        cls,
        job: MusicJob,
        recordings: Sequence[bytes | Path | Source | None],
        *,
        id: str,
        request: Any,
        number: int = 1,
        notes: Sequence[str] = (),
        pcm_rate: int | None = None,
        embed_limit: int | None = None,
        created_at: datetime | None = None,
        hashes: Sequence[str | None] | None = None,
    ) -> Take:
        """Put a take together from a finished job and one recording for each of its tracks.

        Parameters
        ----------
        job
            The last answer.
        recordings
            Bytes, a kept file or what fetches one for each of ``job.tracks``; ``None`` where there
            is none (what came inside the answer is taken by itself).
        id, request, number, notes, created_at
            As the attributes of a take.
        pcm_rate
            Sample rate in Hz, where recordings are raw samples without a header.
        embed_limit
            Most bytes of one recording that go into a page; ``None`` goes by the settings.
        hashes
            SHA-256 of each recording as it was kept, where it was.
        """
        about = About(
            prompt=prompt_of(request),
            model=getattr(request, "model", None) or job.model,
            provider=job.provider or getattr(request, "provider_name", None),
            asked=getattr(request, "duration", None),
            cost=job.cost if job.cost != Cost() else None,
            number=number,
            n_tracks=len(job.tracks),
        )
        of_each = list(zip(job.tracks, recordings, hashes or [None] * len(job.tracks), strict=True))
        tracks = tuple(
            KeptTrack(
                facts,
                recording if isinstance(recording, bytes) else None,
                path=None if isinstance(recording, bytes) else recording,
                about=about,
                pcm_rate=pcm_rate,
                embed_limit=embed_limit,
                sha256=sha256,
            )
            for facts, recording, sha256 in of_each
            if not facts.is_picture
        )
        pictures = tuple(
            Picture.of(facts, recording, title=about.prompt, sha256=sha256)
            for facts, recording, sha256 in of_each
            if facts.is_picture
        )
        made = created_at or datetime.now(timezone.utc)
        return cls(id, request, job, tracks, number, made, tuple(notes), pictures=pictures)

    @property
    def track(self) -> KeptTrack:
        """The first track.

        Raises
        ------
        AudioError
            The take has none.
        """
        if not self.tracks:
            message = f"Take {self.number} has no tracks: the service gave none."
            raise AudioError(message)
        return self.tracks[0]

    @property
    def cost(self) -> Cost:
        """What the job cost."""
        return self.job.cost

    @property
    def model(self) -> str | None:
        """Which model was asked for; ``take.job.model`` is the provider's own name for it."""
        return getattr(self.request, "model", None) or self.job.model

    @property
    def provider(self) -> str | None:
        """Who made it."""
        return self.job.provider or getattr(self.request, "provider_name", None)

    @property
    def sandbox(self) -> bool:
        """Whether the sandbox made it, not a service."""
        return self.job.sandbox or any(track.sandbox for track in self.tracks)

    @property
    def origin(self) -> Origin | None:
        """Where it was ordered; ``None`` for a take that is in memory only."""
        return None

    # -- showing it ----------------------------------------------------------------------------

    def prepare(self) -> Take:
        """Work out everything the players show; meant for a worker thread."""
        for track in self.tracks:
            track.prepare()
        return self

    def __repr__(self) -> str:
        title = prompt_of(self.request) or next((t.title for t in self.tracks if t.title), None)
        n = len(self.tracks)
        words = [] if self.pictures else [f"{n} track{'' if n == 1 else 's'}"]
        words += _counted(self.pictures)
        kept = [track for track in self.tracks if track.has_audio]
        seconds = sum(track.seconds or 0.0 for track in kept)
        words += [f"{seconds:.1f} s"] if seconds else []
        words += sorted({track.format_words for track in kept})
        words += ["sandbox"] if self.sandbox else []
        of = f' of "{excerpt(title, 40)}"' if title else ""
        return f"<Take {self.number}{of}: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        players = [track._repr_html_() for track in self.tracks]
        return "".join([*players, *(picture._repr_html_() for picture in self.pictures)])

    def mark_shown(self, run: str | None) -> None:
        """Remember that the players stand in the output of this cell run already.

        ``run`` is what :func:`cell_run` gave in the cell; ``None`` is no cell and is not kept.
        """
        if run is not None:
            self._shown_in.add(run)

    def is_shown(self, run: str | None) -> bool:
        """Whether the players stand in the output of this cell run already."""
        return run in self._shown_in

    def _ipython_display_(self) -> None:
        from IPython.display import display

        run = cell_run()
        if not self.is_shown(run):
            bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
            display(bundle, raw=True)  # type: ignore[no-untyped-call]
            self.mark_shown(run)


def _counted(pictures: Sequence[Picture]) -> list[str]:
    n = len(pictures)
    formats = sorted({picture.format for picture in pictures if picture.is_here})
    return [f"{n} picture{'' if n == 1 else 's'}", *formats] if n else []


def checked_opinion(name: str, value: Any) -> Any:
    """Return a rating, note or list of tags as it is kept.

    Raises
    ------
    ValueError
        It is none.
    """
    if name == "rating":
        if value is not None and (isinstance(value, bool) or value not in (1, 2, 3, 4, 5)):
            message = f"rating = {brief(value)} is no rating. Give 1 to 5, or None to take it back."
            raise ValueError(message)
        return value if value is None else int(value)
    if name == "note":
        if value is not None and not isinstance(value, str):
            message = f"note = {brief(value)} is no text."
            raise ValueError(message)
        return without_keys(value) if value else None
    tags = [value] if isinstance(value, str) else list(value or ())
    if not all(isinstance(tag, str) and tag.strip() and len(tag) <= 80 for tag in tags):
        message = f"tags = {brief(value)} are no tags. Give short texts, such as ['demo', 'slow']."
        raise ValueError(message)
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


def prompt_of(request: Any) -> str | None:
    """Return what a request asks for in words, whichever service it is for."""
    for name in ("prompt", "gpt_description_prompt", "title", "wish"):
        words = getattr(request, name, None)
        if isinstance(words, str) and words.strip():
            return words
    return None


def cell_run() -> str | None:
    """Return what tells this run of this cell from every other; ``None`` outside of cells.

    The id of the request that the kernel is answering, or, without a kernel, the number of the
    input. Ask in the cell: in another thread, another cell may be meant.
    """
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        header = (kernel.get_parent() or {}).get("header") or {}
        if header.get("msg_id"):
            return str(header["msg_id"])
    return f"In[{shell.execution_count}]"
