"""A small Phaseo gateway for tests: says what it is told, counts what it is asked."""

from __future__ import annotations

import io
import json
import math
import struct
import wave

import httpx

KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
AUDIO_URL = "https://cdn.example.org/track.wav"


def sine_wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A 440 Hz tone, written by the standard library."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        tone = (
            int(12000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(int(seconds * rate))
        )
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
    return buffer.getvalue()


class Wire:
    """Answers a POST, then GETs, then the audio.

    Each step is a function of the wire that gives a response or an exception to raise.
    """

    def __init__(self, *, post=None, gets=None, audio=None):
        self.post = post or Wire.accepted
        self.gets = list(gets or [])
        self.audio = audio or Wire.sound
        self.posts: list[dict] = []
        self.polls: list[str] = []
        self.downloads = 0
        self.headers: list[httpx.Headers] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.headers.append(request.headers)
        if request.method == "POST":
            self.posts.append(json.loads(request.content))
            return self._say(self.post)
        if request.url.host == "cdn.example.org":
            self.downloads += 1
            return self._say(self.audio)
        self.polls.append(request.url.path)
        step = self.gets.pop(0) if len(self.gets) > 1 else (self.gets or [Wire.done])[0]
        return self._say(step)

    def _say(self, step):
        result = step(self)
        if isinstance(result, Exception):
            raise result
        return result

    def accepted(self, status="queued", **more):
        job_id = f"task_{len(self.posts)}"
        body = {
            "requestId": f"G-{len(self.posts)}",
            "id": job_id,
            "object": "music",
            "status": status,
        }
        body |= {"provider": "suno", "model": "V4_5", "nativeResponseId": job_id}
        body |= {"cost_nanos": 60_000_000, "cost_cents": 6, "currency": "USD"}
        return httpx.Response(200, json=body | more)

    def state(self, status, **more):
        body = {
            "id": self.polls[-1].rsplit("/", 1)[-1],
            "object": "music",
            "status": status,
            "provider": "suno",
        }
        return httpx.Response(200, json={**body, "model": "V4_5", "output": [], **more})

    @staticmethod
    def sound(_):
        return httpx.Response(200, content=sine_wav())

    def done(self):
        item = {"index": 0, "id": "c0", "audio_url": AUDIO_URL, "title": "Tide", "duration": 1.0}
        return self.state("completed", output=[item])
