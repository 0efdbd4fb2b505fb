"""Tokens nobody guesses, and public addresses that give nothing else away."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseo_nb.callbacks import address, check_base, hash_of, new_token
from phaseo_nb.errors import SettingsError


def test_a_token_has_256_bits_and_fits_into_an_address():
    """43 characters of base64url, never the same twice."""
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_the_hash_is_sha_256():
    """As the standard has it (FIPS 180-2, appendix B.1)."""
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(text=st.text(st.characters(), max_size=50))
def test_any_text_has_a_hash(text):
    """Also half of a surrogate pair: a path may hold anything."""
    assert re.fullmatch("[0-9a-f]{64}", hash_of(text))
    assert hash_of(text + "\udc80") != hash_of(text)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://my.host", "https://my.host"),
        ("https://my.host/", "https://my.host"),
        (" HTTPS://My.Host:8443/User/Ann// ", "https://my.host:8443/User/Ann"),
        ("https://93.184.216.34/cb", "https://93.184.216.34/cb"),
        ("https://[2606:2800:220:1::1]/cb", "https://[2606:2800:220:1::1]/cb"),
    ],
)
def test_a_public_address_is_taken(given, base):
    """Without the slash at its end; the token becomes one more part of the path."""
    assert check_base(given) == base
    assert address(check_base(given), "T0ken") == base + "/T0ken"


REFUSED = {
    "": "it is empty",
    "my.host/cb": "does not begin with https://",
    "ftp://my.host": "does not begin with https://",
    "https://": "does not begin with https://",
    "https://my.host:0/": "does not begin with https://",
    "https://my.host:99999/": "cannot be read",
    "https://localhost/cb": "public hosts only",
    "http://127.0.0.1:8000": "public hosts only",
    "http://2130706433/": "public hosts only",
    "http://[::1]/": "public hosts only",
    "https://10.0.0.5/": "public hosts only",
    "https://192.168.1.2/": "public hosts only",
    "https://169.254.169.254/": "public hosts only",
    "https://hub.internal/": "public hosts only",
    "https://intranet/": "public hosts only",
    "http://my.host/cb": "unencrypted",
    "https://my.host/cb?x=1": "query or fragment",
    "https://my.host/cb#x": "query or fragment",
    "https://ann:hunter2@my.host/": "user name or password",
    "https://my.host/?token=hunter2": "token",
    "https://my.host/a;TOKEN=hunter2": "token",
    "https://my.host/%74oken=hunter2": "token",
    "https://my.host/a b": "blank",
    "https://my.host\\@evil.example/": "backslash",
    "https://my.host/" + "a" * 1000: "characters long",
}


@pytest.mark.parametrize("base", REFUSED)
def test_other_addresses_are_refused_with_the_reason(base):
    """The message says what is wrong and what would be right, and quotes no secret."""
    with pytest.raises(SettingsError, match=REFUSED[base]) as caught:
        check_base(base)

    message = str(caught.value)
    assert "https://my.host/user/ann/phaseo-nb/callbacks" in message
    assert "hunter2" not in message
    assert len(message) < 450


@pytest.mark.parametrize("base", [None, 8000, b"https://my.host", ["https://my.host"]])
def test_what_is_no_text_is_refused(base):
    """With its type, not its value."""
    with pytest.raises(SettingsError, match=f"callbacks is a {type(base).__name__}"):
        check_base(base)


def test_the_sandbox_takes_this_machine():
    """It runs here; other private addresses are refused as ever."""
    assert check_base("http://127.0.0.1:8123/", may_be_local=True) == "http://127.0.0.1:8123"
    assert check_base("https://my.host", may_be_local=True) == "https://my.host"
    with pytest.raises(SettingsError, match="public hosts only"):
        check_base("http://10.0.0.5", may_be_local=True)
