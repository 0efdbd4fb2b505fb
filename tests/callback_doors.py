"""Knocking at the doors that callbacks come through, as somebody else's program would."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from typing import NamedTuple

from jupyter_client import BlockingKernelClient
from labs import START

TOKEN = "the-Jupyter-token-of-this-test"
BASE = "/user/ann/"


class Said(NamedTuple):
    """An answer, less what each server adds on its own."""

    status: int
    headers: dict[str, str]
    body: bytes


OWN = {"date", "connection", "server", "transfer-encoding", "keep-alive"}


def ask(port, path, *, method="POST", body=b"", headers=(), chunked=False, pause=None):
    """Send one request over a socket of its own, and return what came back.

    ``pause`` is called with the socket after the headers, and may send the body by itself.
    """
    lines = [f"{method} {path} HTTP/1.1", "Host: my.host", "Content-Type: application/json"]
    lines += ["Connection: close", *headers]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(head)
        if pause is not None:
            pause(sock)
        with contextlib.suppress(ConnectionError):  # it may answer before all of it was sent
            sock.sendall(body)
        return read(sock)


def read(sock):
    """Return one answer from a socket, which is closed after it."""
    data = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := sock.recv(65536):
            data += chunk
    if not data:
        return None
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in rest)
    return Said(int(first.split()[1]), {k: v for k, v in fields.items() if k not in OWN}, body)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class JupyterServer:
    """A Jupyter server as ``jupyter server`` starts it, with a token and a home of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.library = folder / "library"
        self.env = environment(folder)
        self._log = (folder / "server.log").open("w")
        options = {
            "port": self.port,
            "ip": "127.0.0.1",
            "base_url": BASE,
            "open_browser": False,
            "allow_root": True,
            "log_level": "DEBUG",  # whatever it can be brought to log, it logs
        }
        command = [f"--ServerApp.{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, "jupyter_server", *command],
            env={**self.env, "JUPYTER_TOKEN": TOKEN},
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )

    def __enter__(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                self.api("GET", "status")
                return self
            time.sleep(0.05)
        self.close()
        raise RuntimeError(self.log())

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def api(self, method, path, **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{BASE}api/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    @contextlib.contextmanager
    def kernel(self):
        """Start a kernel through the server; gives a function that runs code and returns stdout."""
        made = self.api("POST", "kernels", name="python3")
        client = BlockingKernelClient()
        client.load_connection_file(str(self.folder / "runtime" / f"kernel-{made['id']}.json"))
        client.start_channels(hb=False)  # a kernel that starts slowly is not dead

        def run(code):
            printed = []

            def heard(message):
                if message["msg_type"] in ("stream", "error"):
                    content = message["content"]
                    printed.append(content.get("text") or "\n".join(content["traceback"]))

            client.execute_interactive(code, timeout=60, output_hook=heard)
            return "".join(printed).strip()

        try:
            client.wait_for_ready(timeout=60)
            yield run
        finally:
            client.stop_channels()
            with contextlib.suppress(OSError):
                self.api("DELETE", f"kernels/{made['id']}")


def environment(folder):
    """Return what a server needs to know nothing of this machine's user."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    (folder / "runtime").mkdir(exist_ok=True)
    # Front ends are not needed here, and take seconds to load.
    unused = {"jupyterlab": False, "notebook": False, "voila.server_extension": False}
    settings = {"ServerApp": {"jpserver_extensions": {**unused, "jupyter_lsp": False}}}
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PHASEO_", "UDIOAPI_"))},
        "HOME": str(folder),
        "NO_COLOR": "1",
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PHASEO_NB_HOME": str(folder / "library"),
    }
