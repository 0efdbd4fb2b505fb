"""An S3 service on loopback, in a process of its own; it keeps everything in memory.

``bucket()`` makes an empty bucket and says which environment variables lead s3fs to it without a
word of code: ``AWS_ENDPOINT_URL_S3`` names the service (botocore reads it, and so s3fs), the
others are made-up keys and keep the reader's own settings out. What fails is tried again below
fsspec: by botocore (``AWS_MAX_ATTEMPTS=1`` stops that) and by s3fs around it, so it takes a large
share of failing requests for one to be seen above. fsspec hands out file systems that it made
before, whatever the environment says by now: :func:`forget` makes it look again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import quote

from . import need
from .processes import Child, live, without_ours
from .proxy import HttpProxy

KEY_ID = "AKIAGROUNDS0000000"
SECRET = "hush-4b8e21f0"
"""The made-up secret key, for tests that look where it went."""
_NAME = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_numbers = itertools.count(1)
_shared: Buckets | None = None


class Buckets:
    """The running service."""

    def __init__(self) -> None:
        need("moto", "flask", "s3fs")
        self.owner = os.getpid()
        self._child = Child("grounds.buckets", env=without_ours(dict(os.environ)))
        self.url: str = self._child.said["url"]

    def bucket(self, *, make: bool = True) -> tuple[str, dict[str, str]]:
        """Return the URL of a new bucket and the environment that opens it."""
        name = f"tape-{self.owner}-{next(_numbers)}"
        if make:
            self._ask("PUT", name)
        return f"s3://{name}", self.environment(self.url)

    @contextlib.contextmanager
    def flaky(
        self, fraction: float, seed: int = 0, methods: tuple[str, ...] = ("PUT",)
    ) -> Iterator[tuple[str, dict[str, str], HttpProxy]]:
        """Give a new bucket behind a proxy that refuses a share of the requests."""
        url, _ = self.bucket()
        with HttpProxy(self.url) as proxy:
            proxy.fail(fraction, seed=seed, methods=methods)
            yield url, self.environment(proxy.url(self.url)), proxy

    def environment(self, endpoint: str) -> dict[str, str]:
        """Return the variables that lead to the service, or to what stands in front of it."""
        return {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def objects(self, url: str) -> dict[str, int]:
        """Return the names in a bucket with their sizes in bytes."""
        name, found, after = url.removeprefix("s3://").split("/")[0], {}, ""
        while True:
            page = ET.fromstring(self._ask("GET", f"{name}?list-type=2{after}"))
            for entry in page.iter(f"{_NAME}Contents"):
                found[entry.findtext(f"{_NAME}Key")] = int(entry.findtext(f"{_NAME}Size"))
            token = page.findtext(f"{_NAME}NextContinuationToken")
            if not token:
                return found
            after = f"&continuation-token={quote(token, safe='')}"

    def read(self, url: str, name: str) -> bytes:
        """Return what an object holds."""
        return self._ask("GET", f"{url.removeprefix('s3://')}/{quote(name)}")

    def write(self, url: str, name: str, data: bytes) -> None:
        """Put an object there behind everybody's back."""
        self._ask("PUT", f"{url.removeprefix('s3://')}/{quote(name)}", data)

    def remove(self, url: str, name: str) -> None:
        """Take an object away."""
        self._ask("DELETE", f"{url.removeprefix('s3://')}/{quote(name)}")

    def close(self) -> None:
        self._child.stop()

    def _ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        # No signature is checked, but somebody has to ask: objects are not public.
        who = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/s3/aws4_request"
        headers = {"Authorization": who, "x-amz-date": "20260101T000000Z"}
        headers["Content-Type"] = "application/octet-stream"  # urllib would call it a form
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        no_proxies = urllib.request.ProxyHandler({})
        with urllib.request.build_opener(no_proxies).open(request, timeout=20) as answer:
            return answer.read()


def buckets() -> Buckets:
    """Return the service of this process."""
    global _shared
    if _shared is None or _shared.owner != os.getpid():
        _shared = Buckets()
    return _shared


def bucket() -> tuple[str, dict[str, str]]:
    """Return the URL of a new bucket and the environment that opens it."""
    return buckets().bucket()


def forget() -> None:
    """Let fsspec read the environment anew."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()


def _serve() -> None:
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    live({"url": f"http://127.0.0.1:{server.get_host_and_port()[1]}"})


if __name__ == "__main__":
    _serve()
