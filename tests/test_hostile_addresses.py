"""Addresses that strangers give: public https, or refused before anything is asked."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx
import pytest
from fake_gateway import sine_wav
from hostile import KEY, acting_signs

import phaseo_nb as nb
from phaseo_nb.transport.download import download
from phaseo_nb.transport.guard import check_url
from phaseo_nb.transport.images import sniff_image

PUBLIC = "https://cdn.example.org/a.wav"

SCHEMES = [
    *("file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.org/a", "gopher://example.org/_x"),
    *(
        "javascript:alert(1)",
        "jAvAsCrIpT:alert(1)//",
        "data:text/html,x",
        "data:audio/mpeg;base64,A",
    ),
    *(
        "http://cdn.example.org/a.mp3",
        "HTTP://cdn.example.org/a",
        "ws://example.org/",
        "wss://x.org/",
    ),
    *(
        "ssh://git@example.org/",
        "mailto:a@example.org",
        "about:blank",
        "blob:https://x/y",
        "view-source:x",
    ),
    *(
        "jar:https://x.org/a!/b",
        "dict://example.org:11211/",
        "ldap://example.org/",
        "tftp://x.org/a",
    ),
    *(
        "//cdn.example.org/a",
        "cdn.example.org/a",
        "/a.mp3",
        "a.mp3",
        "https:",
        "https:/x",
        "https://",
    ),
    *(
        "https:cdn.example.org/a",
        "\\\\host\\share\\a",
        "C:\\a.mp3",
        "",
        " ",
        "https:///a",
        "https://?",
    ),
]

PRIVATE = [
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "017700000001",
    ),
    *("127.255.255.254", "0.0.0.0", "0", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255"),
    *(
        "192.168.1.1",
        "192.168.257",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
    ),
    *(
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]"),
    *(
        "[fd00:ec2::254]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[ff02::1]",
    ),
    *(
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[2001::1]",
        "[fec0::1]",
        "[::127.0.0.1]",
        "[100::1]",
    ),
    *(
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "printer.local",
        "db.internal",
        "nas.lan",
    ),
    *(
        "metadata.google.internal",
        "router.home.arpa",
        "x.localdomain",
        "127.0.0.1.",
        "１２７.0.0.1",
    ),
    *("127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost", "1.2.3.4.5", "256.1.1.1", "0x", "0x7f.0x1"),
]

ODD = [
    *(
        "https://ann:pw@cdn.example.org/a",
        "https://ann@cdn.example.org/a",
        "https://@cdn.example.org/",
    ),
    *("https://cdn.example.org@127.0.0.1/", "https://127.0.0.1#@cdn.example.org/"),
    *("https://cdn.example.org:22/a", "https://cdn.example.org:80/", "https://cdn.example.org:0/"),
    *(
        "https://cdn.example.org:99999/",
        "https://cdn.example.org:-1/",
        "https://cdn.example.org:x/",
    ),
    *("https://cdn.example.org/a\r\nHost: x", "https://cdn.example.org/a\nb", "https://cdn\t.org/"),
    *("https://cdn.example.org/a\x00b", "https://cdn example.org/", "https://cdn.example.org\\@x/"),
    *(
        "https://%31%32%37.0.0.1/",
        "https://127%2e0.0.1/",
        "https://[::1%25lo]/",
        "https://[fe80::1%1]/",
    ),
    *(
        "https://cdn.example.org/" + "a" * 70_000,
        "https://" + "a." * 5000 + "org/",
        "https://[::1/",
    ),
    *("https://cdn.example.org/\u202egpj.exe", "https://cdn.exam\u200bple.org/", "https://xn--a/"),
    *(
        "https://xn--" + "a" * 80 + "/",
        "https://a..org/",
        "https://-/",
        "https://.org/",
        "https://a b/",
    ),
]


def refusal(url):
    with pytest.raises(nb.AudioError) as caught:
        check_url(url)
    message = str(caught.value)
    assert acting_signs(message) == []
    assert len(message) < 400
    return message


@pytest.mark.parametrize("url", SCHEMES)
def test_only_https_is_fetched(url):
    """Every other scheme, and what is no address at all, is refused in one readable error."""
    refusal(url)


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("form", ["https://{}/a.mp3", "https://{}:443/a.mp3"])
def test_private_hosts_in_any_spelling_are_refused(host, form):
    """This machine and private networks are refused before anything is asked, however written."""
    refusal(form.format(host))


@pytest.mark.parametrize("url", ODD, ids=lambda url: ascii(url)[:40])
def test_odd_addresses_are_refused_or_plain(url):
    """Users, ports, breaks and disguises are refused; no message shows a password."""
    try:
        checked = check_url(url)
    except nb.AudioError as error:
        message = str(error)
    else:
        assert checked.scheme == "https"
        assert checked.host not in ("127.0.0.1", "::1")
        assert "\n" not in str(checked)
        return
    assert acting_signs(message) == []
    assert "pw" not in message.replace("password", "")


def test_a_fragment_stays_here():
    """What follows a hash is never sent."""
    assert str(check_url(PUBLIC + "#secret")) == PUBLIC


class Host:
    """Answers by path; notes who asked for what with which headers."""

    def __init__(self, **paths):
        self.paths = paths
        self.asked: list[httpx.Request] = []

    def __call__(self, request):
        self.asked.append(request)
        return self.paths[request.url.path.strip("/").replace(".", "_") or "root"]


async def fetched(host, url=PUBLIC, **more):
    transport = httpx.MockTransport(host)
    async with httpx.AsyncClient(transport=transport, headers={"Cookie": "c=1"}) as client:
        return await download(
            url, client=client, sleep=lambda _: anyio.lowlevel.checkpoint(), **more
        )


TARGETS = [
    *(
        "http://cdn.example.org/b",
        "https://127.0.0.1/b",
        "https://169.254.169.254/latest/meta-data",
    ),
    *("https://[::ffff:10.0.0.1]/b", "file:///etc/passwd", "javascript:alert(1)", "//localhost/b"),
    *(
        "https://ann:pw@cdn.example.org/b",
        "https://cdn.example.org:8080/b",
        "ftp://cdn.example.org/b",
    ),
    *(
        "https://0x7f.1/b",
        "data:audio/wav;base64,AAAA",
        "https://xn--a/",
        "https://[",
        "\x00",
        "http:",
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", TARGETS)
async def test_each_hop_is_checked_for_each_kind(status, target):
    """Wherever a redirect leads, it is judged like the first address, before it is asked."""
    host = Host(a_wav=httpx.Response(status, headers=[(b"Location", target.encode())]))

    with pytest.raises(nb.AudioError) as caught:
        await fetched(host)

    assert len(host.asked) == 1
    assert acting_signs(str(caught.value)) == []
    assert "pw" not in str(caught.value).replace("password", "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        {b"etag": b'"\xe9\xff"'},
        {b"etag": '"€"'.encode()},
        {b"etag": b'"' + b"x" * 9000 + b'"'},
        {b"etag": b'W/"weak"', b"last-modified": b"\xff\xfe"},
        {b"last-modified": b"soon\x7f"},
        {b"etag": b"no quotes", b"last-modified": b""},
    ],
    ids=lambda headers: str(headers)[:40],
)
async def test_marks_of_a_file_that_no_header_may_carry(headers):
    """A mark with bytes that may come but not go used to end in an encoding error."""
    whole = sine_wav()
    cut = httpx.Response(
        200,
        headers=[*headers.items(), (b"content-length", b"%d" % len(whole))],
        stream=httpx.ByteStream(whole[:9000]),
    )
    answers = [cut, httpx.Response(200, content=whole)]

    got = await fetched(lambda request: answers.pop(0))

    assert got == whole


NO_AUDIO = {
    "html": b"<!doctype html><html><body>Log in</body></html>" * 99,
    "html-late": b"\n" * 300 + b"<html>",
    "json": b'{"error":"expired","code":403}',
    "xml": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "utf-16": "<html>login</html>".encode("utf-16") * 30,
    "empty": b"",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(900),
    "pdf": b"%PDF-1.7\n" + bytes(900),
    "zip": b"PK\x03\x04" + bytes(900),
    "elf": b"\x7fELF" + bytes(900),
    "exe": b"MZ" + bytes(900),
    "script": b"#!/bin/sh\nrm -rf ~\n",
    "zeros": bytes(900),
    "riff-of-no-wave": b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(900),
}


@pytest.mark.anyio
@pytest.mark.parametrize("body", NO_AUDIO.values(), ids=NO_AUDIO)
@pytest.mark.parametrize("kind", ["audio/mpeg", "text/html", ""])
async def test_what_is_no_audio_is_never_kept(tmp_path, body, kind):
    """What a host calls audio is looked at; what is none leaves no file."""
    host = Host(a_wav=httpx.Response(200, content=body, headers={"Content-Type": kind}))

    with pytest.raises(nb.AudioError):
        await fetched(host, path=tmp_path / "a.wav")

    assert list(tmp_path.glob("*.wav")) + list(tmp_path.glob(".*part")) == []


@pytest.mark.anyio
async def test_no_secret_goes_to_an_audio_host():
    """Neither key nor cookie goes to whoever keeps the audio, on no hop."""
    host = Host(
        a_wav=httpx.Response(302, headers={"Location": "https://other.example.org/b.wav"}),
        b_wav=httpx.Response(200, content=sine_wav()),
    )

    await fetched(host)

    for request in host.asked:
        assert not {"authorization", "cookie", "proxy-authorization"} & set(request.headers)
        assert KEY not in str(request.headers)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>", "png"),
        (b"\xff\xd8\xff\xe0<script>", "jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"  <?xml version='1.0'?><svg/>", None),
        (b"\xef\xbb\xbf<svg/>", None),
        (b"GIF89a<script>", None),
        (b"BM<script>", None),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"\x00\x00\x01\x00", None),
        (b"\x89PNG", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_a_picture_is_what_it_begins_with(data, format):
    """Three kinds of pictures are shown, by their first bytes; nothing that can hold scripts is."""
    kind = sniff_image(data)

    assert (kind and kind.format) == format
