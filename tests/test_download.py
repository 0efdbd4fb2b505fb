"""Downloads: whole, audio, bounded, resumed, and never half a file."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys

import httpx
import numpy as np
import pytest
from fake_gateway import sine_wav
from raw_server import answer, serving

from phaseo_nb.errors import AudioError
from phaseo_nb.transport.audio_host import AddressExpired, Limits
from phaseo_nb.transport.certificates import ssl_context
from phaseo_nb.transport.download import download
from phaseo_nb.transport.guard import Origin
from phaseo_nb.transport.pinned import PinnedTransport

pytestmark = pytest.mark.anyio

WAV = sine_wav(2.0)  # 32 044 bytes: 44 of header, two seconds at 8 kHz of 16 bits
LENGTH = len(WAV)
QUICK = Limits(max_bytes=1_000_000, rate_window=0.2, silence=2.0, total=5.0)


async def no_pause(seconds):
    await asyncio.sleep(0)


async def fetch(server, path=None, *, limits=QUICK, at="/a.wav", **more):
    own = Origin.of(server.url)
    async with httpx.AsyncClient(transport=PinnedTransport(own, ssl_context())) as client:
        return await download(
            server.url + at, path, client=client, own=own, limits=limits, sleep=no_pause, **more
        )


def script_of(*answers):
    """Say one answer after the other, the last one for ever."""
    left = list(answers)

    async def script(asked):
        said = left.pop(0) if len(left) > 1 else left[0]
        await asked.say(said(asked) if callable(said) else said)

    return script


def rest(asked, *, etag='"v1"', total=LENGTH):
    """What a server with ranges answers."""
    start = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
    span = f"bytes {start}-{total - 1}/{total}"
    return answer(206, WAV[start:], content_range=span, etag=etag)


async def test_a_file_comes_whole(tmp_path):
    """Into memory or into a file, byte for byte, asking for no packing and sending no key."""
    async with serving(script_of(answer(body=WAV))) as server:
        assert await fetch(server) == WAV
        target = tmp_path / "a.wav"
        target.write_bytes(b"old")
        assert await fetch(server, target) == target

    assert target.read_bytes() == WAV
    assert not list(tmp_path.glob(".*.part"))
    headers = server.asked[0].headers
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers
    if sys.platform != "win32":
        umask = os.umask(0)
        os.umask(umask)
        assert target.stat().st_mode & 0o777 == 0o666 & ~umask


async def test_a_client_with_habits_of_its_own_sends_no_secret():
    """Key, cookies and redirects that a client would add by default are left out."""
    turns = [answer(302, location="/b.wav"), answer(302, location="file:///etc/passwd")]
    async with serving(script_of(*turns)) as server:
        own = Origin.of(server.url)
        async with httpx.AsyncClient(
            transport=PinnedTransport(own, ssl_context()),
            headers={"Authorization": "Bearer secret", "Proxy-Authorization": "Basic secret"},
            cookies={"session": "secret"},
            auth=("user", "secret"),
            follow_redirects=True,
        ) as client:
            with pytest.raises(AudioError, match="https only"):
                await download(
                    server.url + "/a.wav", client=client, own=own, limits=QUICK, sleep=no_pause
                )

    assert [asked.path for asked in server.asked] == ["/a.wav", "/b.wav"]
    for asked in server.asked:
        assert "secret" not in str(asked.headers)
        assert not {"authorization", "proxy-authorization", "cookie"} & set(asked.headers)


async def test_a_cut_download_goes_on_where_it_stopped():
    """After a cut the rest is asked for by Range, on the condition that the file is the same."""
    cut = answer(body=WAV[:20_000], length=len(WAV), etag='"v1"')
    async with serving(script_of(cut, rest)) as server:
        assert await fetch(server) == WAV

    first, second = server.asked
    assert "range" not in first.headers
    assert second.headers["range"] == "bytes=20000-"
    assert second.headers["if-range"] == '"v1"'


async def test_a_file_that_changed_is_fetched_from_the_start():
    """A 200 in place of the rest starts over; nothing is glued together."""
    other = sine_wav(1.0)
    cut = answer(body=WAV[:20_000], length=len(WAV), etag='"v1"')
    async with serving(script_of(cut, answer(body=other, etag='"v2"'))) as server:
        assert await fetch(server) == other


@pytest.mark.parametrize(
    "lie",
    [
        lambda asked: rest(asked, etag='"v2"'),
        lambda asked: rest(asked, total=LENGTH + 5),
        answer(206, WAV[100:], content_range=f"bytes 100-{len(WAV) - 1}/{len(WAV)}"),
        answer(206, WAV[20_000:]),
        answer(416),
    ],
    ids=["other tag", "other size", "other place", "no range", "416"],
)
async def test_a_rest_that_does_not_fit_is_not_glued_on(lie):
    """A 206 of another version, size or place starts over."""
    cut = answer(body=WAV[:20_000], length=len(WAV), etag='"v1"')
    async with serving(script_of(cut, lie, answer(body=WAV))) as server:
        assert await fetch(server) == WAV

    assert "range" not in server.asked[2].headers


async def test_without_a_mark_of_the_file_it_starts_over():
    """Where neither ETag nor date names the version, no Range is asked for."""
    cut = answer(body=WAV[:20_000], length=len(WAV))
    weak = answer(body=WAV[:20_000], length=len(WAV), etag='W/"v1"')
    async with serving(script_of(cut, weak, answer(body=WAV))) as server:
        assert await fetch(server) == WAV

    assert all("range" not in asked.headers for asked in server.asked)


async def test_a_broken_line_is_given_up_in_the_end(tmp_path):
    """After four attempts without a new byte the error says so, and no file is left."""
    cut = answer(body=WAV[:20_000], length=len(WAV))
    async with serving(script_of(cut)) as server:
        with pytest.raises(AudioError, match="could not be fetched"):
            await fetch(server, tmp_path / "a.wav")

    assert len(server.asked) == 4
    assert not list(tmp_path.glob("*.wav")) + list(tmp_path.glob(".*"))


async def test_passing_errors_are_asked_again():
    """503 and 429 are tried again."""
    busy = answer(503), answer(429, retry_after="0")
    async with serving(script_of(*busy, answer(body=WAV))) as server:
        assert await fetch(server) == WAV


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(body=b"<html>please log in</html>", content_type="audio/wav"), "web page"),
        (answer(body=b'{"error": "expired"}'), "web page or text"),
        (answer(body=b""), "empty"),
        (answer(body=b"\x89PNG\r\n\x1a\n" + bytes(500)), "no audio format"),
        (answer(body=WAV, content_encoding="gzip"), "packed as 'gzip'"),
        (answer(body=WAV, length=2_000_000), "larger than 1 MB"),
        (answer(404), "is not served"),
        (answer(500 + 5), "answered 505"),
        (answer(204), "answered 204"),
    ],
    ids=["html", "json", "empty", "picture", "packed", "announced", "404", "505", "204"],
)
async def test_what_is_no_audio_is_not_kept(said, why, tmp_path):
    """Bytes that are no audio raise AudioError with the reason, and leave no file."""
    async with serving(script_of(said)) as server:
        with pytest.raises(AudioError, match=why):
            await fetch(server, tmp_path / "a.wav")

    assert len(server.asked) == 1
    assert not list(tmp_path.glob("*.wav")) + list(tmp_path.glob(".*"))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_expired_address_is_told_apart(status):
    """401, 403, 404 and 410 raise AddressExpired, so that a fresh one can be asked for."""
    async with serving(script_of(answer(status))) as server:
        with pytest.raises(AddressExpired, match=str(status)):
            await fetch(server)


async def test_a_page_is_noticed_before_it_is_downloaded():
    """A large web page is given up after its first bytes, not after the last."""
    page = b"<!doctype html>" + b"x" * 900_000

    async def script(asked):
        await asked.say(answer(length=len(page)), page[:8192])
        await asyncio.sleep(5)

    async with serving(script) as server:
        with pytest.raises(AudioError, match="web page"):
            await fetch(server)


async def test_an_endless_body_ends_at_the_cap():
    """Without a length the cap still holds."""

    async def script(asked):
        await asked.say(answer(length=-1), WAV[:44], *([bytes(65536)] * 40))

    async with serving(script) as server:
        with pytest.raises(AudioError, match="larger than 1 MB"):
            await fetch(server)


@pytest.mark.parametrize("pause", [0.02, 5.0], ids=["drip", "stall"])
async def test_a_drip_is_given_up(pause):
    """Under the least rate over the window, dripping or silent, the download ends."""

    async def script(asked):
        await asked.say(answer(length=len(WAV)), *(WAV[i : i + 1] for i in range(300)), pause=pause)

    async with serving(script) as server:
        with pytest.raises(AudioError, match="1000 bytes per second"):
            await fetch(server)


async def test_the_total_deadline_holds():
    """However lively, a download ends when its whole time is over."""

    async def script(asked):
        await asked.say(answer(length=-1), WAV[:44], *([bytes(200)] * 500), pause=0.01)

    limits = Limits(max_bytes=10**9, rate_window=0.2, total=0.5)
    async with serving(script) as server:
        with pytest.raises(AudioError, match=r"not complete after 0\.5 s"):
            await fetch(server, limits=limits)


async def test_redirects_are_followed_as_far_as_five():
    """Five hops are followed, relative ones too; a loop ends."""

    async def script(asked):
        n = int(asked.path.strip("/h") or 0)
        await asked.say(answer(body=WAV) if n == 5 else answer(302, location=f"/h{n + 1}"))

    async with serving(script) as server:
        assert await fetch(server, at="/h0") == WAV
    async with serving(script_of(answer(307, location="/a.wav"))) as server:
        with pytest.raises(AudioError, match="more than 5 times"):
            await fetch(server)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/",
        "https://169.254.169.254/latest/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/",
        "https://localhost/",
        "http://cdn.example.org/a.wav",
        "https://user:pw@cdn.example.org/",
    ],
)
async def test_each_hop_is_checked(target):
    """A redirect to a private, unencrypted or odd address is not followed."""
    async with serving(script_of(answer(302, location=target))) as server:
        with pytest.raises(AudioError):
            await fetch(server)

    assert len(server.asked) == 1


async def test_encryption_is_not_given_up_on_the_way():
    """From https a redirect to http is refused even where http would be the gateway itself."""
    own = Origin("http", "127.0.0.1", 8123)
    hops = []

    def handle(request):
        hops.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://127.0.0.1:8123/a.wav"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
        with pytest.raises(AudioError, match="not encrypted"):
            await download("https://cdn.example.org/a", client=client, own=own, sleep=no_pause)
    assert hops == ["https://cdn.example.org/a"]


async def test_a_wrong_length_is_noticed_without_a_socket_too():
    """A given transport that cuts bodies is not believed either."""
    short = httpx.Response(200, headers={"Content-Length": str(len(WAV))}, content=WAV[:500])

    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: short)) as client:
        with pytest.raises(AudioError, match="500 of 32044 bytes"):
            await download("https://cdn.example.org/a", client=client, sleep=no_pause)


async def test_bare_samples_pass_only_where_they_are_expected():
    """Samples without a header are taken when the job says so; text never is."""
    samples = bytes(range(256)) * 40
    async with serving(script_of(answer(body=samples))) as server:
        assert await fetch(server, is_bare=True) == samples
        with pytest.raises(AudioError, match="no audio format"):
            await fetch(server)
    async with serving(script_of(answer(body=b'{"error": "gone"}'))) as server:
        with pytest.raises(AudioError, match="text"):
            await fetch(server, is_bare=True)


PAGE = "<!doctype html><title>Sign in</title>" + "<p>Réserver</p>" * 20


@pytest.mark.parametrize(
    "body",
    [
        b"Not Found",
        b'"expired"',
        b"0",
        PAGE.encode("utf-16"),
        PAGE.encode("utf-16-le"),
        PAGE.encode("utf-16-be"),
        PAGE.encode("utf-8-sig"),
        PAGE.encode("latin-1"),
        '{"é": "expiré"}'.encode() * 600,
        '{"message": "Größe überschritten"}'.encode("cp1252") * 200,
        "見つかりません。".encode() * 300,
        b"    \r\n\t<html>",
        "é".encode() * 4000 + b"?",
    ],
    ids=lambda body: repr(body[:16]),
)
async def test_text_is_never_taken_for_samples(body, tmp_path):
    """Pages and messages in any encoding are refused where bare samples are expected."""
    async with serving(script_of(answer(body=body))) as server:
        with pytest.raises(AudioError, match="web page or text"):
            await fetch(server, tmp_path / "a.pcm", is_bare=True)

    assert not list(tmp_path.glob("*"))


def samples_of(kind):
    """44.1 kHz stereo of 16 bits, a tenth of a second."""
    n = np.arange(4410)
    wave = {
        "silence": np.zeros(n.size),
        "quiet": 3 * np.sin(n / 7),
        "loud": 32000 * np.sin(n / 7),
        "slow": 20000 * np.sin(n / 700),
        "noise": np.random.default_rng(7).normal(0, 4000, n.size),
        "square": np.where(n // 50 % 2, 8224, -8224),  # 8224 is two blanks
        "offset": 20000 + 300 * np.sin(n / 7),  # Chinese, as UTF-16
        "quiet offset": 90 + 20 * np.sin(n / 7),  # Latin letters, as UTF-16
        "fade": np.linspace(0, 1, n.size) * 9000 * np.sin(n / 9),
    }[kind]
    return np.repeat(np.clip(wave, -32768, 32767).astype("<i2"), 2).tobytes()


@pytest.mark.parametrize(
    "kind",
    ["silence", "quiet", "loud", "slow", "noise", "square", "offset", "quiet offset", "fade"],
)
async def test_samples_are_not_taken_for_text(kind):
    """Raw 16-bit samples pass, whatever they sound like."""
    body = samples_of(kind)
    async with serving(script_of(answer(body=body))) as server:
        assert await fetch(server, is_bare=True) == body


async def test_a_few_bytes_are_no_recording():
    """Less than a block of samples, text or not, is not kept as audio."""
    async with serving(script_of(answer(body=samples_of("noise")[:3000]))) as server:
        with pytest.raises(AudioError, match="3000 bytes, too little"):
            await fetch(server, is_bare=True)


async def test_a_cancelled_download_leaves_no_file(tmp_path):
    """Interrupting a download removes its temporary file."""
    begun = asyncio.Event()

    async def script(asked):
        await asked.say(answer(length=len(WAV)), WAV[:9000])
        begun.set()
        await asyncio.sleep(5)

    async with serving(script) as server:
        limits = Limits(rate_window=5.0)
        task = asyncio.ensure_future(fetch(server, tmp_path / "a.wav", limits=limits))
        await begun.wait()
        await asyncio.sleep(0.02)
        assert list(tmp_path.glob(".a.wav.*.part"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert not list(tmp_path.glob(".*"))


async def test_places_that_cannot_be_written_are_named_before_anything_is_fetched(tmp_path):
    """A folder, a missing folder and a file in the way of one are refused without a request."""
    (tmp_path / "file").write_bytes(b"")
    async with serving(script_of(answer(body=WAV))) as server:
        for place in (tmp_path, tmp_path / "no" / "a.wav", tmp_path / "file" / "a.wav"):
            with pytest.raises(AudioError, match=re.escape(str(place))):
                await fetch(server, place)
        with pytest.raises(AudioError, match=r"the folder .*no does not exist\. Make it first"):
            await fetch(server, tmp_path / "no" / "a.wav")
        with pytest.raises(AudioError, match="cannot be written"):
            await fetch(server, tmp_path / ("n" * 300) / "a.wav")

    assert server.asked == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
async def test_a_full_disk_is_said(tmp_path, monkeypatch):
    """When the disk is full the error names the file, and the old one is untouched."""
    target = tmp_path / "a.wav"
    target.write_bytes(b"old")
    real_open = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, *a: (
            real_open("/dev/full", os.O_WRONLY)
            if str(path).endswith(".part")
            else real_open(path, flags, *a)
        ),
    )
    # What fits into the buffer meets the full disk only when the download starts over.
    for said in (answer(body=WAV), answer(body=WAV[:1000], length=LENGTH)):
        async with serving(script_of(said)) as server:
            with pytest.raises(AudioError, match=r"cannot be written to .*a\.wav: No space left"):
                await fetch(server, target)

    assert target.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be flushed there")
async def test_the_name_of_a_file_is_flushed_too(tmp_path, monkeypatch):
    """After the file its folder is flushed, so that a power cut cannot take the name away."""
    flushed = []
    real = os.fsync

    def fsync(handle):
        flushed.append((stat.S_ISDIR(os.fstat(handle).st_mode), (tmp_path / "a.wav").exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    async with serving(script_of(answer(body=WAV))) as server:
        await fetch(server, tmp_path / "a.wav")

    assert flushed == [(False, False), (True, True)]
