"""Audio is fetched from public hosts and the gateway itself, and from nowhere else."""

from __future__ import annotations

import ipaddress
import socket

import httpcore
import httpx
import pytest
from raw_server import answer, serving

from phaseo_nb.errors import AudioError
from phaseo_nb.settings.addresses import shown
from phaseo_nb.transport.certificates import ssl_context
from phaseo_nb.transport.guard import Origin, check_url, why_not_public
from phaseo_nb.transport.http import Transport
from phaseo_nb.transport.pinned import PinnedBackend, PinnedTransport, resolve

OWN = Origin("http", "127.0.0.1", 8123)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.org/a.mp3",
        "https://cdn.example.org:443/a.mp3?sig=x#t=1",
        "https://8.8.8.8/a.mp3",
        "https://[2606:4700::1111]/a.mp3",
        "https://bücher.example/ä.mp3",
        "http://127.0.0.1:8123/audio/1.wav",
        "  https://cdn.example.org/a.mp3  ",
    ],
)
def test_public_addresses_pass(url):
    """https to public hosts and the gateway's own origin are let through, without fragment."""
    checked = check_url(url, own=OWN)

    assert "#" not in str(checked)
    assert checked.host == httpx.URL(url.strip()).host


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.mp3",
        "gopher://example.org/1",
        "javascript:alert(1)",
        "data:audio/mpeg;base64,AAAA",
        "//cdn.example.org/a.mp3",
        "cdn.example.org/a.mp3",
        "http://cdn.example.org/a.mp3",
        "https://",
        "",
        "   ",
        None,
        7,
        "https://user:pw@cdn.example.org/a.mp3",
        "https://cdn.example.org:22/a.mp3",
        "https://cdn.example.org:8443/a.mp3",
        "https://cdn.example.org:99999/",
        "https://cdn.example.org:80/a.mp3",
        "https://cdn.example.org:0/a.mp3",
        "https://@cdn.example.org/a.mp3",
        "https://:@cdn.example.org/a.mp3",
        "https://%31%32%37.0.0.1/a",
        "https://cdn%2eexample.org/a",
        "https://1.2.3.4.5/a",
        "https://cdn.example.0x1/a",
        "https://cdn.example.org/a\u0085.mp3",
        "https://cdn.example.org/a\u202egpm.3",
        "https://cdn.example.org/a\u2028b.mp3",
        "https://cdn.example\u200b.org/a.mp3",
        "http://127.0.0.1:0/audio/1.wav",
        "https://cdn.example.org/a b.mp3",
        "https://cdn.example.org/a\r\nHost: evil",
        "https://cdn.example.org\\@127.0.0.1/",
        "https://cdn.example.org/\x00",
        "https://cdn.example.org/" + "a" * 9000,
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[64:ff9b::7f00:1]/a",
        "https://[2002:7f00:1::]/a",
        "https://[fe80::1%25eth0]/a",
        "https://127.0.0.1/a",
        "https://127.1/a",
        "https://0/a",
        "https://2130706433/a",
        "https://0x7f.0.0.1/a",
        "https://0177.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.8/a",
        "https://localhost/a",
        "https://LOCALHOST./a",
        "https://api.localhost/a",
        "https://metadata.google.internal/a",
        "https://printer.local/a",
        "https://①②⑦.0.0.1/a",
        "http://127.0.0.1:8124/audio/1.wav",
        "https://127.0.0.1:8123/audio/1.wav",
        "http://localhost:8123/audio/1.wav",
    ],
    ids=lambda url: repr(url)[:40],
)
def test_everything_else_is_refused_with_a_reason(url):
    """No other scheme, port, private host in any spelling, and no trick in the text."""
    with pytest.raises(AudioError, match="was not fetched") as caught:
        check_url(url, own=OWN)

    message = str(caught.value)
    assert "pw@" not in message
    assert "\r" not in message
    assert len(message) < 400


# From the IANA special-purpose registries, by hand.
NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:0:0",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2002:0a00:0001::",
    "2002:7f00:1::",
    "::7f00:1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "168.63.129.16",
    "192.88.99.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "192.0.0.9",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "2001:20::1",
    "2001:2::1",
    "2620:4f:8000::1",
    "4000::1",
    "::ffff:0:8.8.8.8",
    "2a00:1450::5efe:7f00:1",
    "2a00:1450::200:5efe:10.0.0.1",
    "2001:db8::5efe:8.8.8.8",
    "fe80::5efe:8.8.8.8",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "192.169.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:0808:0808::",
    "2a00:1450::5efe:8.8.8.8",
    "168.63.129.15",
    "192.88.98.1",
    "3ffe::1",
    "223.255.255.255",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address):
    """Every special-purpose range is refused, inside IPv6 wrappings too."""
    assert why_not_public(address)
    assert why_not_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    """Ordinary addresses, also behind NAT64 or mapped, are let through."""
    assert why_not_public(address) is None


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "::1"])
async def test_what_a_name_resolves_to_is_checked(host):
    """A host that leads to this machine is refused after asking the resolver."""
    with pytest.raises(AudioError, match="this machine"):
        await resolve(host, 443)


@pytest.mark.anyio
async def test_every_address_of_a_name_is_checked(monkeypatch):
    """One private address among public ones is enough to refuse a name."""
    answers = [(2, 1, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers)

    with pytest.raises(AudioError, match=r"10\.0\.0\.1 is private"):
        await resolve("cdn.example.org", 443)


@pytest.mark.anyio
async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """The name is resolved once, and the socket gets the literal address."""
    asked, connected = [], []

    def resolver(host, *args, **kwargs):
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", 443))]

    async def connect(self, host, port, *args, **kwargs):
        connected.append((host, port))
        raise httpcore.ConnectError("far away")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError, match="far away"):
        await PinnedBackend(None).connect_tcp("cdn.example.org", 443, 5)

    assert asked == [b"cdn.example.org"] or asked == ["cdn.example.org"]
    assert connected == [("93.184.216.34", 443)]


@pytest.mark.anyio
async def test_a_silent_address_leaves_time_for_the_others(monkeypatch):
    """Each of three addresses gets an equal share of the time that is left."""
    now, shares = [100.0], []
    answers = [(2, 1, 6, "", (ip, 443)) for ip in ("93.184.216.34", "1.1.1.1", "8.8.8.8")]

    async def connect(self, host, port, timeout=None, *args, **kwargs):
        shares.append(timeout)
        now[0] += 2.0 if host == "1.1.1.1" else timeout
        raise httpcore.ConnectTimeout(host)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("phaseo_nb.transport.pinned.time.monotonic", lambda: now[0])
        with pytest.raises(httpcore.ConnectTimeout, match=r"8\.8\.8\.8"):
            await PinnedBackend(None).connect_tcp("cdn.example.org", 443, 12.0)

    assert shares == [pytest.approx(4.0), pytest.approx(4.0), pytest.approx(6.0)]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://cdn.example.org/a.mp3?sig=x#t", "https://cdn.example.org/a.mp3"),
        ("https://user:pw@h.com/x", "https://…"),
        ("https://user:pa/ss@h.com/x", "https://…"),
        ("https://user:pa?ss@h.com/x", "https://…"),
        ("https://user:pa#ss@h.com/x", "https://…"),
        ("https://user:443/ss@h.com/x", "https://…"),
        ("https://user@h.com/x", "https://…"),
        ("https://h.com\\@evil/", "https://…"),
        ("https://h.com/@artist/a.mp3", "https://h.com/…"),
        ("//user:pw@h.com/x", "…"),
        ("user:pw@h.com", "…"),
        ("mailto:user:pw@h.com", "…"),
        ("phaseo_v1_sk_abcdef123456_topsecretvalue99", "…"),
        ("api.example.org/v1?x=1", "api.example.org/v1"),
        ("user:pw@x://h.com", "…"),
        ("https://h.com/a\u202eb\r\n", "https://h.com/a\N{REPLACEMENT CHARACTER}b"),
        ("https://h.com/" + "a" * 500, "https://h.com/" + "a" * 66 + "…"),
    ],
)
def test_messages_show_no_secret_and_no_wrong_host(url, text):
    """What is shown of an address holds no user name, password, query, control or other host."""
    assert shown(url) == text


@pytest.mark.anyio
async def test_audio_goes_through_no_proxy(monkeypatch):
    """The environment's proxy is asked neither for audio nor for the host's name."""

    async def script(asked):
        await asked.say(answer(502))

    async with serving(script) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with httpx.AsyncClient(transport=PinnedTransport(None, ssl_context())) as client:
            for url in ("http://127.0.0.1:1/", "https://localhost:1/"):
                with pytest.raises(AudioError, match="was not asked"):
                    await client.get(url)
        wire = Transport(base_url="http://127.0.0.1:1", key=None)
        with pytest.raises(httpx.ConnectError):
            await wire.pool().audio.get("http://127.0.0.1:1/")
        await wire.aclose()

    assert proxy.asked == []


@pytest.mark.anyio
async def test_httpx_itself_cannot_reach_what_is_private():
    """The guard sits in the connection: a request past check_url is stopped all the same."""

    async def script(asked):
        await asked.say(answer(body=b"secret"))

    async with serving(script) as server:
        port = int(server.url.rsplit(":", 1)[1])
        other = Origin("http", "127.0.0.1", port + 1)
        async with httpx.AsyncClient(transport=PinnedTransport(other, ssl_context())) as client:
            for host in ("localhost", "127.0.0.1"):
                with pytest.raises(AudioError, match="was not asked"):
                    await client.get(f"http://{host}:{port}/")
        assert server.asked == []
        own = Origin("http", "127.0.0.1", port)
        async with httpx.AsyncClient(transport=PinnedTransport(own, ssl_context())) as client:
            assert (await client.get(server.url)).content == b"secret"
    assert server.asked[0].headers["host"] == f"127.0.0.1:{port}"


@pytest.mark.anyio
async def test_network_errors_keep_their_httpx_names():
    """Connection faults of the pinned transport are httpx errors, as anywhere else."""
    async with serving(None) as server:
        own = Origin.of(server.url)
    async with httpx.AsyncClient(transport=PinnedTransport(own, ssl_context())) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(server.url)
