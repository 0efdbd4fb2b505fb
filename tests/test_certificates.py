"""A certificate that is not trusted ends a call at once, unsent, and says what helps."""

from __future__ import annotations

import shutil
import ssl
import subprocess

import httpx
import pytest
from fake_gateway import KEY, sine_wav
from pydantic import SecretStr
from raw_server import answer, serving

from phaseo_nb.errors import AudioError, ConnectionFailed, SettingsError
from phaseo_nb.transport.certificates import is_distrust, ssl_context
from phaseo_nb.transport.download import download
from phaseo_nb.transport.guard import Origin
from phaseo_nb.transport.http import AnswerLost, Transport
from phaseo_nb.transport.messages import Call
from phaseo_nb.transport.pinned import PinnedTransport

pytestmark = pytest.mark.anyio

ASK = Call("GET", "/music/generate/task_1")
BUY = Call("POST", "/music/generate", json={"prompt": "x"}, creates=True)
SAN = "subjectAltName=IP:127.0.0.1"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody has signed but itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", SAN, "-days", "2"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", *curve, *names, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return cert, key


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def say_wav(asked):
    await asked.say(answer(body=sine_wav()))


async def no_pause(seconds):
    pauses.append(seconds)


pauses: list[float] = []


@pytest.mark.parametrize("call", [ASK, BUY], ids=["question", "paid call"])
async def test_a_call_ends_at_once_and_is_known_not_sent(call, tls):
    """ConnectionFailed after one attempt, without a pause, naming SSL_CERT_FILE."""
    pauses.clear()
    async with serving(say_wav, tls=tls) as server:
        wire = Transport(base_url=server.url, key=SecretStr(KEY), sleep=no_pause)
        with pytest.raises(ConnectionFailed, match="SSL_CERT_FILE") as caught:
            await wire.send(call)
        await wire.aclose()

    assert server.asked == []
    assert pauses == []
    assert "attempts" not in str(caught.value)
    if call.creates:
        assert "Nothing was created, nothing was paid." in str(caught.value)


async def test_a_download_ends_at_once(tls):
    """AudioError after one attempt, naming SSL_CERT_FILE."""
    pauses.clear()
    async with serving(say_wav, tls=tls) as server:
        own = Origin.of(server.url)
        async with httpx.AsyncClient(transport=PinnedTransport(own, ssl_context())) as client:
            with pytest.raises(AudioError, match="SSL_CERT_FILE"):
                await download(server.url + "/a.wav", client=client, own=own, sleep=no_pause)

    assert server.asked == []
    assert pauses == []


async def test_what_the_message_advises_helps(tls, certificate, monkeypatch):
    """With SSL_CERT_FILE at the certificate, calls and audio go through."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with serving(say_wav, tls=tls) as server:
        wire = Transport(base_url=server.url, key=SecretStr(KEY), sleep=no_pause)
        assert (await wire.send(BUY)).status_code == 200
        data = await download(server.url, client=wire.pool().audio, own=wire.pool().own)
        await wire.aclose()

    assert data == sine_wav()


def test_a_certificate_file_that_is_none_is_said(monkeypatch, tmp_path):
    """SSL_CERT_FILE at a file that is not there is a SettingsError that names it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))

    with pytest.raises(SettingsError, match=r"none\.pem"):
        ssl_context()


async def test_distrust_elsewhere_does_not_make_a_sent_call_unsent():
    """A paid call that broke after sending stays open, whatever failed before it."""

    def handle(request):
        try:
            raise ssl.SSLCertVerificationError("of another connection")
        except ssl.SSLError:
            raise httpx.ReadError("reset")  # noqa: B904

    wire = Transport(
        base_url="https://gateway.example/v1",
        key=SecretStr(KEY),
        transport=httpx.MockTransport(handle),
        sleep=no_pause,
    )
    with pytest.raises(AnswerLost):
        await wire.send(BUY)


def test_the_cause_is_found_below_other_errors():
    """Distrust is recognised by its class anywhere in the chain, and by its text."""
    inner = ssl.SSLCertVerificationError("self-signed certificate")
    outer = httpx.ConnectError("no connection")
    outer.__cause__ = httpx.NetworkError("below")
    outer.__cause__.__context__ = inner

    assert is_distrust(outer)
    assert is_distrust(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] Hostname mismatch"))
    assert not is_distrust(httpx.ConnectError("refused"))
    assert not is_distrust(ssl.SSLError("WRONG_VERSION_NUMBER"))
