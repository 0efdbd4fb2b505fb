"""Faults that are whole answers, and wrong ones: refusals, pages, bodies nobody can read."""

from __future__ import annotations

import functools
import itertools
import json
import time
import zlib
from email.utils import formatdate
from typing import Any

from . import music
from .kinds import ASKED, Kinds
from .visits import Reply, Visit

KINDS = Kinds()

PAGE = b"<!doctype html><html><title>Oops</title><body><h1>It's not you, it's us</h1></body></html>"
_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}


# -- too many requests ---------------------------------------------------------------------------

_WAITS = {
    "seconds": ("1", "Retry-After in seconds"),
    "date": (lambda: formatdate(time.time() + 1, usegmt=True), "Retry-After as an HTTP date"),
    "past": ("Wed, 01 Jan 2020 00:00:00 GMT", "Retry-After as a date long past"),
    "negative": ("-5", "a negative Retry-After"),
    "day": ("86400", "Retry-After of a day"),
    "silent": (None, "no Retry-After"),
}


def _too_many(visit: Visit, *, wait: Any) -> None:
    seconds = wait() if callable(wait) else wait
    headers = _JSON if seconds is None else {**_JSON, "Retry-After": seconds}
    visit.say(Reply(music.refusal(visit.wire, 429, "rate_limit", "Slow down"), 429, headers))


for _name, (_wait, _about) in _WAITS.items():
    KINDS.add(f"429-{_name}", f"429 with {_about}", pays=False)(
        functools.partial(_too_many, wait=_wait)
    )


# -- the service is broken -----------------------------------------------------------------------


@KINDS.add("500", "500, after the job was created")
def _broken(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(music.refusal(visit.wire, 500, "gateway_error", "It broke"), 500, _JSON))


@KINDS.add("502", "502, after the job was created")
def _bad_gateway(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(music.refusal(visit.wire, 502, "bad_gateway", "It broke"), 502, _JSON))


@KINDS.add("503", "503, before anything was looked at", pays=False)
def _away(visit: Visit) -> None:
    visit.say(Reply(music.refusal(visit.wire, 503, "unavailable", "Back soon"), 503, _JSON))


@KINDS.add(
    "502-limited", "502 whose attempts were all 429", "submit", pays=False, wires=("phaseo",)
)
def _upstream_is_limited(visit: Visit) -> None:
    _upstream(visit, 429)


@KINDS.add(
    "502-refused", "502 whose attempts were all 400", "submit", pays=False, wires=("phaseo",)
)
def _upstream_refused(visit: Visit) -> None:
    _upstream(visit, 400)


def _upstream(visit: Visit, status: int) -> None:
    sample = [{"provider": "suno", "status": status, "type": "upstream_non_2xx"}]
    body = {"error": "upstream_error", "reason": "all_candidates_failed", "attempt_count": 1}
    body |= {"failed_statuses": [status], "failure_sample": sample}
    visit.say(Reply(music.to_json(body), 502, _JSON))


@KINDS.add("200-429", "200 with code 429 inside", *ASKED, pays=False, wires=("udio",))
def _limited_inside(visit: Visit) -> None:
    visit.say(Reply(music.refusal("udio", 429, "", "Too many requests"), headers=_JSON))


@KINDS.add("200-500", "200 with code 500 inside", *ASKED, wires=("udio",))
def _broken_inside(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(music.refusal("udio", 500, "", "Internal error"), headers=_JSON))


@KINDS.add("402", "402: the account is empty", "submit", pays=False)
def _poor(visit: Visit) -> None:
    visit.say(Reply(music.refusal(visit.wire, 402, "insufficient_funds", "No credit"), 402, _JSON))


@KINDS.add("404", "404", pays=False)
def _unknown(visit: Visit) -> None:
    visit.say(Reply(music.to_json(music.unknown(visit.wire)), 404, _JSON))


@KINDS.add("403", "403, as of an address that has expired", "download")
def _expired(visit: Visit) -> None:
    visit.say(Reply(b"<Error><Code>AccessDenied</Code></Error>", 403))


# -- pages in place of answers -------------------------------------------------------------------


@KINDS.add("html-200", "200 with the page of a login, before anything was looked at", pays=False)
def _login_page(visit: Visit) -> None:
    visit.say(Reply(PAGE, headers=_HTML))


@KINDS.add("html-502", "502 with a page, after the job was created")
def _error_page(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(PAGE, 502, _HTML))


@KINDS.add("empty", "200 with nothing in it")
def _empty(visit: Visit) -> None:
    visit.say(visit.reply._replace(body=b""))


# -- JSON that is none, or not what it should be -------------------------------------------------


@KINDS.add("json-cut", "JSON that stops in the middle")
def _cut_json(visit: Visit) -> None:
    body = visit.reply.body[:-9] if visit.stage != "download" else b'{"error": {"code"'
    visit.say(Reply(body, headers=_JSON))


@KINDS.add("json-types", "JSON with something else under every name")
def _wrong_types(visit: Visit) -> None:
    odd: Any = {"id": ["a"], "requestId": {"n": 1}, "status": {"is": 7}, "output": 5, "result": ""}
    odd |= {"code": "200", "workId": [], "data": [[1], None, "text"], "object": True}
    assert visit.reply
    visit.say(Reply(music.to_json(odd), headers=_JSON))


@KINDS.add("json-list", "JSON that is an array of numbers")
def _a_list(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(b"[1, 2, 3]", headers=_JSON))


@KINDS.add("json-nan", "NaN, Infinity and endless numbers for every number", *ASKED, times=None)
def _no_numbers(visit: Visit) -> None:
    odd = itertools.cycle(["NaN", "Infinity", "-Infinity", "1e999", "-5", "9" * 400])
    numbers = {"duration", "cost_nanos", "cost_cents"}

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: "@number@" if k in numbers else spoil(v) for k, v in value.items()}
        return [spoil(item) for item in value] if isinstance(value, list) else value

    text = json.dumps(spoil(visit.data))
    while '"@number@"' in text:
        text = text.replace('"@number@"', next(odd), 1)
    visit.say(visit.reply._replace(body=text.encode()))


@KINDS.add("json-deep", "JSON that is nested 100 000 deep")
def _deep(visit: Visit) -> None:
    assert visit.reply
    deep = b"[" * 100_000 + b"]" * 100_000
    visit.say(Reply(b'{"id": ' + deep + b', "data": ' + deep + b"}", headers=_JSON))


@KINDS.add("20mb", "the right answer, with 20 MB more of it")
def _big(visit: Visit) -> None:
    if visit.stage == "download":
        number = int(visit.target.rpartition("/")[2].partition(".")[0])
        visit.room.first_fetched = visit.room.first_fetched or number
        visit.say(Reply(long_sound(number), headers={"Content-Type": "audio/wav"}))
        return
    more = b', "padding": "' + b"x" * 20_000_000 + b'"}'
    visit.say(visit.reply._replace(body=visit.reply.body[:-1] + more))


@KINDS.add("5gb", "an answer that announces 5 GB", "download")
def _huge(visit: Visit) -> None:
    visit.say(length=5_000_000_000)


@KINDS.add("gzip-bomb", "300 MB of blanks, packed into 300 kB")
def _bomb(visit: Visit) -> None:
    assert visit.reply
    visit.say(Reply(_packed_blanks(), headers={**_JSON, "Content-Encoding": "gzip"}))


@functools.lru_cache(maxsize=1)
def _packed_blanks() -> bytes:
    packing = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    blank = b" " * 1_000_000
    return b"".join(packing.compress(blank) for _ in range(300)) + packing.flush()


def long_sound(number: int) -> bytes:
    """Return the recording of a track in a file of 20 MB, most of which no player looks at."""
    sound = music.sound_of(number)
    junk = 20_000_000
    size = (len(sound) - 8 + 8 + junk).to_bytes(4, "little")
    return sound[:4] + size + sound[8:] + b"JUNK" + junk.to_bytes(4, "little") + bytes(junk)
