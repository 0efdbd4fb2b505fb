"""What both fuzzers share: bodies to begin with, ways to spoil them, and the loop.

A body is spoiled as a structure (values replaced, moved, doubled, nested) and then, now and then,
as bytes. Inputs that reach lines of the package which nothing reached before are kept and spoiled
further. Where Python has ``sys.monitoring`` (3.12) that is known of every input, on older ones of
each eighth, which is traced.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from hostile import KEY, TEXTS, spellings  # noqa: E402

CONTRACT = TESTS / "contract"
LONGEST = 1.0  # seconds of CPU for one input
MOST_MEMORY = 96 * 1024  # KiB that one input may add to the process
LARGEST = 64 * 1024  # bytes of an input that is kept
MOST_KEPT = 4000


class Finding(AssertionError):
    """The package did what it must never do."""


class Hanging(BaseException):
    """An input took longer than it may; no ``except Exception`` on the way stops it."""


class Raw(NamedTuple):
    """JSON text that no value of Python stands for."""

    text: str


class Doubled(NamedTuple):
    """An object with a name given twice."""

    pairs: list[tuple[str, Any]]


RAW = [
    *("NaN", "Infinity", "-Infinity", "-0", "-0.0", "1e999", "-1e999", "1e-999", "5e-324"),
    *("9" * 309, "9" * 5000, "-" + "9" * 4299, "0.1e1", "1E400", "00", "0x10", "1_000", "+1"),
    *("1" * 30 + "." + "1" * 30, "[" * 70 + "]" * 70, "[" * 3000 + "]" * 3000, "tru", "'x'"),
    *(f'"{form}"' for form in spellings(KEY).values()),
    *('"\\ud800"', '"\\u0000"', '"\\x41"', '{"a":' * 300 + "1" + "}" * 300, "", "/*c*/1", "1,"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 200, 400, 401, 404, 408, 429, 500, 502, 2**31, 2**53, 2**63),
    *(10**30, 10**300, 1.5, -5, 0.0, 1e308, "", " ", "0", "-1", "NaN", "1e999", "120s", "1_000"),
    *(
        "٣",
        "１２",
        "429",
        "200 ",
        "completed",
        "SUCCESS ",
        "paused_v2",
        "queued",
        "failed",
        "first",
    ),
    *("text", "complete", "all generated successfully", "data:audio/mpeg;base64,", "data:,"),
    *("data:audio/mpeg;base64," + "QUJD" * 30, "QUJD" * 400, "ff" * 64, "https://x.example/a.mp3"),
    *("javascript:alert(1)", "file:///etc/passwd", "http://169.254.169.254/", "//x", "unknown"),
    *(
        {},
        [],
        [[]],
        [{}],
        {"": ""},
        {"error": {}},
        [None, 1, "x", []],
        "{}",
        "[]",
        '{"a":1}',
        '"x"',
    ),
    *([{"id": "a"}] * 40, ["x"] * 300, "upstream_error", "G-1", ".", "..", "a/b?c#d", KEY),
]
ODD_HEADERS = {
    "retry-after": [
        *("0", "5", "-3", "1.5", "1e5", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "5, 6"),
        *("Wed, 99 Foo 99999 99:99:99 +9999", "٣", "", " 7 ", "Sun, 06 Nov 1994 08:49:37 -9999999"),
    ],
    "date": ["Wed, 21 Oct 2015 07:28:00 GMT", "x", "Mon, 01 Jan 0001 00:00:00 +2359", "\x00"],
    "content-type": [
        *("application/json", "text/plain", "text/html", "", "text/plain; charset=\xff"),
        "x" * 3000,
    ],
}


def write(value: Any) -> str:
    """Return JSON text, also of what is none."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Doubled):
        return "{" + ",".join(f"{write(name)}:{write(item)}" for name, item in value.pairs) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{write(str(k))}:{write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value)


class Spoiler:
    """Makes new bodies of old ones; the same seed makes the same ones."""

    def __init__(self, seed: int, bodies: Iterable[Any]) -> None:
        self.random = random.Random(seed)
        self.bodies = list(bodies)
        self._names = sorted({name for body in self.bodies for name in _names(body)}) or ["id"]
        self._texts = [*(text[:2000] for text in TEXTS.values()), *spellings(KEY).values()]

    def body(self, value: Any) -> bytes:
        """Return a spoiled body as bytes."""
        random = self.random
        value = _copy(value)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3, 6))):
            value = self._spoiled(value)
        data = self._encoded(write(value))
        if random.random() < 0.15:
            data = self.bytes(data)
        return data[: LARGEST * 4]

    def bytes(self, data: bytes) -> bytes:
        """Return spoiled bytes."""
        random = self.random
        spoiled = bytearray(data)
        for _ in range(random.choice((1, 1, 2, 4, 16))):
            at = random.randrange(len(spoiled) + 1)
            what = random.randrange(6)
            if what == 0:
                spoiled[at:at] = random.randbytes(random.randrange(1, 5))
            elif what == 1:
                del spoiled[at : at + random.randrange(1, 20)]
            elif what == 2 and spoiled:
                spoiled[at % len(spoiled)] ^= 1 << random.randrange(8)
            elif what == 3:
                spoiled[at:at] = random.choice(
                    (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\0", b'"')
                )
            elif what == 4:
                spoiled[at:at] = spoiled[: random.randrange(1, 200)]
            else:
                del spoiled[at:]
        return bytes(spoiled)

    def headers(self) -> dict[str, str]:
        """Return some headers."""
        random = self.random
        chosen = {name: random.choice(values) for name, values in ODD_HEADERS.items()}
        return {name: value for name, value in chosen.items() if random.random() < 0.4}

    def value(self) -> Any:
        """Return any value."""
        random = self.random
        kind = random.randrange(5)
        if kind == 0:
            return Raw(random.choice(RAW))
        if kind == 1:
            return random.choice(self._texts)
        if kind == 2 and self.bodies:
            return _copy(random.choice(_nodes(random.choice(self.bodies)))[2])
        return _copy(random.choice(VALUES))

    def _encoded(self, text: str) -> bytes:
        odd = self.random.randrange(60)
        if odd == 0:
            return b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass")
        if odd < 3:
            return text.encode(("utf-16", "utf-32")[odd - 1], "surrogatepass")
        return text.encode("utf-8", "surrogatepass")

    def _spoiled(self, value: Any) -> Any:
        random = self.random
        parent, place, node = random.choice(_nodes(value))
        what = random.randrange(10)
        if what < 3:
            new = self.value()
        elif what == 3 and isinstance(node, str):
            at = random.randrange(len(node) + 1)
            new = node[:at] + random.choice(self._texts) + node[at:]
        elif what == 4 and isinstance(node, dict):
            new = {**node, random.choice(self._names): self.value()}
        elif what == 5 and isinstance(node, dict) and node:
            pairs = list(node.items())
            new = Doubled([*pairs, (random.choice(pairs)[0], self.value())])
        elif what == 6:
            new = random.choice(
                ([node], {"data": node}, [node, node], write(node), {"error": node})
            )
        elif what == 7 and isinstance(node, list):
            new = node * random.choice((0, 2, 3, 20))
        elif what == 8 and isinstance(parent, dict):
            del parent[place]
            parent[random.choice(self._names + self._texts[:5])] = node
            return value
        else:
            new = random.choice((None, str(node)[:200], [], {}, 0, "", not node))
        if parent is None:
            return new
        parent[place] = new
        return value


def _nodes(value: Any) -> list[tuple[Any, Any, Any]]:
    """Return every part of a value with where it sits."""
    found: list[tuple[Any, Any, Any]] = [(None, None, value)]
    for _, _, node in found:
        if isinstance(node, dict):
            found.extend((node, name, item) for name, item in node.items())
        elif isinstance(node, list):
            found.extend((node, i, item) for i, item in enumerate(node[:50]))
        if len(found) > 2000:
            break
    return found


def _names(value: Any) -> set[str]:
    return {str(place) for parent, place, _ in _nodes(value) if isinstance(parent, dict)}


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def examples(*files: str) -> list[dict[str, Any]]:
    """Return the written-down bodies of both services."""
    found: list[dict[str, Any]] = []
    for file in files:
        found += json.loads((CONTRACT / file).read_text("utf-8"))
    return found


# -- what was reached ----------------------------------------------------------------------------


class Reached:
    """Lines of the package that some input came through."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.lines: set[tuple[str, int]] = set()
        self.is_new = False
        self._n = 0
        self._monitoring = getattr(sys, "monitoring", None)
        if self._monitoring is not None:
            tool = self._monitoring
            tool.use_tool_id(tool.COVERAGE_ID, "fuzz")
            tool.register_callback(tool.COVERAGE_ID, tool.events.LINE, self._line)
            tool.set_events(tool.COVERAGE_ID, tool.events.LINE)

    def _line(self, code: Any, line: int) -> Any:
        if code.co_filename.startswith(self._package):
            self._note(code.co_filename, line)
        return self._monitoring.DISABLE  # each line once

    def _note(self, file: str, line: int) -> None:
        if (file, line) not in self.lines:
            self.lines.add((file, line))
            self.is_new = True

    def run(self, check: Callable[[Any], None], given: Any) -> None:
        """Check one input; :attr:`is_new` tells whether it came somewhere new."""
        self.is_new = False
        self._n += 1
        if self._monitoring is not None or self._n % 8:
            check(given)
            return
        signal.setitimer(signal.ITIMER_PROF, 20 * LONGEST)  # tracing is slow
        sys.settrace(self._trace)
        try:
            check(given)
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(self._package):
            return None
        self._note(file, frame.f_lineno)

        def line(frame: FrameType, event: str, arg: Any) -> Any:
            if event == "line":
                self._note(file, frame.f_lineno)
            return line

        return line


# -- the loop ------------------------------------------------------------------------------------


class Target(NamedTuple):
    """What is fuzzed."""

    name: str
    make: Callable[[Spoiler, list[Any]], Any]
    """Makes an input: from scratch, or from one that was kept."""
    check: Callable[[Any], None]
    """Raises for an input that the package does not stand."""
    smaller: Callable[[Any], Iterable[Any]]
    """Gives inputs that are a little smaller."""
    bodies: Iterable[Any]


def guarded(check: Callable[[Any], None], given: Any) -> Exception | None:
    """Check an input within its time and memory; return what went wrong."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        check(given)
    except Hanging:
        return Finding(f"took longer than {LONGEST:g} s")
    except Exception as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if grown > MOST_MEMORY:
        return Finding(f"took {grown // 1024} MiB")
    return None


def minimal(target: Target, given: Any, error: Exception, seconds: float = 10.0) -> Any:
    """Return a smaller input that fails in the same way."""
    wanted, ends = kind_of(error), time.monotonic() + seconds
    is_smaller = True
    while is_smaller and time.monotonic() < ends:
        is_smaller = False
        for candidate in target.smaller(given):
            found = guarded(target.check, candidate)
            if found is not None and kind_of(found) == wanted:
                given, is_smaller = candidate, True
                break
            if time.monotonic() > ends:
                break
    return given


def kind_of(error: BaseException) -> str:
    """Return what tells one finding from another: its class, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "phaseo_nb" in frame.filename] or frames[-1:]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    words = str(error).partition(":")[0][:60] if isinstance(error, Finding) else ""
    return f"{type(error).__name__} {place} {words}"


def smaller_bytes(data: bytes) -> Iterable[bytes]:
    """Give bytes with parts cut out, large parts first."""
    size = len(data) // 2
    while size:
        for at in range(0, len(data), size):
            yield data[:at] + data[at + size :]
        size //= 2


def _alarm(*_: object) -> None:
    raise Hanging


def run(
    target: Target,
    *,
    seconds: float,
    seed: int,
    runs: int | None = None,
    folder: Path | None = None,
) -> dict[str, tuple[Any, Exception]]:
    """Fuzz for a time; return one input and error for each kind of finding."""
    import phaseo_nb

    signal.signal(signal.SIGPROF, _alarm)
    spoiler = Spoiler(seed, target.bodies)
    reached = Reached(str(Path(phaseo_nb.__file__).parent))
    kept: list[Any] = []
    found: dict[str, tuple[Any, Exception]] = {}
    began = said = time.monotonic()
    n = 0
    while (n < runs) if runs is not None else (time.monotonic() - began < seconds):
        n += 1
        given = target.make(spoiler, kept)
        error = guarded(lambda given: reached.run(target.check, given), given)
        if reached.is_new and error is None and len(kept) < MOST_KEPT:
            kept.append(given)
        if error is not None and kind_of(error) not in found:
            found[kind_of(error)] = (given, error)
            small = minimal(target, given, error)
            found[kind_of(error)] = (small, guarded(target.check, small) or error)
            _report(target.name, len(found), *found[kind_of(error)], folder)
        if time.monotonic() - said > 30:
            said = time.monotonic()
            print(_figures(n, said - began, kept, reached, found), flush=True)
    print(_figures(n, time.monotonic() - began, kept, reached, found), flush=True)
    return found


def _figures(n: int, seconds: float, kept: list[Any], reached: Reached, found: Any) -> str:
    return (
        f"{seconds:6.0f} s  {n:,} inputs  {n / max(seconds, 1e-9):,.0f} a second  "
        f"{len(kept)} kept  {len(reached.lines):,} lines reached  {len(found)} findings"
    )


def _report(name: str, n: int, given: Any, error: Exception, folder: Path | None) -> None:
    folder = folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    path = folder / f"{name}-{n}.txt"
    lines = traceback.format_exception(error)
    path.write_text(f"{given!r}\n\n{''.join(lines)}", "utf-8", "backslashreplace")
    shown = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()
    print(f"FINDING {n}: {shown[:300]}\n  input: {ascii(given)[:300]}\n  saved: {path}", flush=True)


def main(target: Target) -> int:
    """Run a fuzzer as a command; 1 where something was found."""
    parser = argparse.ArgumentParser(description=f"Fuzz {target.name}; exits with 1 on a finding.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--runs", type=int, help="how many inputs, in place of a time")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs")
    parser.add_argument("--folder", type=Path, help="where findings are saved (a new one in /tmp)")
    given = parser.parse_args()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    found = run(
        target, seconds=given.seconds, seed=given.seed, runs=given.runs, folder=given.folder
    )
    return 1 if found else 0
