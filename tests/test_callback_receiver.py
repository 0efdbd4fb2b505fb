"""What the receiver lets in: a known token, a POST, a small body of sane JSON; nothing else."""

from __future__ import annotations

import json
import threading

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phaseo_nb.callbacks import Spool, hash_of, new_token
from phaseo_nb.callbacks.receiver import Receiver, is_acceptable

KIB = 1024
TRACKS = b'[{"id": "a1", "status": "text", "audio_url": "", "duration": ""}]'

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    return Clock()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver(tmp_path, wall, clock):
    return Receiver(Spool(tmp_path / "spool", clock=wall), clock=clock)


@pytest.fixture
def token(receiver, wall):
    token = new_token()
    receiver.spool.expect(hash_of(token), wall.now + 60)
    return token


def post(receiver, token, body, *, method="POST", says_size=True):
    """Do what a door does; return the status."""
    refusal = receiver.admit(method, token, len(body) if says_size else None)
    return (refusal or receiver.take_in(token, body)).status


def kept(receiver, token):
    return [arrival.body for arrival in receiver.spool.arrivals(hash_of(token))]


# -- who is let in ---------------------------------------------------------------------------------


def test_a_callback_is_kept_as_it_came(receiver, token):
    """202, and the bytes are on disk, blanks and all."""
    body = b'  [ {"id":"a1"} ]\n'

    assert post(receiver, token, body) == 202
    assert kept(receiver, token) == [body]


@pytest.mark.parametrize("stage", ["text", "first", "complete"])
def test_no_stage_uses_the_token_up(receiver, token, stage):
    """The service reports several times, and may repeat itself."""
    for _ in range(2):
        assert post(receiver, token, json.dumps([{"status": stage}]).encode()) == 202

    assert len(kept(receiver, token)) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", ""])
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_any_other_method_is_refused_alike(receiver, token, method, is_known):
    """405 with what is allowed, whether the token is known or not."""
    reply = receiver.admit(method, token if is_known else "nobody", None)

    assert reply.status == 405
    assert dict(reply.headers)["allow"] == "POST"
    assert kept(receiver, token) == []


def unknown_tokens(token):
    return {
        "none": "",
        "another": new_token(),
        "its hash": hash_of(token),
        "shorter": token[:-1],
        "longer": token + "A",
        "other case": token.swapcase(),
        "blank": token + " ",
        "very long": token * 2000,
        "not ASCII": "é" * 43,
        "half a pair": "\ud800",
        "NUL": token[:-1] + "\0",
        "a path": "../expected/" + hash_of(token),
    }


@pytest.mark.parametrize("which", unknown_tokens("x"))
def test_all_unknown_tokens_get_the_same_answer(receiver, token, which):
    """Status, headers and body tell nothing about why it is unknown; nor does the body sent."""
    wrong = unknown_tokens(token)[which]
    usual = receiver.admit("POST", "nobody", 2)

    assert usual.status == 404
    for size in (None, 2, 300 * KIB, 10**15):
        assert receiver.admit("POST", wrong, size) == usual
    assert receiver.take_in(wrong, TRACKS) == usual
    assert receiver.take_in(wrong, b"no JSON") == usual


def test_an_expired_token_is_an_unknown_one(receiver, token, wall):
    """After its time the answer is the one for tokens that never were."""
    usual = receiver.admit("POST", "nobody", 2)
    wall.now += 59.9
    assert receiver.admit("POST", token, 2) is None

    wall.now += 0.2

    assert receiver.admit("POST", token, 2) == usual
    assert receiver.take_in(token, TRACKS) == usual  # it expired while the body came
    assert kept(receiver, token) == []


def test_a_forgotten_token_is_an_unknown_one(receiver, token):
    """The job is over: who still knows the address gets nothing more in."""
    receiver.spool.forget(hash_of(token))

    assert post(receiver, token, TRACKS) == 404


@given(wrong=st.text(max_size=200))
@same_folder
def test_no_text_is_a_token_by_chance(receiver, wrong):
    """Whatever stands in the path is answered with 404, and never raises."""
    receiver.spool.expect(hash_of("the one"), 2000.0)

    assert receiver.admit("POST", wrong, 10).status == (404 if wrong != "the one" else 429)


# -- how much and how often ------------------------------------------------------------------------


@pytest.mark.parametrize("says_size", [True, False], ids=["declared", "chunked"])
def test_a_body_has_256_kib_at_most(receiver, token, says_size):
    """One byte more is 413, whether its size was said before or not."""
    fits = b"[" + b" " * (256 * KIB - 2) + b"]"

    assert post(receiver, token, fits, says_size=says_size) == 202
    assert post(receiver, token, fits + b" ", says_size=says_size) == 413
    assert len(kept(receiver, token)) == 1


def test_twenty_a_second(receiver, token, clock):
    """The 21st within a second is 429; after half a second ten more go."""
    answers = [receiver.admit("POST", token, 2) for _ in range(21)]
    assert answers[:20] == [None] * 20
    assert answers[20].status == 429
    assert dict(answers[20].headers)["retry-after"] == "1"

    clock.now += 0.5

    answers = [receiver.admit("POST", token, 2) for _ in range(11)]
    assert [answer and answer.status for answer in answers] == [None] * 10 + [429]


def test_one_token_does_not_use_up_the_rate_of_another(receiver, token, wall):
    """Each job has its own twenty."""
    other = new_token()
    receiver.spool.expect(hash_of(other), wall.now + 60)
    while receiver.admit("POST", token, 2) is None:
        pass

    assert receiver.admit("POST", other, 2) is None


def test_a_clock_that_goes_back_blocks_nobody(receiver, token, clock):
    """Requests are let in as before."""
    assert receiver.admit("POST", token, 2) is None
    clock.now -= 500.0

    assert [receiver.admit("POST", token, 2) for _ in range(10)] == [None] * 10


def test_memory_stays_bounded(receiver, token, wall):
    """Forged tokens leave nothing behind, known ones at most 1,024 counters."""
    for number in range(3000):
        receiver.admit("POST", f"forged {number}", 2)
    assert len(receiver._buckets) == 0

    for number in range(1100):
        receiver.spool.expect(hash_of(f"job {number}"), wall.now + 60)
        assert receiver.admit("POST", f"job {number}", 2) is None

    assert len(receiver._buckets) == 1024


@pytest.mark.anyio
async def test_what_waits_for_a_hanging_disk_is_bounded(receiver, token, monkeypatch):
    """256 requests may wait for the disk; the next ones are sent away at once, with 503."""
    disk, sent_away, replies = threading.Event(), anyio.Event(), []
    monkeypatch.setattr(Spool, "knows", lambda *_: disk.wait(10))

    async def ask(number):
        replies.append(await receiver.ask("POST", str(number), 2))
        if len(replies) == 44:
            sent_away.set()

    try:
        async with anyio.create_task_group() as group:
            for number in range(300):
                group.start_soon(ask, number)
            with anyio.fail_after(5):
                await sent_away.wait()
            assert {reply.status for reply in replies} == {503}
            assert (await receiver.hand_in(token, TRACKS)).status == 503
            disk.set()
    finally:
        disk.set()

    assert replies.count(None) == 256


@pytest.mark.anyio
async def test_questions_at_once_go_along_together(receiver, token, monkeypatch):
    """A hundred cost one change of thread, and each gets its own answer; one fault is one's own."""
    threads = set()
    real = Spool.knows

    def knows(spool, sha256):
        threads.add(threading.get_ident())
        if sha256 == hash_of("7"):
            raise ZeroDivisionError
        return real(spool, sha256)

    monkeypatch.setattr(Spool, "knows", knows)
    answers = {}

    async def ask(path):
        try:
            answers[path] = await receiver.ask("POST", path, 2)
        except ZeroDivisionError:
            answers[path] = "fault"

    async with anyio.create_task_group() as group:
        for path in [token, *map(str, range(100))]:
            group.start_soon(ask, path)

    assert threads != {threading.get_ident()}
    assert len(threads) == 1
    assert answers.pop(token) is None
    assert answers.pop("7") == "fault"
    assert {answer.status for answer in answers.values()} == {404}
    assert len(answers) == 99


@pytest.mark.anyio
async def test_one_who_goes_away_takes_nobody_along(receiver, token):
    """The first of those who ask together is cancelled; the others get their answer."""
    answers = []

    async def ask():
        answers.append(await receiver.ask("POST", token, 2))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group, anyio.create_task_group() as leaving:
            leaving.start_soon(ask)
            await anyio.lowlevel.checkpoint()
            group.start_soon(ask)
            await anyio.lowlevel.checkpoint()
            leaving.cancel_scope.cancel()

    assert answers[-1] is None


# -- what a body may be ----------------------------------------------------------------------------


def nested(depth):
    return b"[" * depth + b"]" * depth


def objects(depth):
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        TRACKS,
        b'{"data": {"response_data": []}}',
        b"[1, -2.5e3, true, false, null]",
        '["ü", "\\u00fc", "𝄞"]'.encode(),
        b'["\\ud834\\udd1e"]',
        nested(32),
        objects(32),
        b"[" + b"1," * 9_998 + b"1]",
        b"[1.000000000000000000000000000000000000000000001]",
        b'[{"a": 1}, {"a": 2}]',
    ],
)
def test_sane_json_is_taken(receiver, token, body):
    """Arrays and objects within the limits."""
    assert post(receiver, token, body) == 202
    assert kept(receiver, token) == [body]


HOSTILE = {
    "nothing": b"",
    "blank": b"  \n",
    "text": b"id=1&status=complete",
    "a form": b'------X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
    "cut off": b'[{"id": "a1"',
    "two": b"[] []",
    "a string": b'"complete"',
    "a number": b"1",
    "null": b"null",
    "NaN": b"[NaN]",
    "Infinity": b"[-Infinity]",
    "beyond a float": b"[1e999]",
    "a huge integer": b"[" + b"9" * 100_000 + b"]",
    "a long fraction": b"[0." + b"1" * 100_000 + b"]",
    "a key twice": b'[{"status": "text", "status": "complete"}]',
    "a key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "single quotes": b"['a']",
    "a comment": b"[] // done",
    "a comma too many": b"[1,]",
    "Latin-1": '["ü"]'.encode("latin-1"),
    "overlong UTF-8": b'["\xc0\xaf"]',
    "a surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "UTF-16": '["a"]'.encode("utf-16"),
    "UTF-32": '["a"]'.encode("utf-32-le"),
    "a mark before it": b"\xef\xbb\xbf[]",
    "a control character": b'["\x01"]',
    "33 deep": nested(33),
    "33 deep, objects": objects(33),
    "100,000 deep": nested(100_000),
    "100,000 deep, open": b"[" * 100_000,
    "40,000 deep, objects": b'{"a":' * 40_000,
    "10,001 values": b"[" + b"1," * 9_999 + b"1]",
    "80,000 arrays": b"[" + b"[]," * 80_000 + b"[]]",
    "20,000 keys": json.dumps({str(n): 1 for n in range(20_000)}).encode(),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_sane_json_is_400_and_not_kept(receiver, token, what):
    """Nothing raises, nothing is kept, and the answer repeats nothing of it."""
    reply = receiver.take_in(token, HOSTILE[what])

    assert (reply.status, reply.body) == (400, b"not a JSON array or object\n")
    assert kept(receiver, token) == []


@given(body=st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_judged(body):
    """What is taken is what a strict reader reads as an array or object."""

    def strict():
        try:
            text = body.decode("utf-8")
            return isinstance(json.loads(text), (list, dict)) and "NaN" not in text
        except (ValueError, RecursionError):
            return False

    if is_acceptable(body):
        assert strict()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(value=st.lists(values, max_size=5), ascii_only=st.booleans())
@settings(deadline=None)
def test_ordinary_json_is_never_refused(value, ascii_only):
    """Whatever an ordinary sender writes within the limits is taken."""
    assert is_acceptable(json.dumps(value, ensure_ascii=ascii_only).encode())


# -- when the disk is no help ----------------------------------------------------------------------


def test_where_the_inbox_is_full_the_sender_is_not_told_to_try_again(receiver, token, clock):
    """The 65th of a token is dropped with 202: polling finds what it said."""
    for _ in range(70):
        clock.now += 1.0
        assert post(receiver, token, b"[]") == 202

    assert len(kept(receiver, token)) == 64


def test_a_disk_that_refuses_is_503(receiver, token):
    """The sender may try again later; nothing raises."""
    inbox = receiver.spool.folder / "inbox"
    inbox.write_text("a file where the folder should be")

    assert post(receiver, token, TRACKS) == 503


def test_no_repr_holds_a_token(receiver, token):
    """Neither the receiver nor its spool shows what it knows."""
    post(receiver, token, TRACKS)

    assert token not in repr(receiver) + repr(receiver.spool)
    files = [str(path) for path in receiver.spool.folder.rglob("*")]
    texts = [path.read_text() for path in receiver.spool.folder.rglob("*") if path.is_file()]
    assert len(files) == 5  # three folders, a token's hash, an arrival
    assert token not in "".join(files + texts)
