"""A callback from outside reaches a user's server behind a real JupyterHub and its proxy.

Needs ``pip install jupyterhub`` and ``npm install -g configurable-http-proxy``; the proxy may lie
elsewhere, where ``PHASEO_NB_PROXY_COMMAND`` says.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from callback_doors import ask, environment, free_port

from phaseo_nb.callbacks import Spool, hash_of, new_token

PROXY = os.environ.get("PHASEO_NB_PROXY_COMMAND") or shutil.which("configurable-http-proxy")
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("jupyterhub") is None, reason="jupyterhub is not installed"
    ),
    pytest.mark.skipif(
        PROXY is None, reason="configurable-http-proxy (npm) is neither on PATH nor named"
    ),
]
KEY = "the-key-of-the-service-that-starts-servers"
TRACKS = b'[{"id": "a1", "status": "complete"}]'

CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.log_level = "DEBUG"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r}
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.debug = True
c.Spawner.start_timeout = 60
c.Spawner.environment = {environment!r}
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.JupyterHub.services = [{{"name": "starter", "api_token": {key!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "starter", "scopes": ["admin:users", "admin:servers"], "services": ["starter"]}}
]
"""


class Hub:
    """A JupyterHub with one user, whose server runs."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        env = environment(folder)
        config = folder / "jupyterhub_config.py"
        config.write_text(
            CONFIG.format(
                port=self.port,
                hub_port=free_port(),
                api_port=free_port(),
                home=str(folder / "{username}"),
                python=sys.executable,
                proxy=PROXY,
                key=KEY,
                environment={k: v for k, v in env.items() if k.startswith(("JUPYTER_", "PHASEO_"))},
            )
        )
        self._log = (folder / "hub.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            env=env,
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )

    def __enter__(self):
        try:
            self._until(lambda: self.api("GET", "") is not None)
            self.api("POST", "users/ann")
            self.api("POST", "users/ann/server")
            self._until(lambda: self.api("GET", "users/ann")["servers"][""]["ready"])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.terminate()  # the hub ends its proxy and its servers
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def log(self):
        return (self.folder / "hub.log").read_text(errors="replace")

    def api(self, method, path):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/hub/api/{path}",
            method=method,
            headers={"Authorization": f"token {KEY}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def _until(self, is_true):
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, KeyError, ValueError):
                if is_true():
                    return
            time.sleep(0.2)
        raise RuntimeError(self.log()[-5000:])


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def spool(hub):
    return Spool(hub.folder / "library" / "callbacks")


def post(hub, token, body=TRACKS, **more):
    answer = ask(hub.port, f"/user/ann/phaseo-nb/callbacks/{token}", body=body, **more)
    return answer.status, answer.body


def test_a_callback_comes_through(hub, spool):
    """From outside, without any login: the right token 202, any other 404, POST alone."""
    token = new_token()
    spool.expect(hash_of(token), time.time() + 60)

    assert post(hub, token) == (202, b"accepted\n")
    assert post(hub, token, chunked=True) == (202, b"accepted\n")
    assert [arrival.body for arrival in spool.arrivals(hash_of(token))] == [TRACKS] * 2
    for wrong in (new_token(), "", "x" * 3000, token[:-1]):
        assert post(hub, wrong) == (404, b"not found\n")
    assert post(hub, token, method="GET") == (405, b"POST only\n")
    assert post(hub, token, b"no JSON") == (400, b"not a JSON array or object\n")
    assert post(hub, token, b"[" + b" " * 300_000 + b"]")[0] == 413
    assert token not in hub.log()


def test_cookies_and_other_origins_do_not_matter(hub, spool):
    """The XSRF rules of the hub are for browsers with a login; none applies here."""
    token = new_token()
    spool.expect(hash_of(token), time.time() + 60)

    for header in ("Cookie: _xsrf=x", "Origin: https://evil.example", "Sec-Fetch-Mode: cors"):
        assert post(hub, token, headers=[header]) == (202, b"accepted\n")


def test_the_rest_of_the_users_server_is_closed(hub):
    """The same stranger gets nowhere else."""
    assert ask(hub.port, "/user/ann/api/kernels", body=b"{}").status == 403
    assert ask(hub.port, "/user/ann/api/contents", method="GET").status in (302, 403)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{hub.port}/hub/api/users", timeout=10)
