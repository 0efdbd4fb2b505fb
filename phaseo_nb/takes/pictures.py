"""Cover images: pictures that were ordered for a take, as they were received."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from ..cards import picture_card
from ..errors import AudioError
from ..phrases import visible
from ..transport.images import ImageType, sniff_image
from .sources import Source, source_of

if TYPE_CHECKING:
    from ..jobs import Track
    from . import Take

EMBED_LIMIT = 2_000_000
"""Most bytes of a picture that go into a page; a larger one is named there by its file."""


class Picture:
    """A cover image; in a cell it shows itself.

    Attributes
    ----------
    url : str or None
        Where the service had it; good for days.
    title : str or None
        What it is a picture of, in words.
    sandbox : bool
        Whether the sandbox made it, not a service.
    """

    def __init__(
        self,
        data: bytes | None,
        path: Path | Source | None,
        *,
        title: str | None = None,
        url: str | None = None,
        why_not: str | None = None,
        sha256: str | None = None,
        sandbox: bool = False,
    ) -> None:
        self._data = data
        self._why_not = why_not
        self._kept_in = source_of(path, sha256)
        self.title = title
        self.url = url
        self.sandbox = sandbox

    @classmethod
    def of(
        cls,
        facts: Track,
        recording: bytes | Path | Source | None,
        *,
        title: str | None,
        sha256: str | None = None,
    ) -> Picture:
        """Return the picture of an entry of a job, from its bytes or the file it is kept in."""
        return cls(
            recording if isinstance(recording, bytes) else None,
            None if isinstance(recording, bytes) else recording,
            title=facts.title or title,
            url=facts.image_url,
            why_not=facts.failure,
            sha256=sha256,
            sandbox=facts.sandbox,
        )

    @property
    def is_here(self) -> bool:
        """Whether there is a picture to show."""
        return self._data is not None or self._kept_in is not None

    @property
    def path(self) -> Path | None:
        """The file it is kept in; ``None`` while it is in memory only.

        Of a far store it is a copy on this machine, which is fetched now if it is not here.
        """
        return self._kept_in.path if self._kept_in is not None else None

    @property
    def data(self) -> bytes:
        """The picture as received.

        Raises
        ------
        AudioError
            It is not here, cannot be read, or is no longer what was kept.
        """
        if self._data is not None:
            return self._data
        if self._kept_in is None:
            message = f"This picture is not here: {self._why_not or 'the service gave none'}."
            raise AudioError(message)
        return self._kept_in.read()

    @property
    def format(self) -> str:
        """``png``, ``jpeg`` or ``webp``, by what is in it; ``unknown`` where it is not here."""
        known = self._kept_in.format if self._kept_in is not None else None
        if known is not None:
            return known
        kind = self._kind
        return kind.format if kind else "unknown"

    @property
    def alt(self) -> str:
        """What it shows, for those who cannot see it."""
        made = " (sandbox)" if self.sandbox else ""
        return f"{visible(self.title) if self.title else 'Cover image'}{made}"

    @property
    def _kind(self) -> ImageType | None:
        if self._data is not None:
            return sniff_image(self._data)
        if self._kept_in is None:
            return None
        try:
            if self._kept_in.format is not None:  # a far one: it is fetched whole
                return sniff_image(self._kept_in.read())
            with self._kept_in.path.open("rb") as file:
                return sniff_image(file.read(12))
        except (OSError, AudioError):
            return None

    def __repr__(self) -> str:
        name = self._kept_in.name if self._kept_in is not None else ""
        place = f" {name[:12]}…{Path(name).suffix}" if name else ""
        sandbox = ", sandbox" if self.sandbox else ""
        return f"<Picture {self.format}{place}{sandbox}>"

    # -- in a cell ---------------------------------------------------------------------------

    def _repr_png_(self) -> bytes | None:
        return self._shown_as("png")

    def _repr_jpeg_(self) -> bytes | None:
        return self._shown_as("jpeg")

    def _repr_html_(self) -> str:
        kind, source, notes = self._kind, None, []
        try:
            data = self.data
        except AudioError as error:
            notes.append(str(error))
        else:
            if kind is None:
                notes.append("This file is no picture.")
            elif len(data) > EMBED_LIMIT:
                notes.append(f"{len(data) / 1e6:.1f} MB, too large for a page. It is in a file.")
            else:
                source = f"data:{kind.mime};base64,{base64.b64encode(data).decode()}"
        place = self._kept_in.place if self._kept_in is not None and source is None else None
        return picture_card(
            title=self.title or "Cover image",
            source=source,
            alt=self.alt,
            notes=[*notes, *([place] if place else [])],
            sandbox=self.sandbox,
        )

    def _shown_as(self, format: str) -> bytes | None:
        try:
            data = self.data
        except AudioError:
            return None
        return data if self.format == format and len(data) <= EMBED_LIMIT else None


class Pictures(tuple[Picture, ...]):
    """The pictures of one order; in a cell they show themselves. An ordinary tuple otherwise."""

    _take: Take | None = None

    @classmethod
    def of(cls, take: Take) -> Pictures:
        """Return the pictures of a take that is made of them."""
        pictures = cls(take.pictures)
        pictures._take = take
        return pictures

    def __repr__(self) -> str:
        n = len(self)
        formats = ", ".join(sorted({picture.format for picture in self}))
        return f"<{n} picture{'' if n == 1 else 's'}: {formats}>" if n else "<no pictures>"

    def _repr_html_(self) -> str:
        return "".join(picture._repr_html_() for picture in self)

    def _ipython_display_(self) -> None:
        """Show them, unless they stand in the output of this cell already."""
        from IPython.display import display

        from . import cell_run

        run = cell_run()
        if self._take is not None and self._take.is_shown(run):
            return
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        if self._take is not None:
            self._take.mark_shown(run)
