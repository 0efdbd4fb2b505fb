"""What becomes of an order when something goes wrong: us and six clients, the same faults.

Run it as a command of its own; it exits with 1 where a target is missed::

    python tests/benchmarks/bench_faults.py
    python tests/benchmarks/bench_faults.py --rows      # also what became of every fault

The service of ``tests/fault_service`` does one thing wrong, once, at one stage: when the order
comes in, when somebody asks for the job, when the audio is fetched. Each client makes one order
under each fault, in a process of its own (``fault_sides.py`` says by which calls). Then:

- *survived*: the audio is in hand, and it is that of a job of this order, by its SHA-256. Who
  sends a lost order again survives more, and pays for it: those are counted apart
- *clear error*: an error of the client's own, of its HTTP library, or one in words
- *unclear*: anything else that was raised, such as a KeyError or a MemoryError
- *wrong*: something was returned that is not the audio
- *hanging*: no end within the deadline, or a process that died

and by the books of the service: *paid twice*, and *paid and lost*: a job was paid for, and the
client has neither its audio nor its id nor a note of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peers
from fault_sides import SIDES
from figures import Figure, is_quick, run_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent.parent
OURS = "phaseo_nb"
OUTCOMES = ("survived", "clear error", "unclear", "wrong", "hanging")
BAD = ("unclear", "wrong", "hanging")
QUICK = ("submit-429-seconds", "submit-reset-after", "poll-503", "download-cut")
ITS_OWN = {
    OURS: ("phaseo_nb.",),
    "phaseo": ("urllib.error.", "phaseo.", "gen."),
    "openai": ("openai.", "httpx2.", "httpx."),
    "musicapi-sdk": ("musicapi.", "httpx."),
    "fal-client": ("fal_client.", "httpx."),
    "replicate": ("replicate.", "httpx."),
    "httpx": ("httpx.",),
}
"""Whose errors count as clear, besides time-outs, errors of sockets, and those in words."""
FAIR = ("builtins.TimeoutError", "builtins.ConnectionError", "http.client.HTTPException")
AT_ONCE = 2
"""Clients at a time; each tries some faults at once, and is mostly waiting."""


@contextmanager
def fault_service() -> Iterator[str]:
    """Run the service in a process of its own."""
    command = [sys.executable, "-m", "fault_service", "--port", "0"]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def tell(url: str, path: str) -> Any:
    """Ask the service for its books."""
    with urllib.request.urlopen(f"{url}{path}", timeout=30) as answer:
        return json.load(answer)


def try_all(side: str, url: str, faults: list[str]) -> dict[str, dict[str, Any]] | str:
    """Let one client try all faults; return what became of each, or why it could not."""
    words = [side, url, *faults]
    try:
        if side != OURS:
            result = peers.run(side, "fault_sides.py", *words, timeout=900)
            return dict(result)
        command = [sys.executable, str(peers.HERE / "fault_sides.py"), *words]
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=900,
            check=True,
            env={**os.environ, "no_proxy": "127.0.0.1"},
        )
        return dict(json.loads(ended.stdout.splitlines()[-1]))
    except Exception as error:  # one client less; the others are compared all the same
        lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
        return f"{side} could not be driven: {lines[-1] if lines else error!r}"


def outcome_of(side: str, tried: dict[str, Any], right: frozenset[str]) -> str:
    """Judge what became of one order."""
    if "ended" in tried:
        return "hanging"
    if "sha256" in tried:
        return "survived" if tried["sha256"] in right else "wrong"
    own = (*ITS_OWN[side], *FAIR, "__main__.Complaint")
    # A class that a package made out of KeyError or ValueError is the package's own all the same.
    is_clear = tried["text"].strip() and any(kind.startswith(own) for kind in tried["error"])
    return "clear error" if is_clear else "unclear"


def recordings() -> frozenset[str]:
    """Return the SHA-256 of whatever the service may play to the first orders of a room."""
    sys.path.insert(0, str(TESTS))
    from fault_service import sound_of
    from fault_service.answers import long_sound

    sounds = [make(n * 10) for n in range(1, 11) for make in (sound_of, long_sound)]
    return frozenset(hashlib.sha256(sound).hexdigest() for sound in sounds)


class Score:
    """What one client came to."""

    def __init__(self, side: str, tried: dict[str, dict[str, Any]], paid: dict[str, int]) -> None:
        right = recordings()
        self.rows = {fault: outcome_of(side, tried[fault], right) for fault in sorted(tried)}
        self.count = Counter(self.rows.values())
        bills = {fault: paid.get(f"{fault}/{side}", 0) for fault in tried}
        self.twice = [fault for fault, n in bills.items() if n > 1]
        survived = [fault for fault, outcome in self.rows.items() if outcome == "survived"]
        self.once = [fault for fault in survived if fault not in self.twice]
        self.lost = [
            fault
            for fault, n in bills.items()
            if n and self.rows[fault] != "survived" and not _is_known(fault, tried[fault])
        ]

    @property
    def bad(self) -> int:
        """How many orders ended neither well nor clearly."""
        return sum(self.count[outcome] for outcome in BAD)


def _is_known(fault: str, tried: dict[str, Any]) -> bool:
    # A client that had to be ended cannot say; it had the id if the order went well.
    went_well = "ended" in tried and not fault.startswith("submit-")
    return bool(tried.get("job_id") or tried.get("is_listed") or went_well)


def score_all() -> tuple[dict[str, Score], list[str]]:
    """Let all clients try; return their scores, and why some have none."""
    with fault_service() as url, ThreadPoolExecutor(AT_ONCE) as pool:
        known = [fault for fault in tell(url, "/__faults") if "phaseo" in fault["wires"]]
        faults = [fault["name"] for fault in known if not fault["name"].endswith("-always")]
        if is_quick():
            faults = list(QUICK)
        sides = [OURS, "httpx"] if is_quick() else list(SIDES)
        results = dict(
            zip(sides, pool.map(lambda side: try_all(side, url, faults), sides), strict=True)
        )
        paid = tell(url, "/__paid")
    absent = [why for why in results.values() if isinstance(why, str)]
    scores = {
        side: Score(side, tried, paid)
        for side, tried in results.items()
        if not isinstance(tried, str)
    }
    return scores, absent


def print_scores(scores: dict[str, Score]) -> None:
    """Print what the figures are made of."""
    heads = (*OUTCOMES, "paid twice", "paid and lost")
    print(f"{'':14}" + "".join(f"{head:>15}" for head in heads))
    for side, score in scores.items():
        cells = [score.count[outcome] for outcome in OUTCOMES]
        cells += [len(score.twice), len(score.lost)]
        print(f"{side:14}" + "".join(f"{cell:>15}" for cell in cells))
    print()
    if "--rows" in sys.argv:
        for fault in scores[OURS].rows:
            print(f"{fault:28}" + "".join(f"{s.rows[fault]:>15}" for s in scores.values()))
        for side, score in scores.items():
            print(f"{side}: paid twice {score.twice}; paid and lost {score.lost}")
        print()


def measure() -> list[Figure]:
    """Return how many faults are survived, and what the others cost."""
    scores, absent = score_all()
    if OURS not in scores:
        raise RuntimeError("; ".join(absent))
    print_scores(scores)
    ours = scores.pop(OURS)
    n = len(ours.rows)

    def figure(name: str, count: Any, target: str, better: Any, note: str = "") -> Figure:
        values = {side: [float(count(score))] for side, score in scores.items()}
        return Figure(name, f"of {n}", [float(count(ours))], values, target, better, note)

    why = "; ".join(absent)
    target = ">= 1x" if scores else ""
    dearly = "also by sending an order again whose answer was lost, which we never do"
    return [
        figure("faults survived, paid once", lambda s: len(s.once), target, "higher", why),
        figure("faults survived at any price", lambda s: s.count["survived"], "", "higher", dearly),
        figure("faults without a clear end", lambda s: s.bad, "<= 0", "lower"),
        figure("faults paid twice", lambda s: len(s.twice), "<= 0", "lower"),
        figure("faults paid and lost", lambda s: len(s.lost), "<= 0", "lower"),
    ]


if __name__ == "__main__":
    sys.exit(run_alone(measure))
