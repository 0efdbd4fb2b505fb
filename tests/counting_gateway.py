"""A Phaseo gateway in memory that counts what is paid for, prompt by prompt."""

from __future__ import annotations

import json
import threading
from collections import Counter

import httpx
from fake_gateway import KEY, sine_wav

import phaseo_nb as nb

PRICE = 0.06
_REFUSALS = {"refused": 402, "locked": 401, "broken": 502, "unwanted": 400}


class CountingGateway:
    """Answers like the service, each job with a recording of its own.

    What a prompt contains decides what becomes of it: ``fails``, ``refused`` (402), ``broken`` (502
    without a word about upstream: nobody knows whether it was made), ``silent`` (completed without
    audio), ``locked`` (401), ``unwanted`` (400).
    """

    def __init__(self):
        self.posts: list[str] = []
        self.jobs: dict[str, str] = {}
        self.is_busy = False
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def transport(self):
        return httpx.MockTransport(self.handle)

    def connect(self, **more):
        more.setdefault("model", "suno/v4.5")
        return nb.connect("phaseo", api_key=KEY, transport=self.transport, **more)

    def counts(self):
        """Return how often each prompt was paid for."""
        return Counter(self.posts)

    def handle(self, request):
        if request.method == "POST":
            return self._order(json.loads(request.content))
        name = request.url.path.rsplit("/", 1)[-1]
        if name.endswith(".wav"):
            number = int(name.removesuffix(".wav"))
            return httpx.Response(200, content=sine_wav(0.05 + number / 8000))
        return self._state(name)

    def _order(self, body):
        prompt = body["prompt"]
        for word, status in _REFUSALS.items():
            if word in prompt:
                if word == "broken":
                    self.posts.append(prompt)
                return httpx.Response(status, json={"error": word, "reason": word})
        with self.lock:
            self.posts.append(prompt)
            name = f"task_{len(self.jobs)}"
            self.jobs[name] = prompt
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        facts = {"requestId": f"G{name}", "id": name, "object": "music", "status": "queued"}
        facts |= {"cost_nanos": 60_000_000, "cost_cents": 6, "currency": "USD"}
        return httpx.Response(200, json=facts | {"provider": "suno", "model": "V4_5"})

    def _state(self, name):
        facts = {"id": name, "object": "music", "provider": "suno", "model": "V4_5", "output": []}
        if self.is_busy:
            return httpx.Response(200, json=facts | {"status": "in_progress"})
        prompt = self.jobs[name]
        with self.lock:
            self.at_once -= 1
        if "fails" in prompt:
            return httpx.Response(
                200, json=facts | {"status": "failed", "result": {"error": "SENSITIVE"}}
            )
        number = int(name.removeprefix("task_"))
        audio = None if "silent" in prompt else f"https://cdn.example.org/{number}.wav"
        item = {"index": 0, "id": f"c{number}", "audio_url": audio, "title": "T", "duration": 1.0}
        return httpx.Response(200, json=facts | {"status": "completed", "output": [item]})
