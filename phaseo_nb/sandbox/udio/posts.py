"""Which calls a job causes: when, to which address, with what body; forged ones included.

Wire contract: udioapi.pro ``/docs/generate-callback``. A ``POST`` at text, first and complete
whose body is a bare array of the feed's tracks, each with a ``createTime``: no work id, no
signature, nothing by which a forged one could be told.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..jobbook import Job, Stage
from ..scenarios import CallbackStage
from . import feeds

_CALLED: dict[CallbackStage, Stage] = {"text": "text", "first": "first", "complete": "done"}
_HTML = "<img src=x onerror=alert(1)><script>alert(document.cookie)</script>"
_HOSTILE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:8888/api/contents",
    "file:///etc/passwd",
    "javascript:alert(1)",
)


@dataclass(frozen=True)
class Post:
    """One call that is to be made."""

    due: float
    """Seconds of the sandbox's clock."""
    stage: CallbackStage
    url: str
    job: Job
    origin: str
    """Under which the job was ordered, and its audio is to be had."""
    is_lost: bool = False
    is_forged: bool = False

    @property
    def lane(self) -> str:
        """Calls of one lane are made one after the other."""
        return self.job.request_id

    @property
    def shown(self) -> str:
        """Name of the call: its stage, ``"failed"`` at the end of a failed job, or ``"forged"``."""
        if self.is_forged:
            return "forged"
        is_end = self.stage == "complete" and self.job.failure is not None
        return "failed" if is_end else self.stage

    def body(self) -> bytes:
        """Return what is sent, in ASCII: titles may hold lone surrogates."""
        tracks = feeds.tracks_at(self.job, _CALLED[self.stage], self.origin)
        if self.is_forged:
            tracks = _forged(self, tracks)
        sent = [{**track, "createTime": self.job.created_at} for track in tracks]
        return json.dumps(sent, separators=(",", ":"), allow_nan=False).encode()


def posts_of(job: Job, url: str, origin: str) -> list[Post]:
    """Return a job's calls in the order in which they are made, scripts obeyed."""
    fate = job.outcome.callbacks
    if job.outcome.is_stuck:
        return []
    genuine = [
        Post(job.begins(begins) + fate.late, stage, url, job, origin, stage in fate.lost)
        for stage, begins in _CALLED.items()
        if stage != "first" or job.n_ready("first")  # else there is nothing new to tell
    ]
    if fate.is_reordered:
        end = genuine[-1].due
        genuine = [replace(post, due=end) for post in reversed(genuine)]
    if fate.is_early:
        genuine[0] = replace(genuine[0], due=job.created)
    posts: list[Post] = []
    for post in genuine:
        if fate.is_forged:
            wrong = _wrong_token(url, post.stage)
            posts += [
                replace(post, url=each, is_forged=True, is_lost=False) for each in (url, wrong)
            ]
        posts += [post] * (1 + fate.duplicated)
    return posts


def _forged(post: Post, tracks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what somebody would send who wants to be believed, or to do harm.

    At text: other tracks, finished. At first: the job's own tracks, finished elsewhere. At the
    end: the job's own tracks, failed.
    """
    about: dict[str, Any] = {"title": _HTML, "tags": _HTML, "prompt": _HTML, "sandbox": True}
    if post.stage == "complete":
        about |= {"audio_url": "", "status": "error", "fail_message": _HTML, "duration": ""}
        return [{**track, **about} for track in tracks]
    about |= {"status": "complete", "extra_message": "All generated successfully.", "duration": 9.0}
    about |= {"image_url": _HOSTILE[1], "fail_message": "", "error_message": ""}
    if post.stage == "first":
        return [
            {**track, **about, "audio_url": url}
            for track, url in zip(tracks, _HOSTILE, strict=False)
        ]
    return [
        {**about, "id": f"forged-{n}", "audio_url": url, "created_at": post.job.created_at}
        for n, url in enumerate(_HOSTILE)
    ]


def _wrong_token(url: str, stage: str) -> str:
    """Return an address that differs in its last part alone, and looks as secret."""
    parts = urlsplit(url)
    head, _, tail = parts.path.rpartition("/")
    digest = hashlib.sha256(f"{stage}:{tail}:{parts.query}".encode("utf-8", "replace")).digest()
    token = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return urlunsplit((parts.scheme, parts.netloc, f"{head}/{token}", "", ""))
