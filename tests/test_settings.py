"""Keys, addresses, folders: where they come from, and that a key is never shown."""

from __future__ import annotations

import copy
import pickle
import sys
import traceback
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

import phaseo_nb as nb
from phaseo_nb import settings
from phaseo_nb.errors import SettingsError
from phaseo_nb.gateways import get_gateway
from phaseo_nb.settings import embed_limit, home_folder, homes, resolve_connection, resolve_gateway
from phaseo_nb.settings.addresses import check_base_url, is_loopback, literal_address
from phaseo_nb.settings.keys import hide

KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
SECRET = "topsecretvalue99"
MOCK = httpx.MockTransport(lambda request: httpx.Response(500))


@pytest.fixture
def keyring(monkeypatch):
    """A keyring package as people install it, holding what a test puts in."""
    module, stored = ModuleType("keyring"), {}
    module.get_password = lambda service, name: stored.get((service, name))
    monkeypatch.setitem(sys.modules, "keyring", module)
    return stored


def test_the_table_agrees_with_the_gateways():
    """Default addresses and key variables are those that the gateways know."""
    for name, wire in settings.WIRES.items():
        gateway = get_gateway(name)
        assert wire == (gateway.default_base_url, gateway.key_variable)


def test_order_of_sources(monkeypatch, keyring):
    """Argument, then environment, then keyring; the origin says which."""
    keyring["phaseo-nb", "PHASEO_API_KEY"] = KEY + "ring"
    assert resolve_connection("phaseo").key_origin == "keyring"
    assert resolve_connection("phaseo").key.get_secret_value() == KEY + "ring"

    monkeypatch.setenv("PHASEO_API_KEY", KEY + "env")
    found = resolve_connection("phaseo")
    assert (found.key_origin, found.key.get_secret_value()) == ("PHASEO_API_KEY", KEY + "env")

    found = resolve_connection("phaseo", api_key=KEY)
    assert (found.key_origin, found.key.get_secret_value()) == ("argument", KEY)


def test_a_broken_keyring_is_no_keyring(monkeypatch):
    """A keyring without a service behind it (as on servers) counts as none."""
    module = ModuleType("keyring")

    def get_password(service, name):
        raise RuntimeError("No recommended backend was available")

    module.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", module)

    assert resolve_gateway().value == "sandbox"


@pytest.mark.parametrize(
    ("environment", "gateway"),
    [
        ({}, "sandbox"),
        ({"PHASEO_API_KEY": KEY}, "phaseo"),
        ({"UDIOAPI_KEY": "udio-key"}, "udio"),
        ({"UDIOAPI_KEY": "udio-key", "PHASEO_API_KEY": KEY}, "phaseo"),
        ({"PHASEO_API_KEY": "  "}, "sandbox"),
    ],
    ids=str,
)
def test_auto(monkeypatch, environment, gateway):
    """Auto is the first service there is a key for, else the sandbox."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert resolve_connection().label == gateway


def test_auto_does_not_send_a_key_to_the_wrong_service():
    """A given key is recognised by its form or by the address, else the gateway must be named."""
    assert resolve_connection(api_key=KEY).name == "phaseo"
    assert resolve_connection(api_key="abc", base_url="https://udioapi.pro").name == "udio"
    with pytest.raises(SettingsError, match="Name the gateway"):
        resolve_connection(api_key="abc-def-123")


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {KEY}\n",
        f'"{KEY}"',
        f"“{KEY}”",
        f"Bearer {KEY}",
        f"Authorization: Bearer {KEY}",
        f"PHASEO_API_KEY={KEY}",
        f"export PHASEO_API_KEY='{KEY}'",
        f"\ufeff{KEY}",
        SecretStr(f" {KEY} "),
    ],
    ids=lambda pasted: repr(pasted)[:24],
)
def test_a_pasted_key_is_cleaned(pasted):
    """Blanks, quotes, Bearer and a variable's name around a key are taken off."""
    assert resolve_connection("phaseo", api_key=pasted).key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        '""',
        "Bearer ",
        f"{SECRET} {SECRET}",
        f"{SECRET}\n{SECRET}",
        f"{SECRET}\r\nX-Evil: 1",
        f"{SECRET}é",
        f"{SECRET}\x00",
        f"{SECRET}\x7f",
        f"{SECRET}\u202e",
        SECRET * 50,
        f"phaseo_v1_mk_abcdef_{SECRET}",
        42,
        [SECRET],
        SECRET.encode(),
    ],
    ids=lambda bad: repr(bad)[:24],
)
def test_a_bad_key_is_refused_without_quoting_it(bad):
    """What cannot be a key raises SettingsError, whose message, tail included, has none of it."""
    with pytest.raises(SettingsError, match="API key") as caught:
        resolve_connection("phaseo", api_key=bad)

    assert SECRET not in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_bad_key_in_the_environment_names_its_variable(monkeypatch):
    """The message says where the bad key came from."""
    monkeypatch.setenv("UDIOAPI_KEY", f"{SECRET} and a half")

    with pytest.raises(SettingsError, match="UDIOAPI_KEY") as caught:
        resolve_connection()
    assert SECRET not in str(caught.value)


def test_a_missing_key_names_every_way_to_set_it():
    """Without a key the error names the variable, the keyring, the argument and the sandbox."""
    with pytest.raises(SettingsError) as caught:
        resolve_connection("udio")

    for way in ("UDIOAPI_KEY", "keyring set phaseo-nb", "api_key=", 'nb.connect("sandbox")'):
        assert way in str(caught.value)


def test_no_local_variable_of_ours_holds_the_key_when_it_fails():
    """IPython's verbose traceback prints locals: from our frames on, none has the plain key."""
    try:
        resolve_connection("phaseo", api_key=f"{SECRET} x")
    except SettingsError as error:
        frame = error.__traceback__.tb_next
    shown = []
    while frame is not None:
        shown.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    assert shown
    assert SECRET not in "".join(shown)


def test_a_connection_shows_no_key_and_does_not_travel():
    """repr, str, vars and describe() have no key; pickle and copy are refused."""
    connection = resolve_connection("phaseo", api_key=KEY, model="suno/v5")

    for text in (repr(connection), str(vars(connection)), connection.describe()):
        assert SECRET not in text
    assert "https://api.phaseo.app/v1" in connection.describe()
    assert "argument" in connection.describe()
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds a key"):
            carry(connection)


def test_sandbox_mode_reads_no_key(monkeypatch):
    """PHASEO_NB_MODE=sandbox keeps the wire, replaces everything else and reads no key."""
    monkeypatch.setenv("PHASEO_NB_MODE", "sandbox")
    monkeypatch.setenv("PHASEO_API_KEY", KEY)
    for gateway, wire in (("auto", "phaseo"), ("phaseo", "phaseo"), ("udio", "udio")):
        found = resolve_connection(
            gateway, api_key=KEY, base_url="https://api.phaseo.app/v1", transport=MOCK
        )
        assert (found.name, found.label, found.is_sandbox) == (wire, "sandbox", True)
        assert found.base_url.startswith("https://sandbox.phaseo-nb.invalid")
        assert found.transport is not MOCK
        assert SECRET not in found.key.get_secret_value()


def test_a_typo_in_the_mode_is_refused(monkeypatch):
    """A word that is no mode raises: a typo must not spend money."""
    monkeypatch.setenv("PHASEO_NB_MODE", "sandbx")

    with pytest.raises(SettingsError, match="sandbx"):
        resolve_connection("phaseo", api_key=KEY)


def test_the_sandbox_is_one_per_process():
    """Connecting twice reaches the same sandbox, so that jobs go on."""
    one, two = resolve_connection("sandbox"), resolve_connection("sandbox")

    assert one.transport is two.transport
    assert one.model == "sandbox/band"
    assert one.describe() == "sandbox (offline, free)"


@pytest.mark.parametrize("gateway", ["suno", "", "PHASEO", None, 3, ["phaseo"]])
def test_unknown_gateways_are_refused(gateway):
    """The error names the gateways there are."""
    with pytest.raises(SettingsError, match='"auto", "phaseo", "udio", "sandbox"'):
        resolve_connection(gateway)


def test_the_sandbox_name_is_not_lent_to_the_network():
    """A network transport cannot go under the sandbox's name; a thing that is none is refused."""
    with pytest.raises(SettingsError, match="needs no network transport"):
        resolve_connection("sandbox", transport=httpx.AsyncHTTPTransport())
    with pytest.raises(SettingsError, match="cannot carry requests"):
        resolve_connection("phaseo", api_key=KEY, transport="mock")


def test_a_test_transport_needs_no_key():
    """With a mock transport nothing can be paid, so a missing key is no error."""
    assert not resolve_connection("phaseo", transport=MOCK).is_sandbox
    with pytest.raises(SettingsError, match="No key"):
        resolve_connection("phaseo", transport=httpx.AsyncHTTPTransport())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.phaseo.app/v1/", "https://api.phaseo.app/v1"),
        ("HTTPS://API.Phaseo.APP/V1", "https://api.phaseo.app/V1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        (" https://10.0.0.5/v1 ", "https://10.0.0.5/v1"),
    ],
)
def test_base_urls_are_normalised(given, kept):
    """https anywhere, http on this machine; no slash at the end."""
    assert check_base_url(given) == kept


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ",
        "api.phaseo.app/v1",
        "ftp://api.phaseo.app",
        "file:///etc",
        "http://api.phaseo.app/v1",
        "http://10.0.0.5/v1",
        "https://",
        "https:///v1",
        "https://user:hunter2@api.phaseo.app/v1",
        "https://api.phaseo.app/v1?key=hunter2",
        "https://user:/hunter2@api.phaseo.app/v1",
        "user:hunter2@api.phaseo.app/v1",
        "phaseo_v1_sk_abcdef123456_hunter2",
        "https://@api.phaseo.app/v1",
        "https://api.phaseo.app/\u202ev1",
        "https://api.phaseo.app/\u0085v1",
        "https://api.phaseo.app/v1#x",
        "https://api.phaseo.app:0/",
        "https://api.phaseo.app:99999/",
        "https://api.phaseo.app/\nx",
        "https://api phaseo.app/",
        "https://[::1",
        "https://a/" + "x" * 9000,
        7,
        b"https://api.phaseo.app",
    ],
    ids=lambda bad: repr(bad)[:32],
)
def test_bad_base_urls_are_refused(bad):
    """Everything else is refused with the right form, and passwords are not repeated."""
    with pytest.raises(SettingsError, match=r"https://api\.phaseo\.app/v1") as caught:
        resolve_connection("phaseo", api_key=KEY, base_url=bad)

    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_base_url_and_model_from_the_environment(monkeypatch):
    """PHASEO_NB_BASE_URL is for Phaseo alone; PHASEO_NB_MODEL for requests without a model."""
    monkeypatch.setenv("PHASEO_NB_BASE_URL", "http://127.0.0.1:9/v1/")
    monkeypatch.setenv("PHASEO_NB_MODEL", "suno/v5")

    assert resolve_connection("phaseo", api_key=KEY).base_url == "http://127.0.0.1:9/v1"
    assert resolve_connection("udio", api_key="k").base_url == "https://udioapi.pro"
    assert resolve_connection("phaseo", api_key=KEY).model == "suno/v5"
    assert resolve_connection("phaseo", api_key=KEY, model=" suno/v4 ").model == "suno/v4"
    with pytest.raises(SettingsError, match="no model"):
        resolve_connection("phaseo", api_key=KEY, model=" ")


def test_the_home_folder(monkeypatch, tmp_path):
    """Argument, PHASEO_NB_HOME, else the platform's folder; nothing is created."""
    monkeypatch.setenv("PHASEO_NB_HOME", str(tmp_path / "named"))
    assert home_folder() == settings.Setting(tmp_path / "named", "PHASEO_NB_HOME")
    assert home_folder(tmp_path).origin == "argument"
    assert home_folder("~/x").value == Path.home() / "x"
    monkeypatch.delenv("PHASEO_NB_HOME")
    assert home_folder().origin == "default"
    assert "phaseo-nb" in str(home_folder().value)
    assert not (tmp_path / "named").exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [("500kB", 500_000), ("8MB", 8_000_000), ("0.5 mb", 500_000), ("250000", 250_000), ("0", 0)],
)
def test_the_embed_limit(monkeypatch, text, size):
    """A size with its unit, or bytes."""
    monkeypatch.setenv("PHASEO_NB_EMBED_LIMIT", text)

    assert embed_limit() == settings.Setting(size, "PHASEO_NB_EMBED_LIMIT")


@pytest.mark.parametrize("text", ["8", "lots", "-1", "1e9", "nan", "8 GBit", "٨MB"])
def test_sizes_that_are_none_are_refused(monkeypatch, text):
    """A bare small number is not taken for bytes, and words are no size."""
    monkeypatch.setenv("PHASEO_NB_EMBED_LIMIT", text)

    with pytest.raises(SettingsError, match="500kB or 8MB"):
        embed_limit()


def test_this_machine_in_every_spelling():
    """Loopback is recognised as a name and as an address, decimal and octal included."""
    for host in ("localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9", "[::1]", "0x7f.1"):
        assert is_loopback(host)
    for host in ("localhost.example.org", "10.0.0.1", "example.org", "beef.cafe", ""):
        assert not is_loopback(host)
    assert str(literal_address("2130706433")) == "127.0.0.1"
    assert literal_address("face.book") is None


def test_hiding_never_raises():
    """hide() takes anything, so that nothing can fail while a key is in plain sight."""
    assert hide(None) is None
    for value in ("x", b"x", 3, object(), SecretStr("x")):
        assert isinstance(hide(value), SecretStr)


PASSWORDS = ["s3cret@x/y", "top@s3cret", "tops3c/ret", "top#s3cret", "s3cret", "s3cret:/"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_part_of_a_password_is_shown(password):
    """Whatever signs it holds, quoted or not."""
    for said in (password, quote(password, safe="")):
        shown = homes.without_password(f"postgresql://me:{said}@127.0.0.1:5432/music")
        assert shown == "postgresql://me@127.0.0.1:5432/music"


@pytest.mark.parametrize("password", PASSWORDS[:4])
def test_signs_that_end_an_address_early_are_refused(password):
    with pytest.raises(SettingsError, match="% and the number") as failure:
        homes.find_home(f"postgresql://me:{password}@127.0.0.1/music")

    assert "s3c" not in str(failure.value)


SLIPS = [
    "postgresql:/me:s3cret@127.0.0.1:5432/music",
    "postgresql//me:s3cret@127.0.0.1/music",
    "postgres:me:s3cret@127.0.0.1/music",
    "PostgreSQL:/me:s3cret@127.0.0.1/music",
    Path("postgresql://me:s3cret@127.0.0.1/music"),  # a path has one slash where there were two
    "mysql://me:s3cret@127.0.0.1/music",
]


@pytest.mark.parametrize("place", SLIPS)
@pytest.mark.parametrize("given", ["library", "home", "copy"])
def test_an_address_with_a_slip_is_no_folder(place, given, tmp_path, monkeypatch):
    """Else the library would be in a folder, and the password in its name."""
    monkeypatch.chdir(tmp_path)
    if given == "home":
        monkeypatch.setenv("PHASEO_NB_HOME", str(place))
    given_to = {
        "library": lambda: nb.Library(place),
        "home": nb.Library,
        "copy": lambda: nb.Library(tmp_path / "here").copy_to(place, show=False),
    }

    with pytest.raises(SettingsError, match="postgresql://user@host/name") as failure:
        given_to[given]()

    assert not frames_of_ours_with("s3cret", failure.value)
    assert "s3cret" not in str(failure.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"here"}


@pytest.mark.parametrize("audio", ["s3:/key:s3cret@bucket/x", "s3//bucket/s3cret"])
def test_an_address_of_audio_with_a_slip_is_no_folder(audio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"audio = s3….*s3://bucket/prefix") as failure:
        nb.Library(tmp_path / "here", audio=audio)

    assert not frames_of_ours_with("s3cret", failure.value)
    assert list(tmp_path.iterdir()) == []


def frames_of_ours_with(secret, error):
    """Return the frames of the package in which a verbose traceback would show it."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    package = str(Path(nb.__file__).parent)
    ours = [frame for frame in frames if frame.filename.startswith(package)]
    assert ours
    return [frame.name for frame in ours if secret in str(frame.locals)]


def test_a_scheme_may_have_capitals():
    assert homes.find_home("PostgreSQL://me@127.0.0.1/music").database.get_secret_value() == (
        "postgresql://me@127.0.0.1/music"
    )


def test_words_of_a_driver_are_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match="nothing was made") as failure:
        nb.library("host=127.0.0.1 user=me password=s3cret dbname=music")

    assert "s3cret" not in str(failure.value)
    assert list(tmp_path.iterdir()) == []
