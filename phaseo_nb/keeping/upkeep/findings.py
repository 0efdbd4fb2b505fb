"""What a check-up of a library can find, what it means, and what mending does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...phrases import excerpt, size

DAMAGED = ".damaged"
"""End of the name of a recording that is no longer what was kept."""
_SHOWN = 8
_IN_WORDS = ("copy", "unreachable")
"""Kinds of which there is one at most, told in sentences."""
OF_PEOPLE = (*_IN_WORDS, "uncertain", "empty", "set_aside")
"""Kinds that mending leaves to people."""


class Words(NamedTuple):
    """What a kind of finding is called, what it means, and what mending does about it."""

    name: str
    means: str
    mend: str


KINDS = {
    "journal": Words(
        "The journal is damaged",
        "SQLite finds its file inconsistent; some of it may be lost.",
        "leaves it as it is. Copy the folder, then `sqlite3 journal.db .recover` saves what can be",
    ),
    "copy": Words(
        "A copy into this library is not finished",
        "Until it is, nothing is ordered here, as the copy could not go on after that.",
        "leaves that to you",
    ),
    "unreachable": Words(
        "The recordings cannot be reached",
        "Their place is away or gone, or does not let us in, so nobody can tell how they are.",
        "leaves all of them as they are. Bring the place back, or its keys, and look again",
    ),
    "index": Words(
        "The search index is missing or damaged",
        "Searching compares plainly meanwhile, or misses takes; no take is touched by this.",
        "makes it anew from the texts",
    ),
    "missing": Words(
        "Recordings that are gone",
        "The journal knows them, their files are not there.",
        "forgets them, so that running the cell of such a take fetches its audio again, at no "
        "cost, while the service still has it",
    ),
    "changed": Words(
        "Recordings that are not what was kept",
        "Their length or hash differs: a fault of the disk, or somebody wrote into them.",
        f"renames them to …{DAMAGED} and forgets them, so that they are fetched again",
    ),
    "unreadable": Words(
        "Recordings that cannot be read",
        "The system refuses to open them.",
        "leaves them as they are; look at their rights",
    ),
    "orphan": Words(
        "Audio that no row knows",
        "A kernel was killed between writing the file and its row, or the journal is another one.",
        "keeps it; `mend(remove_orphans=True)` deletes what is older than an hour, once no job is "
        "open or uncertain that might still come for it",
    ),
    "part": Words(
        "Unfinished files",
        "Downloads or copies that broke off, or that run right now.",
        "removes those older than an hour",
    ),
    "set_aside": Words(
        "Damaged recordings that were set aside",
        "An earlier check-up renamed them.",
        "keeps them; delete them yourself when nobody needs them",
    ),
    "lease": Words(
        "Jobs that a dead kernel looked after",
        "They are paid or may be, and nobody waits for them.",
        "frees them; `nb.resume()` takes them up. What was being handed in becomes uncertain, "
        "what was never sent is forgotten",
    ),
    "uncertain": Words(
        "Requests of which nobody knows what became of them",
        "They may exist and may have cost.",
        "leaves them to you: `library.uncertain()` shows what can be done",
    ),
    "empty": Words(
        "Jobs that were paid and brought no audio",
        "The service said completed.",
        "leaves them to you: `library.uncertain()` shows what can be done",
    ),
}


@dataclass(frozen=True)
class Finding:
    """Everything of one kind that is not as it should be."""

    kind: str
    """One of ``journal copy unreachable index missing changed unreadable orphan part set_aside
    lease uncertain empty``."""
    items: tuple[str, ...]
    """File names inside the audio folder, ids of takes, or what SQLite says."""
    size_bytes: int = 0
    """Of the files."""
    about: tuple[str, ...] = ()
    """What belongs to the items, where that is known: the takes of a recording."""

    @property
    def means(self) -> str:
        """What it means."""
        return KINDS[self.kind].means

    @property
    def mend(self) -> str:
        """What mending does about it."""
        return KINDS[self.kind].mend

    def __repr__(self) -> str:
        return f"<Finding {self.kind}: {len(self.items):,}>"

    def lines(self) -> list[str]:
        """Return it in words."""
        n = len(self.items)
        if self.kind in _IN_WORDS:
            return [
                f"{KINDS[self.kind].name}. {self.means} Mending {self.mend}.",
                " ".join(excerpt(item, 600) for item in self.items),
            ]
        heavy = f", {size(self.size_bytes)}" if self.size_bytes else ""
        shown = [excerpt(item, 100) for item in (self.about or self.items)[:_SHOWN]]
        more = f" … and {n - _SHOWN:,} more" if n > _SHOWN else ""
        return [
            f"{KINDS[self.kind].name} ({n:,}{heavy}). {self.means} Mending {self.mend}.",
            "; ".join(shown) + more,
        ]
