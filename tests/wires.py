"""A small Phaseo gateway whose jobs each have an id of their own, for the layers that keep them."""

from __future__ import annotations

import httpx
from fake_gateway import AUDIO_URL, KEY, FakeGateway, sine_wav

__all__ = ["AUDIO_URL", "KEY", "Wire", "sine_wav"]


class Wire(FakeGateway):
    """Answers a POST, then GETs, then the audio.

    Each step is a function of the wire that gives a response or an exception to raise.
    """

    def __init__(self, *, post=None, gets=None, audio=None):
        super().__init__(
            post=post or Wire.accepted, gets=gets or [Wire.done], audio=audio or Wire.sound
        )

    def _say(self, step):
        result = step(self)
        if isinstance(result, Exception):
            raise result
        return result

    def accepted(self, status="queued", **more):
        number = len(self.posts)
        answer = FakeGateway.accepted(f"task_{number}", status, requestId=f"G-{number}")
        return httpx.Response(200, json=answer.json() | more)

    def state(self, status, **more):
        return FakeGateway.state(status, id=self.polls[-1].rsplit("/", 1)[-1], **more)

    def done(self, **more):
        item = {"index": 0, "id": "c0", "audio_url": AUDIO_URL, "title": "Tide", "duration": 1.0}
        return self.state("completed", output=[item], **more)

    def sound(self):
        return httpx.Response(200, content=sine_wav())
