"""The sandbox on a real port: ranges, broken connections, the command line."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from sandboxes import BAND, BEARER, GENERATE

from phaseo_nb.sandbox import Sandbox, dropped


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox(clock="manual")


@pytest.fixture(scope="module")
def server(sandbox):
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url, headers=BEARER, timeout=20) as client:
        yield client


def _finished(sandbox, client, **words) -> str:
    """Return the address of a finished song."""
    job = client.post(GENERATE, json={**BAND, **words}).json()
    sandbox.advance(5)
    status = client.get(f"{GENERATE}/{job['id']}").json()
    return status["output"][0]["audio_url"]


def test_audio_comes_from_the_servers_own_origin(sandbox, client, server):
    """The address of a track is below the origin that was asked."""
    url = _finished(sandbox, client)

    assert url.startswith(server.url + "/")
    assert client.get(url).headers["content-length"] == str(len(client.get(url).content))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=5-99999999", 5, None),
    ],
)
def test_a_range_is_that_part_of_the_file(sandbox, client, asked, first, last):
    """Range gives 206, the bytes asked for, and where they stand in the whole."""
    url = _finished(sandbox, client)
    whole = client.get(url).content
    part = client.get(url, headers={"range": asked})

    expected = whole[first : None if last is None else last + 1]
    start = len(whole) + first if first < 0 else first
    assert (part.status_code, part.content) == (206, expected)
    stop = start + len(expected) - 1
    assert part.headers["content-range"] == f"bytes {start}-{stop}/{len(whole)}"


def test_odd_ranges_and_conditions(sandbox, client):
    """Beyond the end is 416; several ranges or another version give the whole; a match is 304."""
    url = _finished(sandbox, client)
    whole = client.get(url)
    tag = whole.headers["etag"]

    def ask(**headers):
        return client.get(url, headers={name.replace("_", "-"): v for name, v in headers.items()})

    beyond = ask(range="bytes=99999999-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert ask(range="bytes=0-1,4-5").content == whole.content
    assert ask(range="bytes=0-1", if_range='"other"').content == whole.content
    assert ask(range="bytes=0-1", if_range=tag).status_code == 206
    assert ask(if_none_match=tag).status_code == 304
    head = client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))


def test_nothing_is_served_before_it_is_ready(sandbox, client):
    """A track is 404 until the clock says that it is done, and so is one that is not there."""
    url = _finished(sandbox, client)
    known = url.rsplit("/", 2)[0]
    job = client.post(GENERATE, json=BAND).json()

    assert client.get(f"{known}/{job['requestId']}/0.mp3").status_code == 404
    assert client.get(url.replace("0.mp3", "7.mp3")).status_code == 404
    assert client.get(url.replace("0.mp3", "0.wav")).status_code == 404


def test_a_dropped_submission_gives_no_answer_though_it_was_taken(sandbox, client):
    """On a port a scripted drop cuts the connection before any answer."""
    sandbox.script("cut before", dropped("submit"), times=1)
    before = repr(sandbox)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(GENERATE, json={**BAND, "prompt": "cut before"})

    assert repr(sandbox) != before


def test_a_broken_download_can_be_resumed(sandbox, client):
    """A drop in mid-file lets so many bytes through; Range brings the rest."""
    sandbox.script("cut within", dropped("download", n_bytes=1000))
    url = _finished(sandbox, client, prompt="cut within")
    got: list[bytes] = []
    with client.stream("GET", url) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_bytes())
    rest = client.get(url, headers={"range": "bytes=1000-"})

    assert len(b"".join(got)) == 1000
    assert b"".join([*got, rest.content]) == client.get(url).content


def test_a_closed_server_is_gone(sandbox):
    """After close() nobody listens; the sandbox itself goes on and can be served again."""
    server = sandbox.serve()
    server.close()

    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert "closed" in repr(server)
    with sandbox.serve(server.port) as again:
        assert httpx.get(f"{again.phaseo_url}/models", headers=BEARER).status_code == 200


def test_a_taken_port_is_an_os_error(sandbox, server):
    """A port that somebody has is reported as such."""
    with pytest.raises(OSError, match=r"\[Errno|in use"):
        sandbox.serve(server.port)


@contextlib.contextmanager
def _start(*arguments: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "phaseo_nb.sandbox", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # else a test that failed would wait for it for ever


def test_the_command_line_serves_and_says_sandbox():
    """python -m phaseo_nb.sandbox --port 0 prints where it is, says sandbox, and can be stopped."""
    with _start("--port", "0") as process:
        said = process.stdout.readline()
        while "Ctrl+C" not in said:
            said += process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/v1", said).group()
        key = re.search(r'api_key="(\S+)"', said).group(1)
        model = re.search(r'model="(\S+)"', said).group(1)
        answer = httpx.post(
            f"{url}/music/generate",
            json={"model": model, "prompt": "a tide"},
            headers={"authorization": f"Bearer {key}"},
        )
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert said.startswith("phaseo_nb sandbox")
    assert answer.json()["status"] == "queued"
    assert (process.returncode, err) == (0, "")
    assert out == "\nphaseo_nb sandbox: stopped\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--port", "{taken}"], 1, r"Port \d+ of 127\.0\.0\.1 is in use\. Choose another with"),
        (["--port", "70000"], 2, "a port is a number from 0 to 65535, not '70000'"),
        (["--port", "0", "--speed", "0"], 2, "a speed is a number above 0, not '0'"),
        (["--port", "0", "--host", "192.0.2.1"], 1, r"Cannot serve on 192\.0\.2\.1:0: "),
    ],
    ids=["taken", "port", "speed", "host"],
)
def test_the_command_line_says_in_one_line_why_not(server, arguments, code, said):
    """What cannot be served ends with one line that names it, and no traceback."""
    filled = [argument.format(taken=server.port) for argument in arguments]
    with _start(*filled) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (code, "")
    assert re.search(said, err.splitlines()[-1])
    assert "Traceback" not in err


def test_a_server_for_every_address_names_one_that_can_be_opened(sandbox):
    """0.0.0.0 is no address to call: the URL shown is that of this machine."""
    with sandbox.serve(host="0.0.0.0") as server:
        answer = httpx.get(f"{server.phaseo_url}/models", headers=BEARER)

    assert server.url == f"http://127.0.0.1:{server.port}"
    assert answer.status_code == 200
