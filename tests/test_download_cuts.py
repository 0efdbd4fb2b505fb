"""Downloads that are cut: wherever it happens, the file is whole in the end, byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import answer, serving

from phaseo_nb.errors import AudioError
from phaseo_nb.transport.audio_host import Limits
from phaseo_nb.transport.certificates import ssl_context
from phaseo_nb.transport.download import download
from phaseo_nb.transport.guard import Origin
from phaseo_nb.transport.pinned import PinnedTransport

HEADER = 44
READ = 65_536
"""What httpx reads of a socket at a time."""
SIZE = 3 * READ + 1_000
SOUND = hashlib.shake_256(b"cut anywhere").digest(SIZE - HEADER)
WAV = (
    b"RIFF" + (SIZE - 8).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + bytes.fromhex("01000200 44ac0000 10b10200 0400 1000")
    + b"data" + len(SOUND).to_bytes(4, "little") + SOUND
)  # fmt: skip
SHA256 = "ea896b77ad1235c089b72b0e3b669c14d15ff7fdc78a935230cade67000f9811"
"""Of WAV, as sha256sum counts it."""
LIMITS = Limits(max_bytes=10_000_000, rate_window=2.0, silence=5.0, total=20.0)


class Cutting:
    """A server with ranges that sends so many bytes per connection, and then the whole rest."""

    def __init__(self, pieces, *, resets=False, etag='"v1"', is_chunked=False):
        self.left = list(pieces)
        self.resets, self.etag, self.is_chunked = resets, etag, is_chunked

    async def __call__(self, asked):
        start = 0
        if self.etag and "range" in asked.headers:
            assert asked.headers["if-range"] == self.etag
            start = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
        rest = WAV[start:]
        headers = {"etag": self.etag} if self.etag else {}
        if start:
            headers["content_range"] = f"bytes {start}-{SIZE - 1}/{SIZE}"
        piece = self.left.pop(0) if self.left else None
        sent = rest if piece is None else rest[:piece]
        if self.is_chunked:
            head = answer(206 if start else 200, length=-1, transfer_encoding="chunked", **headers)
            end = b"0\r\n\r\n" if piece is None else b""
            body = b"%x\r\n%s\r\n" % (len(sent), sent) + end if sent else end
            await asked.say(head + body)
        else:
            head = answer(206 if start else 200, length=len(rest), **headers)
            await asked.say(head + sent)
        if piece is not None and self.resets:
            await asyncio.sleep(0.005)  # a reset takes away what was not read yet
            asked.reset()


async def no_pause(seconds):
    await asyncio.sleep(0)


async def fetched(script, path=None, limits=LIMITS):
    """Return the hash of what was downloaded, and how many connections it took."""
    async with serving(script) as server:
        own = Origin.of(server.url)
        async with httpx.AsyncClient(transport=PinnedTransport(own, ssl_context())) as client:
            got = await download(
                server.url + "/a.wav", path, client=client, own=own, limits=limits, sleep=no_pause
            )
    data = got if path is None else path.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(server.asked)


BORDERS = [
    *(0, 1, 2, HEADER - 1, HEADER, HEADER + 1, 4095, 4096, 4097),
    *(READ - 1, READ, READ + 1, 2 * READ, SIZE - 2, SIZE - 1),
]


@pytest.mark.anyio
@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("at", BORDERS)
async def test_a_cut_at_any_byte_is_mended(at, resets, tmp_path):
    """Cut before the first byte, at the borders of header and blocks, before the last one."""
    path = tmp_path / "a.wav"

    found, n_asked = await fetched(Cutting([at], resets=resets), path)

    assert (found, n_asked) == (SHA256, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.anyio
async def test_nothing_is_asked_again_when_the_cut_comes_after_the_last_byte(tmp_path):
    """A connection that breaks when all is here has done its work."""
    assert await fetched(Cutting([SIZE], resets=True), tmp_path / "a.wav") == (SHA256, 1)


@pytest.mark.anyio
async def test_without_a_mark_of_the_file_it_starts_over(tmp_path):
    """Two halves might be of two files where no tag says otherwise."""
    script = Cutting([100, 70_000, SIZE - 1], etag="")

    assert await fetched(script, tmp_path / "a.wav") == (SHA256, 4)


@pytest.mark.anyio
async def test_a_host_that_never_gets_further_is_given_up(tmp_path):
    """The same cut again and again without a new byte ends in an error, and leaves no file."""
    with pytest.raises(AudioError, match="4 attempts"):
        await fetched(Cutting([5_000, 0, 0, 0, 0, 0]), tmp_path / "a.wav")

    assert not list(tmp_path.iterdir())


# A reset may take a portion away before it was read, which is then one more without a new byte.
PATIENT = Limits(10_000_000, rate_window=2.0, silence=5.0, total=20.0, attempts=20, connections=40)

pieces = st.lists(
    st.one_of(st.integers(1, SIZE), st.sampled_from([1, HEADER, READ - 1, READ, READ + 1])),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(pieces, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 12), st.integers(0, 3))
def test_cuts_in_any_number_and_place(pieces, resets, is_chunked, to_file, where, n_zeros):
    """However a host portions a file, with a length or in chunks: the bytes are the file's."""
    portions = [*pieces[:where], *[0] * n_zeros, *pieces[where:]]
    script = Cutting(portions, resets=resets, is_chunked=is_chunked)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav") if to_file else None

        found, n_asked = asyncio.run(fetched(script, path, PATIENT))

    assert found == SHA256
    assert n_asked <= len(portions) + 1
