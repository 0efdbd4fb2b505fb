"""A music service on loopback that counts what is paid, in a process of its own.

It outlives every kernel that is killed, so its count is the truth that journals are compared with.
It can hold a request at each of its steps until it is told to let go. Everything goes through
files in one folder: ``posts``, ``polls`` and ``downloads`` are written by the service, a line for
each; a file ``hold-<step>`` (``post``: before the order is counted, ``answer``: after it,
``poll``, ``download``: in the middle of the audio) holds whoever comes by, and ``held-<step>``
says that somebody is there.

Orders whose model begins with ``minimax`` are answered with the music itself, and nobody who asks
for them later is told anything but 404. A prompt that begins with ``refuse`` is refused unpaid.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import threading
import time
import wave
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOLDS = ("post", "answer", "poll", "download")
PATIENCE = 30.0
"""Seconds after which a test that waits here has failed."""


def wave_of(number: int, n_samples: int = 1600) -> bytes:
    """A short recording that is like no other one's."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(
            b"".join(
                ((n * (number + 3) * 37) % 20_000 - 10_000).to_bytes(2, "little", signed=True)
                for n in range(n_samples)
            )
        )
    return buffer.getvalue()


# -- the service ---------------------------------------------------------------------------------


class _Service(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.n_posts = 0
        self.gone: set[str] = set()

    def note(self, what: str, **facts) -> None:
        with (self.folder / what).open("a", encoding="utf-8") as out:
            out.write(json.dumps(facts) + "\n")

    def hold(self, step: str) -> None:
        if (self.folder / f"hold-{step}").exists():
            (self.folder / f"held-{step}").touch()
        while (self.folder / f"hold-{step}").exists():
            time.sleep(0.005)

    def handle_error(self, request, client_address) -> None:
        """A kernel that was killed in the middle is nothing to complain about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Service

    def log_message(self, *_) -> None:
        pass

    @property
    def who(self) -> str:
        """The kernel that asks: its name is the end of its key."""
        return self.headers.get("Authorization", "").rsplit("_", 1)[-1]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt, who = body["prompt"], self.who
        self.server.hold("post")
        if prompt.startswith("refuse"):
            self.say(402, {"error": "insufficient_funds", "reason": "no money"})
            return
        with self.server.lock:
            self.server.n_posts += 1
            number = self.server.n_posts
            self.server.note("posts", prompt=prompt, number=number, who=who)
        self.server.hold("answer")
        self.say(200, self.accepted(number, str(body.get("model"))))

    def accepted(self, number: int, model: str) -> dict:
        facts = {"requestId": f"G-{number}", "id": f"task_{number}", "object": "music"}
        facts |= {"cost_nanos": 60_000_000, "cost_cents": 6, "currency": "USD"}
        if not model.startswith("minimax"):
            return facts | {"status": "queued", "provider": "suno", "model": "V4_5"}
        self.server.gone |= {f"task_{number}", f"G-{number}"}
        audio = base64.b64encode(wave_of(number)).decode()
        return facts | {
            "status": "completed",
            "provider": "minimax",
            "model": model,
            "output": [{"index": 0, "audio_base64": audio}],
        }

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        if name.endswith(".wav"):
            self.server.note("downloads", name=name)
            self.stream(wave_of(int(name.removesuffix(".wav"))))
            return
        self.server.note("polls", name=name, who=self.who)
        self.server.hold("poll")
        if name in self.server.gone or not name.startswith("task_"):
            self.say(404, {"error": "not_found"})
            return
        number = int(name.removeprefix("task_"))
        is_done = not (self.server.folder / "all-busy").exists()
        output = {"index": 0, "id": f"c{number}", "title": f"Tide {number}", "duration": 0.2}
        output["audio_url"] = f"{self.server.url}/v1/audio/{number}.wav"
        facts = {"id": name, "object": "music", "provider": "suno", "model": "V4_5"}
        status = "completed" if is_done else "in_progress"
        self.say(200, facts | {"status": status, "output": [output] if is_done else []})

    def stream(self, audio: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(len(audio)))
        self.end_headers()
        half = len(audio) // 2
        self.wfile.write(audio[:half])
        self.wfile.flush()
        self.server.hold("download")
        self.wfile.write(audio[half:])

    def say(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


# -- the test's side -----------------------------------------------------------------------------


def until(condition, what: str, seconds: float = PATIENCE):
    """Wait for something that another process does; return it."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, f"waited {seconds:g} s for {what}"
        time.sleep(0.005)
    return found


class PaidService:
    """The service as a test sees it."""

    def __init__(self, folder: Path, process: subprocess.Popen) -> None:
        self.folder = folder
        self._process = process
        port = folder / "port"
        until(lambda: port.exists() and port.read_text().endswith("\n"), "the service to start")
        self.url = f"http://127.0.0.1:{port.read_text().strip()}/v1"

    def hold(self, step: str) -> None:
        """Hold whoever comes to a step from now on."""
        assert step in HOLDS
        (self.folder / f"held-{step}").unlink(missing_ok=True)
        (self.folder / f"hold-{step}").touch()

    def release(self, *steps: str) -> None:
        for step in steps or HOLDS:
            (self.folder / f"hold-{step}").unlink(missing_ok=True)

    def until_held(self, step: str) -> None:
        until((self.folder / f"held-{step}").exists, f"a request to come to {step!r}")

    def busy(self, is_busy: bool = True) -> None:
        """Say of every job that it is in progress, or done."""
        if is_busy:
            (self.folder / "all-busy").touch()
        else:
            (self.folder / "all-busy").unlink()

    def posts(self, prompt: str | None = None) -> list[dict]:
        """The orders that were paid, oldest first."""
        return [row for row in self._rows("posts") if prompt in (None, row["prompt"])]

    def polls(self) -> list[dict]:
        return self._rows("polls")

    def downloads(self) -> list[dict]:
        return self._rows("downloads")

    def forget(self) -> None:
        """Begin to count anew; numbers of jobs go on."""
        self.release()
        for name in ("posts", "polls", "downloads", "all-busy"):
            (self.folder / name).unlink(missing_ok=True)

    def _rows(self, what: str) -> list[dict]:
        file = self.folder / what
        if not file.exists():
            return []
        whole = file.read_text("utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)


@contextmanager
def running_service(folder: Path):
    """Run a service that keeps its books in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([sys.executable, __file__, str(folder)])
    try:
        service = PaidService(folder, process)
        yield service
    finally:
        process.kill()
        process.wait(10)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    service = _Service(place)
    (place / "port.new").write_text(f"{service.server_address[1]}\n")
    os.replace(place / "port.new", place / "port")
    service.serve_forever(poll_interval=0.05)
