"""Faults of the connection: resets, silence, drips, cuts, lengths that lie, and being sent on."""

from __future__ import annotations

from . import music
from .kinds import Kinds
from .visits import Reply, Visit, bytes_of

KINDS = Kinds()

DRIP = 0.05
"""Seconds between two bytes of a drip."""


# -- resets and silence --------------------------------------------------------------------------


@KINDS.add("reset-before", "reset before anything was looked at", pays=False)
def _reset_before(visit: Visit) -> None:
    visit.reset()


@KINDS.add("reset-during", "reset in the middle of the answer")
def _reset_during(visit: Visit) -> None:
    data = bytes_of(visit.reply)
    visit.send(data[: len(data) - len(visit.reply.body) // 2])
    visit.reset()


@KINDS.add("reset-after", "reset in place of the answer, after the job was created")
def _reset_after(visit: Visit) -> None:
    assert visit.reply
    visit.reset()


@KINDS.add("closed", "closed in place of the answer, after the job was created")
def _closed(visit: Visit) -> None:
    assert visit.reply


@KINDS.add("silence-before", "no answer ever, and nothing was looked at", "submit", pays=False)
def _silence_before(visit: Visit) -> None:
    visit.be_silent()


@KINDS.add("silence", "no answer ever, after the job was created")
def _silence(visit: Visit) -> None:
    assert visit.reply
    visit.be_silent()


@KINDS.add("stall", "half of the answer, and then nothing ever")
def _stall(visit: Visit) -> None:
    data = bytes_of(visit.reply)
    visit.send(data[: len(data) - len(visit.reply.body) // 2])
    visit.be_silent()


# -- answers that do not come to their end -------------------------------------------------------


@KINDS.add("drip", "the answer at 20 bytes per second")
def _drip(visit: Visit) -> None:
    visit.begin_chunks()
    visit.for_ever(lambda: visit.send_slowly(b"1\r\n \r\n", DRIP / 6))


@KINDS.add("endless", "chunks without end")
def _endless(visit: Visit) -> None:
    visit.begin_chunks()
    if visit.stage == "download":
        visit.chunk(visit.reply.body)
    more = b" " * 65_536
    visit.for_ever(lambda: visit.chunk(more))


@KINDS.add("cut", "closed after half of the answer")
def _cut(visit: Visit) -> None:
    data = bytes_of(visit.reply)
    visit.send(data[: len(data) - len(visit.reply.body) // 2])


@KINDS.add("cut-unsaid", "half of the answer, without a length that would show it")
def _cut_unsaid(visit: Visit) -> None:
    visit.say(visit.reply._replace(body=_half(visit.reply.body)), length=-1)


@KINDS.add("chunks-cut", "closed after half of the chunks")
def _chunks_cut(visit: Visit) -> None:
    visit.begin_chunks()
    visit.chunk(_half(visit.reply.body))


@KINDS.add("chunks-bad", "chunks whose sizes are no numbers")
def _chunks_bad(visit: Visit) -> None:
    visit.begin_chunks()
    visit.chunk(_half(visit.reply.body))
    visit.send(b"zz\r\n" + visit.reply.body + b"\r\n0\r\n\r\n")


@KINDS.add("length-short", "a length that is half of what comes")
def _length_short(visit: Visit) -> None:
    visit.say(length=len(visit.reply.body) // 2)


@KINDS.add("length-long", "a length of 1000 bytes more than come")
def _length_long(visit: Visit) -> None:
    visit.say(length=len(visit.reply.body) + 1000)


@KINDS.add("no-http", "something that is no HTTP")
def _no_http(visit: Visit) -> None:
    assert visit.reply
    visit.send(b"SSH-2.0-OpenSSH_9.6\r\n" * 3)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


# -- being sent on -------------------------------------------------------------------------------


@KINDS.add("redirect", "sent on to the same place", pays=False)
def _redirect(visit: Visit) -> None:
    _send_on(visit, visit.target)


@KINDS.add("redirect-chain", "sent on seven times", times=7, pays=False)
def _chain(visit: Visit) -> None:
    _send_on(visit, visit.target)


@KINDS.add("redirect-private", "sent on to the address of a cloud's secrets", pays=False)
def _private(visit: Visit) -> None:
    _send_on(visit, "http://169.254.169.254/latest/meta-data/")


@KINDS.add("redirect-elsewhere", "sent on to another host", pays=False)
def _elsewhere(visit: Visit) -> None:
    _send_on(visit, f"{visit.elsewhere}/{music.SECONDS:g}.wav")


@KINDS.add("redirect-file", "sent on to a file, after the job was created")
def _file(visit: Visit) -> None:
    assert visit.reply
    _send_on(visit, "file:///etc/passwd")


def _send_on(visit: Visit, target: str) -> None:
    visit.say(Reply(b"", 307, {"Location": target}))
