"""Three doors, one behaviour: an ASGI application, a port of the engine, a Jupyter server.

The Jupyter server is a real one in a process of its own, with a token set.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import uvicorn
from callback_doors import BASE, JupyterServer, Said, ask, environment, read
from labs import START
from tornado.httpserver import HTTPServer
from tornado.web import Application

import phaseo_nb as nb
from phaseo_nb.callbacks import Spool, hash_of, mailbox, new_token
from phaseo_nb.callbacks.listener import CallbackListener
from phaseo_nb.callbacks.receiver import Receiver
from phaseo_nb.callbacks.server_extension import CallbackHandler
from phaseo_nb.engine import engine
from phaseo_nb.errors import SettingsError

KIB = 1024
TRACKS = b'[{"id": "a1", "status": "complete", "audio_url": "https://cdn.example/a1.mp3"}]'
FILLED = b"[" + b" " * (256 * KIB - 2) + b"]"


class Door:
    """A way in, and the spool behind it."""

    def __init__(self, port, path, spool, log=lambda: ""):
        self.port, self.path, self.spool, self.log = port, path, spool, log
        self.used = []

    def token(self, seconds=60.0):
        token = new_token()
        self.used.append(token)
        self.spool.expect(hash_of(token), time.time() + seconds)
        return token

    def post(self, token, body=TRACKS, **more):
        self.used.append(token)
        return ask(self.port, self.path + token, body=body, **more)

    def kept(self, token):
        return [arrival.body for arrival in self.spool.arrivals(hash_of(token))]


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listener")
    with CallbackListener(nb.callback_app(spool=folder)) as listener:
        yield Door(listener.port, "/any/where/", Spool(folder))


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    """The application below a path of a server that is not ours, in a thread."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    folder = tmp_path_factory.mktemp("mounted")
    app = Starlette(routes=[Mount("/music/callbacks", nb.callback_app(spool=folder))])
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    (bound,) = server.servers[0].sockets
    yield Door(bound.getsockname()[1], "/music/callbacks/", Spool(folder))
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with JupyterServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def jupyter(server):
    spool = Spool(server.library / "callbacks")
    return Door(server.port, f"{BASE}phaseo-nb/callbacks/", spool, server.log)


@pytest.fixture(params=["mounted", "listener", "jupyter"])
def door(request):
    return request.getfixturevalue(request.param)


PLAIN = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


def said(status, text, **extra):
    more = {name.replace("_", "-"): value for name, value in extra.items()}
    return Said(status, {**PLAIN, "content-length": str(len(text)), **more}, text)


ACCEPTED = said(202, b"accepted\n")
UNKNOWN = said(404, b"not found\n")
NOT_JSON = said(400, b"not a JSON array or object\n")
NOT_POST = said(405, b"POST only\n", allow="post")
TOO_LARGE = said(413, b"too large\n")
TOO_OFTEN = said(429, b"too often\n", retry_after="1")


# -- the same at every door ------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_a_callback_is_taken_in(door, chunked):
    """202, and its bytes lie in the spool; no Jupyter token, cookie or login is asked for."""
    token = door.token()

    assert door.post(token, chunked=chunked) == ACCEPTED
    assert door.kept(token) == [TRACKS]


@pytest.mark.parametrize(
    "header",
    [
        "Cookie: _xsrf=1; username=x",
        "Authorization: token wrong",
        "Authorization: Bearer wrong",
        "Origin: https://evil.example",
        "Referer: https://evil.example/?token=x",
        "X-XSRFToken: wrong",
        "User-Agent: Python-urllib/3.11",
        "Expect: 100-continue",
        "Content-Type: text/plain",
        "Upgrade: websocket",
    ],
)
def test_no_header_matters(door, header):
    """Senders send what they like."""
    token = door.token()
    said = door.post(token, headers=[header])

    if header.startswith("Expect"):  # whether a server says 100 first is its own affair
        assert said.status in (100, 202)
    else:
        assert said == ACCEPTED
    assert door.kept(token) == [TRACKS]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "A" * 43,
        "A" * 4000,
        "%FF%00",
        "%E2%82%AC",
        "%2e%2e%2fapi",
        "a%2Fb",
        "a/",
        "?token=x",
    ],
)
def test_every_unknown_token_gets_the_same_404(door, wrong):
    """Also an expired one and a forgotten one, and whatever is sent to it."""
    expired, forgotten = door.token(seconds=-1.0), door.token()
    door.spool.forget(hash_of(forgotten))

    for token in (wrong, expired, forgotten):
        assert door.post(token) == UNKNOWN
    assert door.post(wrong, b"no JSON") == UNKNOWN
    assert door.post(wrong, b"") == UNKNOWN
    assert door.post(wrong, FILLED + b" ") == UNKNOWN


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"]
)
def test_only_post(door, method):
    """405 for a known token and for an unknown one alike."""
    token = door.token()
    expected = NOT_POST._replace(body=b"") if method == "HEAD" else NOT_POST

    for path in (token, "unknown"):
        answer = door.post(path, b"" if method == "HEAD" else TRACKS, method=method)
        assert answer == expected
    assert door.kept(token) == []


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_256_kib_and_no_byte_more(door, chunked):
    """The largest that fits is kept whole; the sender of a larger one sees why it was refused."""
    token = door.token()

    assert door.post(token, FILLED, chunked=chunked) == ACCEPTED
    assert door.post(token, FILLED + b" ", chunked=chunked) == TOO_LARGE
    assert [len(body) for body in door.kept(token)] == [256 * KIB]


def test_a_body_too_large_is_refused_before_it_is_sent(door):
    """The answer comes on the headers alone, which say ten gigabytes."""
    token = door.token()

    assert door.post(token, b"", headers=["Content-Length: 10000000000"]) == TOO_LARGE


def test_the_sender_of_a_megabyte_sees_why_it_was_refused(door):
    """An ordinary client, which sends all of it before it reads, is not met by a reset."""
    for path, status in ((door.token(), 413), ("unknown", 404)):
        client = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
        client.request("POST", door.path + path, body=b" " * 2**20)
        answer = client.getresponse()
        assert answer.status == status
        assert len(answer.read()) == 10
        client.close()


def test_a_body_without_end_is_cut(door):
    """One who goes on sending is cut off after a bounded number of bytes."""
    token = door.token()
    sent = []

    def go_on(sock):
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(4000):  # 256 MB
                sock.sendall(chunk)
                sent.append(len(chunk))
        except OSError:
            pass

    door.post(token, chunked=True, pause=go_on)

    assert sum(sent) < 32 * 2**20  # most of it lies in the buffers of the two sockets
    assert door.kept(token) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"id=1", b"[NaN]", b'"text"', b"[" * 60_000, b'["\xff"]']
)
def test_only_sane_json(door, body):
    """Everything else is 400 and not kept."""
    token = door.token()

    assert door.post(token, body) == NOT_JSON
    assert door.kept(token) == []


def test_twenty_a_second(door):
    """The rate of a token holds at the door; others are served meanwhile."""
    token = door.token()
    begun = time.monotonic()
    answers = [door.post(token, b"[]").status for _ in range(40)]
    allowed = 20 + 20 * (time.monotonic() - begun)

    if allowed < 38:  # a machine too slow for 20 requests a second cannot show it
        assert answers.count(429) >= 40 - allowed - 1
    assert set(answers) <= {202, 429}
    assert door.post(door.token()) == ACCEPTED


def test_one_who_hangs_up_leaves_nothing(door):
    """Half a body is no callback."""
    token = door.token()

    def hang_up(sock):
        sock.sendall(TRACKS[:10])
        sock.shutdown(1)

    door.post(token, b"", headers=[f"Content-Length: {len(TRACKS)}"], pause=hang_up)

    assert door.kept(token) == []
    assert door.post(token) == ACCEPTED


def test_many_at_once(door):
    """Fifty senders at the same time, half of them unknown."""
    tokens = [door.token() for _ in range(25)]
    answers = {}

    def send(token):
        answers[token] = door.post(token)

    threads = [threading.Thread(target=send, args=(t,)) for t in [*tokens, *map(str, range(25))]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answers[token] for token in tokens] == [ACCEPTED] * 25
    assert [answers[str(n)] for n in range(25)] == [UNKNOWN] * 25
    assert all(door.kept(token) == [TRACKS] for token in tokens)


# -- (a) the listener ------------------------------------------------------------------------------


def test_the_listener_takes_a_free_port(home):
    """It says where it is, keeps arrivals beside the library, and is gone after its end."""
    with nb.callback_listener() as listener:
        assert listener.url == f"http://127.0.0.1:{listener.port}"
        assert repr(listener) == f"<CallbackListener on {listener.url}>"
        assert listener.spool.folder == home / "callbacks"
        assert ask(listener.port, "/x", body=b"[]") == UNKNOWN

    assert not listener.is_open
    assert repr(listener) == f"<CallbackListener closed, was on {listener.url}>"
    with pytest.raises(ConnectionRefusedError):
        ask(listener.port, "/x")
    listener.close()


def test_a_port_in_use_is_said(home):
    """And what to do about it, without the words of the system's library around it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match=r"Nothing can listen on .* leave the port") as said:
            nb.callback_listener(taken.getsockname()[1])
    assert said.value.__cause__ is None


def test_a_cell_that_listens_can_be_run_again(home):
    """On a port where this kernel listens already the same listener comes back, while it does."""
    with nb.callback_listener() as first:
        assert nb.callback_listener(first.port) is first
    with nb.callback_listener(first.port) as second:
        assert second is not first


@pytest.mark.parametrize(
    ("port", "host"),
    [(0, "no host"), *((port, "127.0.0.1") for port in (70_000, -1, "8787", None, 1.5, True))],
)
def test_a_place_that_does_not_exist(port, host):
    """The same error as for one in use."""
    with pytest.raises(SettingsError, match="Nothing can listen on"):
        nb.callback_listener(port, host=host)


def test_the_engine_hears_at_once(home):
    """From the socket to the one who waits for it, in well under 0.2 s."""
    token = new_token()

    async def first():
        async for letter in mailbox().letters(hash_of(token)):
            return time.time(), letter.body

    with nb.callback_listener() as listener:
        listener.spool.expect(hash_of(token), time.time() + 60)
        waiting = engine.submit(first())
        while not mailbox().n_listeners:
            time.sleep(0.002)
        sent = time.time()
        ask(listener.port, f"/{token}", body=TRACKS)
        came, body = waiting.result(5)

    assert body == TRACKS
    assert came - sent < 0.2


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("phaseo_nb.callbacks.receiver.PATIENCE", 0.2)
    monkeypatch.setattr("phaseo_nb.callbacks.listener._GRACE", 0.2)


def test_a_slow_body_is_given_up(impatient, home):
    """After the time it has, with 408; then it may stop to send."""
    with nb.callback_listener() as listener:
        token = new_token()
        listener.spool.expect(hash_of(token), time.time() + 60)
        answer = ask(listener.port, f"/{token}", headers=["Content-Length: 100"])

    assert (answer.status, answer.body) == (408, b"too slow\n")


def test_slow_headers_are_given_up(impatient, home):
    """A connection that says nothing, or half a line, is cut."""
    with nb.callback_listener() as listener:
        for beginning in (b"", b"POST /x HT", b"POST /x HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as sock:
                sock.sendall(beginning)
                assert read(sock) is None


def test_connections_are_bounded(monkeypatch, home):
    """More than so many are cut at once; after one goes there is room again."""
    monkeypatch.setattr("phaseo_nb.callbacks.listener.MOST_CONNECTIONS", 5)
    with nb.callback_listener() as listener:
        held = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(5)]
        while len(listener._server.server_state.connections) < 5:
            time.sleep(0.005)

        assert ask(listener.port, "/x", body=b"[]") is None

        held.pop().close()
        while len(listener._server.server_state.connections) > 4:
            time.sleep(0.005)
        assert ask(listener.port, "/x", body=b"[]") == UNKNOWN
        for sock in held:
            sock.close()


@pytest.fixture
def uvicorn_log():
    """Another server of this process has its access log on, as is usual, on stdout."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    before = [(log.handlers[:], log.level, log.propagate) for log in loggers]
    yield lambda: uvicorn.Config("some:app").configure_logging()
    for log, (log.handlers, level, log.propagate) in zip(loggers, before, strict=True):
        log.setLevel(level)


def test_the_listener_logs_no_path(home, caplog, capsys, uvicorn_log):
    """Not at any level, and not after another server of the process switched its log on."""
    caplog.set_level(0)
    with nb.callback_listener() as listener:
        uvicorn_log()
        ask(listener.port, "/s3cret-token", body=b"[]")
        ask(listener.port, "/s3cret-token", body=b"[]", method="BAD METHOD")

    assert "Invalid HTTP request" in capsys.readouterr().err + caplog.text  # it does log
    assert "s3cret" not in caplog.text


def test_no_access_log_holds_a_path(home, capsys, uvicorn_log):
    """The one that uvicorn writes to stdout stays empty."""
    with nb.callback_listener() as listener:
        uvicorn_log()
        ask(listener.port, "/s3cret-token", body=b"[]")

    assert capsys.readouterr().out == ""


# -- (b) the Jupyter server ------------------------------------------------------------------------


def test_installing_the_package_switches_the_extension_on(tmp_path):
    """``jupyter server extension list`` shows it enabled and OK, with no setting of anybody."""
    out = subprocess.run(
        [sys.executable, "-c", START, "jupyter_server.extension.serverextension", "list"],
        env={**environment(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
    )

    shown = re.sub(r"\x1b\[[0-9;]*m", "", out.stdout + out.stderr)
    lines = [line.strip() for line in shown.split("\n")]
    assert "phaseo_nb enabled" in lines, "pip install this package again: it brings a new file"
    assert f"phaseo_nb {nb.__version__} OK" in lines


def test_the_rest_of_the_server_is_closed(jupyter):
    """The test's server does ask for its token: everywhere else."""
    assert ask(jupyter.port, f"{BASE}api/contents", method="GET").status == 403
    assert ask(jupyter.port, f"{BASE}api/kernels").status == 403


KERNEL = """
import time
from phaseo_nb.callbacks import Spool, hash_of
spool = Spool()
"""


def test_a_callback_outlives_the_kernel(server, jupyter):
    """The kernel that waited is killed, the callback comes, the next kernel reads it."""
    token = new_token()
    with server.kernel() as run:
        run(KERNEL)
        assert run("print(spool.folder)") == str(jupyter.spool.folder)
        run(f"spool.expect(hash_of({token!r}), time.time() + 60)")
        os.kill(int(run("import os; print(os.getpid())")), signal.SIGKILL)

    assert jupyter.post(token) == ACCEPTED

    with server.kernel() as run:
        run(KERNEL)
        shown = run(f"print([a.body for a in spool.arrivals(hash_of({token!r}))])")
    assert shown == repr([TRACKS])


def test_a_kernel_with_another_library_looks_into_the_same_spool(server, jupyter):
    """The server hands its folder to the kernels it starts."""
    with server.kernel() as run:
        run("import os; os.environ['PHASEO_NB_HOME'] = '/tmp/somewhere/else'")
        assert run(KERNEL + "print(spool.folder)") == str(jupyter.spool.folder)


def test_a_waiting_kernel_hears_of_it(server, jupyter):
    """From the server's process to the kernel's."""
    token = new_token()
    with server.kernel() as run:
        run(KERNEL)
        run(
            "import asyncio\n"
            "from phaseo_nb.callbacks import mailbox\n"
            "from phaseo_nb.engine import engine\n"
            f"sha256 = hash_of({token!r})\n"
            "spool.expect(sha256, time.time() + 60)\n"
            "async def first():\n"
            "    async for letter in mailbox().letters(sha256):\n"
            "        return letter.body\n"
            "waiting = engine.submit(first())\n"
        )
        jupyter.post(token)
        assert run("print(waiting.result(5))") == repr(TRACKS)


@pytest.fixture
def in_process(tmp_path):
    """The handler on a tornado server in a thread, where its patience can be set."""
    spool = Spool(tmp_path / "spool")
    up, ports, loops = threading.Event(), [], []

    async def serve():
        shared = {"receiver": Receiver(spool), "log": logging.getLogger("server")}
        app = Application([(r"/cb/(.*)", CallbackHandler, shared)])
        server = HTTPServer(app)
        server.listen(0, "127.0.0.1")
        ports.extend(sock.getsockname()[1] for sock in server._sockets.values())
        end = asyncio.Event()
        loops.append((asyncio.get_running_loop(), end))
        up.set()
        await end.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert up.wait(10)
    yield Door(ports[0], "/cb/", spool)
    loop, end = loops[0]
    loop.call_soon_threadsafe(end.set)
    thread.join(10)


def test_a_slow_body_is_given_up_by_the_server_too(impatient, in_process):
    """408 after the time it has."""
    answer = in_process.post(in_process.token(), b"", headers=["Content-Length: 100"])

    assert (answer.status, answer.body) == (408, b"too slow\n")


def test_a_fault_of_ours_logs_no_path(in_process, monkeypatch, caplog):
    """503, and the log names the kind of fault alone."""
    caplog.set_level(0)
    token = in_process.token()
    monkeypatch.setattr(Receiver, "take_in", lambda *_: 1 / 0)

    answer = in_process.post(token)

    assert answer.status == 503
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text


def test_no_token_is_in_the_servers_log(server, jupyter):
    """After all that was asked here: the debug log, and every other file the server wrote."""
    token = jupyter.token()
    wrong = new_token()
    bodies = [TRACKS, b"no JSON", FILLED + b" "]
    statuses = [jupyter.post(path, body).status for path in (token, wrong) for body in bodies]
    assert statuses == [202, 400, 413, 404, 404, 404]
    assert jupyter.post(token, method="GET").status == 405
    assert jupyter.post(token + "/", method="GET").status == 405
    log = server.log()

    assert "phaseo_nb" in log  # it does log at this level
    assert [token for token in jupyter.used if len(token) > 20 and token in log] == []
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    # What the test typed into a kernel is in that kernel's history.
    written = b"".join(p.read_bytes() for p in files if "ipython" not in p.parts)
    assert [t for t in jupyter.used if len(t) == 43 and t.encode() in written] == []
