"""What a copy came to."""

from __future__ import annotations

from dataclasses import dataclass

from ...cards import note_card
from ...phrases import size


@dataclass(frozen=True, repr=False)
class Copied:
    """A library that was copied; everything in it was compared with the original."""

    source: str
    """Where it was copied from, without any password."""
    target: str
    """Where the copy is."""
    audio: str
    """Where its recordings are."""
    n_takes: int
    n_attempts: int
    """Takes and everything else that was ordered, such as failed jobs."""
    n_recordings: int
    """Recordings that the copy has, cover images included."""
    n_copied: int
    """Recordings that were carried now; the others were there."""
    size_bytes: int
    """What was carried."""
    usd: float
    """What all of it cost."""
    missing: tuple[str, ...] = ()
    """Recordings that the original has lost, so that the copy has none of them either."""
    n_planned: int = 0
    """Orders that waited to be sent and were left out."""
    is_shared: bool = False
    """Whether both use the same recordings at the same place."""
    is_moved: bool = False
    """Whether the original takes no orders any more."""
    seconds: float = 0.0

    def __repr__(self) -> str:
        return self._shown(text=True)

    def _repr_html_(self) -> str:
        return self._shown(text=False)

    def _shown(self, *, text: bool) -> str:
        lines = [f"From {self.source} to {self.target}.", self._amounts(), *self._audio()]
        if self.missing:
            some = ", ".join(self.missing[:5]) + (" …" if len(self.missing) > 5 else "")
            lines.append(
                f"{_counted(len(self.missing), 'recording')} the original has lost, so they are "
                f"not in the copy either: {some}. `library.doctor()` says what can be done."
            )
        if self.n_planned:
            lines.append(
                f"{_counted(self.n_planned, 'order')} had not been sent yet and stayed where they "
                "are: two libraries that both send them would pay twice."
            )
        if self.is_moved:
            lines.append(
                "The original takes no orders any more. Set PHASEO_NB_HOME to the new place, or "
                "`nb.connect(library=…)`; `go_on_here()` of the old one is the way back."
            )
        heading = "The library was moved" if self.is_moved else "The library was copied"
        return note_card(lines, heading=heading, text=text)

    def _amounts(self) -> str:
        said = [_counted(self.n_takes, "take"), _counted(self.n_recordings, "recording")]
        others = self.n_attempts - self.n_takes
        said += [f"{others:,} other attempts"] if others > 1 else []
        said += ["one other attempt"] if others == 1 else []
        cost = f"; ${self.usd:,.2f} in all" if self.usd else ""
        compared = f"Everything was compared, in {self.seconds:.1f} s."
        return f"{', '.join(said)}{cost}. {compared}"

    def _audio(self) -> list[str]:
        if self.is_shared:
            return [
                f"Both use the recordings at {self.audio}: what is deleted for good in one is "
                "gone for both."
            ]
        there = self.n_recordings - self.n_copied
        if not self.n_copied:
            return ["All recordings were there already."] if there else []
        said = f"{_counted(self.n_copied, 'recording')} ({size(self.size_bytes)}) carried"
        return [f"{said}, {there:,} were there already." if there else f"{said}, each read back."]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
