"""One order under a fault, as each client does it; see ``bench_faults.py``.

::

    fault_sides.py SIDE URL FAULT [FAULT …]     # prints what became of each, as JSON

Only the standard library is imported here, and each side imports what it is about, so that the
file runs with the interpreter of any peer's environment. Every fault has a process of its own
(a fork, so POSIX only) with a limit of memory and of time: what does not end is ended.

What a peer does not offer is written by hand below, as a careful user would: ask until the job is
done, look at what came, complain in words. So a peer is compared by what its own code does with
an answer, and with an answer that does not come. Each is told a timeout where it takes one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODEL, PROMPT, KEY = "suno/v4.5", "a slow harbour waltz", "phaseo_v1_sk_abcdef123456_nobody"
TIMEOUT = 3.0
"""Seconds of silence: what each client is told that takes a timeout."""
PATIENCE = 15.0
"""Seconds after which a job that is not done is given up, with an error that says so."""
DEADLINE = 40.0
"""Seconds after which a client hangs."""
PAUSE = 0.2
MEMORY = 1_500_000_000
AT_ONCE, HEAVY_AT_ONCE = 8, 3
HEAVY = ("20mb", "5gb", "bomb", "deep", "endless")
"""Faults that keep a processor busy: fewer at once, so that nobody is late for want of one."""

Post = Callable[[dict[str, Any]], Any]
Get = Callable[[str], Any]
Fetch = Callable[[str], bytes]
Order = Callable[[str, dict[str, Any]], bytes]
"""Order, wait, fetch: takes a base URL and a place for ``job_id``; returns the audio."""


class Complaint(Exception):
    """What a careful user's own code says of an answer."""


def careful(make: Callable[[str], tuple[Post, Get, Fetch]]) -> Order:
    """Write the loop around a client that sends single requests."""

    def order(base_url: str, seen: dict[str, Any]) -> bytes:
        post, get, fetch = make(base_url)
        state = post({"model": MODEL, "prompt": PROMPT})
        job_id = state.get("id") if isinstance(state, dict) else None
        if not isinstance(job_id, str):
            raise Complaint("the order was answered without an id")
        seen["job_id"] = job_id
        ends = time.monotonic() + PATIENCE
        while not isinstance(state, dict) or state.get("status") != "completed":
            if isinstance(state, dict) and state.get("status") == "failed":
                raise Complaint("the job failed")
            if time.monotonic() > ends:
                raise Complaint("the job is not done")
            time.sleep(PAUSE)
            state = get(job_id)
        tracks = state.get("output")
        track = tracks[0] if isinstance(tracks, list) and tracks else None
        url = track.get("audio_url") if isinstance(track, dict) else None
        if not isinstance(url, str) or not url:
            raise Complaint("the job is done, and there is no audio")
        return fetch(url)

    return order


# -- peers -----------------------------------------------------------------------------------------


def phaseo_side() -> Order:
    """The official SDK: its two generated operations; it takes no timeout and fetches nothing."""
    from gen import operations
    from gen.client import Client

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        client = Client(base_url, headers={"Authorization": f"Bearer {KEY}"})
        return (
            lambda body: operations.generateMusic(client, body=body),
            lambda job_id: operations.getMusicGeneration(client, path={"music_id": job_id}),
            lambda url: bytes(urllib.request.urlopen(url, timeout=TIMEOUT).read()),
        )

    return careful(make)


def openai_side() -> Order:
    """openai's client by ``post`` and ``get``, which its documentation has for other routes."""
    from openai import OpenAI
    from openai._legacy_response import HttpxBinaryResponseContent

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        client = OpenAI(api_key=KEY, base_url=base_url, timeout=TIMEOUT)

        def fetch(url: str) -> bytes:
            return bytes(client.get(url, cast_to=HttpxBinaryResponseContent).read())

        return (
            lambda body: client.post("/music/generate", cast_to=object, body=body),
            lambda job_id: client.get(f"/music/generate/{job_id}", cast_to=object),
            fetch,
        )

    return careful(make)


def musicapi_side() -> Order:
    """musicapi-sdk by the ``request`` that all its routes use; it fetches nothing itself."""
    import httpx
    from musicapi._http import HttpClient

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        client = HttpClient(KEY, base_url, timeout=TIMEOUT)
        return (
            lambda body: client.request("POST", "/music/generate", body=body)[1],
            lambda job_id: client.request("GET", f"/music/generate/{job_id}")[1],
            lambda url: by_httpx(httpx, url),
        )

    return careful(make)


def fal_side() -> Order:
    """fal-client by ``SyncClient.run``, its host replaced; it fetches nothing itself."""
    import fal_client.client
    import httpx

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        fal_client.client.RUN_URL_FORMAT = f"{base_url}/"
        client = fal_client.SyncClient(key=KEY)

        def get(job_id: str) -> Any:
            return client.run(f"music/generate/{job_id}", {}, method="GET", timeout=TIMEOUT)

        return (
            lambda body: client.run("music/generate", body, timeout=TIMEOUT),
            get,
            lambda url: by_httpx(httpx, url),
        )

    return careful(make)


def replicate_side() -> Order:
    """replicate by the ``_request`` that all its routes use, and its ``FileOutput``."""
    import httpx
    from replicate.client import Client
    from replicate.helpers import FileOutput

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        client = Client(KEY, base_url=base_url, timeout=httpx.Timeout(TIMEOUT))

        def post(body: dict[str, Any]) -> Any:
            return client._request("POST", "/music/generate", json=body).json()

        return (
            post,
            lambda job_id: client._request("GET", f"/music/generate/{job_id}").json(),
            lambda url: FileOutput(url, client).read(),
        )

    return careful(make)


def httpx_side() -> Order:
    """httpx by hand."""
    import httpx

    def make(base_url: str) -> tuple[Post, Get, Fetch]:
        headers = {"Authorization": f"Bearer {KEY}"}
        client = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT)
        return (
            lambda body: client.post("/music/generate", json=body).raise_for_status().json(),
            lambda job_id: client.get(f"/music/generate/{job_id}").raise_for_status().json(),
            lambda url: by_httpx(httpx, url),
        )

    return careful(make)


def by_httpx(httpx: Any, url: str) -> bytes:
    """Fetch as one would beside a client that does not."""
    content: bytes = httpx.get(url, timeout=TIMEOUT).raise_for_status().content
    return content


# -- we --------------------------------------------------------------------------------------------


def our_side() -> Order:
    """``nb.generate`` as a cell would call it, with a library of its own."""
    import phaseo_nb as nb
    from phaseo_nb.client import MusicClient
    from phaseo_nb.polling import USUAL_SECONDS

    # What `MusicClient(timeout=…)` takes; a session has no such word. And as if nothing were
    # known of Suno: its jobs are first asked for after half a minute, and these end at once.
    patient = functools.partial(MusicClient.of, timeout=TIMEOUT)
    setattr(MusicClient, "of", patient)  # noqa: B010 - a type checker refuses the plain way
    USUAL_SECONDS.clear()

    def order(base_url: str, seen: dict[str, Any]) -> bytes:
        with tempfile.TemporaryDirectory() as home:
            session = nb.connect("phaseo", api_key=KEY, base_url=base_url, library=home)
            try:
                making = nb.generate(
                    PROMPT, model=MODEL, show=False, timeout=PATIENCE, session=session
                )
                kept = nb.run(making).track.path
                return Path(kept).read_bytes() if kept else b""
            except nb.PhaseoError as error:
                seen["job_id"] = getattr(error, "job_id", None)
                raise
            finally:
                library = session.library
                listed = [*library.recent(), *library.unfinished(), *library.uncertain()]
                seen["is_listed"] = bool(listed)
                library.close()

    return order


SIDES: dict[str, Callable[[], Order]] = {
    "phaseo_nb": our_side,
    "phaseo": phaseo_side,
    "openai": openai_side,
    "musicapi-sdk": musicapi_side,
    "fal-client": fal_side,
    "replicate": replicate_side,
    "httpx": httpx_side,
}


# -- running ---------------------------------------------------------------------------------------


def try_once(order: Order, base_url: str) -> dict[str, Any]:
    """Order under a fault and say what came of it."""
    seen: dict[str, Any] = {}
    began = time.monotonic()
    try:
        audio = order(base_url, seen)
        ended: dict[str, Any] = {"sha256": hashlib.sha256(audio).hexdigest()}
    except BaseException as error:
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
        ended = {"error": kinds[:-3] or kinds[:1], "text": str(error)[:300]}
    return {**ended, **seen, "seconds": round(time.monotonic() - began, 2)}


def fork(work: Callable[[], Any]) -> tuple[int, int]:
    """Work in a process of its own; return its id and where its word will come."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with os.fdopen(writing, "w") as word:
            json.dump(work(), word)
    finally:
        os._exit(0)


def warm_up(order: Order, url: str, side: str) -> None:
    """Import here whatever a first order imports, so that no try is about imports."""

    def order_one() -> list[str]:
        try_once(order, f"{url}/ok/{side}-first/v1")
        return list(sys.modules)

    child, pipe = fork(order_one)
    with os.fdopen(pipe) as word:
        names = json.load(word)
    os.waitpid(child, 0)
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def is_heavy(fault: str) -> bool:
    """Say whether a fault keeps a processor busy."""
    return any(word in fault for word in HEAVY)


def main() -> None:
    """Try every fault, some at once, and print what became of them."""
    side, url, *faults = sys.argv[1:]
    order = SIDES[side]()
    warm_up(order, url, side)
    running: dict[int, tuple[str, int, float]] = {}
    done: dict[str, Any] = {}
    waiting = sorted(faults, key=is_heavy)
    while waiting or running:
        while waiting and len(running) < (HEAVY_AT_ONCE if is_heavy(waiting[0]) else AT_ONCE):
            fault = waiting.pop(0)
            # A room of its own for each client: the fault is new to it.
            room = f"{url}/{fault}/{side}/v1"
            child, pipe = fork(functools.partial(try_once, order, room))
            running[pipe] = (fault, child, time.monotonic() + DEADLINE)
        spoken = select.select(list(running), [], [], 0.1)[0]
        for pipe, (fault, child, ends) in list(running.items()):
            if pipe not in spoken and time.monotonic() < ends:
                continue
            word = os.read(pipe, 65_536) if pipe in spoken else b""
            if pipe not in spoken:
                os.kill(child, signal.SIGKILL)
            os.close(pipe)
            os.waitpid(child, 0)
            del running[pipe]
            lost = {"ended": "died"} if pipe in spoken else {"ended": "hanging"}
            done[fault] = json.loads(word) if word else lost
    print(json.dumps(done))


if __name__ == "__main__":
    main()
