"""A key never shows: not in reprs, errors, tracebacks, notebooks or what is kept."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import re
import traceback
import zipfile

import httpx
import pytest
from wires import Wire

import phaseo_nb as nb

KEY = "phaseo_v1_sk_abcdef123456_DoNotShowThisAnywhere"
SECRET = "DoNotShowThisAnywhere"


def echo(_):
    """A gateway that quotes the key in its refusal, as some do."""
    body = {"error": "unauthorised", "description": f"key {KEY} is not known"}
    return httpx.Response(401, json=body, headers={"x-echo": KEY})


@pytest.fixture
def refused(caplog):
    """The error of a request whose gateway quotes the key, with everything that was logged."""
    caplog.set_level(logging.DEBUG)
    nb.connect("phaseo", api_key=KEY, transport=Wire(post=echo).transport)
    with pytest.raises(nb.AuthenticationError) as caught:
        nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))
    return caught.value, caplog.text


def test_an_error_does_not_quote_the_key(refused):
    """Message, attributes, chain, pickle and log of an error are without the key."""
    error, logged = refused
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))

    for text in (str(error), repr(error), str(vars(error)), chain, logged):
        assert SECRET not in text
    assert SECRET.encode() not in pickle.dumps(error)


def test_a_verbose_traceback_does_not_show_it(refused):
    """IPython's verbose traceback prints every local variable; none of them is the key."""
    from IPython.core.ultratb import VerboseTB

    error, _ = refused
    coloured = VerboseTB(include_vars=True).text(type(error), error, error.__traceback__)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", coloured)

    assert "suno/v4.5" in shown  # it does show variables
    assert SECRET not in shown


def test_reprs_and_copies_do_not_hold_it():
    """Session, client, job and take print, copy and serialise without the key."""
    wire = Wire()
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    job = nb.submit("a waltz", model="minimax/music-2.6", show=False)
    take = job.result(20)

    for thing in (session, session.connection, session._client, job, take, take.job, take.request):
        assert SECRET not in repr(thing)
        assert SECRET not in str(getattr(thing, "__dict__", ""))
    assert SECRET not in take._repr_html_()
    assert SECRET not in json.dumps(take.request.to_wire())
    with pytest.raises(TypeError, match="key"):
        pickle.dumps(session.connection)
    with pytest.raises(TypeError, match="key"):
        copy.deepcopy(session.connection)
    assert wire.headers[0]["authorization"] == f"Bearer {KEY}"  # it was used, though


def test_the_audio_host_does_not_get_it():
    """Downloads go without the key, whatever address the service names."""
    wire = Wire()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))

    assert wire.downloads == 1
    assert SECRET not in str(dict(wire.headers[-1]))
    assert "authorization" not in wire.headers[-1]


@pytest.mark.parametrize(
    "pasted",
    [f"{KEY}\nmore", f"{KEY} x", f"{KEY}\u00e9", "", "   ", 7, f"Bearer {KEY} {KEY}"],
    ids=["newline", "blank", "accent", "empty", "blanks", "number", "twice"],
)
def test_a_key_that_cannot_be_one_is_refused_without_quoting_it(pasted):
    """A key that would break the header stops before the network, and is not shown."""
    out = io.StringIO()
    with pytest.raises(nb.SettingsError) as caught:
        nb.connect("phaseo", api_key=pasted)
    traceback.print_exception(caught.value, file=out)

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("pasted", [f"  {KEY}\n", f"Bearer {KEY}", f'"{KEY}"'])
def test_what_pasting_does_to_a_key_is_undone(pasted):
    """Blanks, quotes and a leading Bearer around a pasted key are taken away."""
    wire = Wire()
    nb.connect("phaseo", api_key=pasted, transport=wire.transport)
    nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))

    assert wire.headers[0]["authorization"] == f"Bearer {KEY}"


def everything_on_disk(*folders):
    """Every byte of every file, zip members unpacked."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    yield from ((path.name, archive.read(name)) for name in archive.namelist())
            elif path.is_file():
                yield path.name, path.read_bytes()


@pytest.mark.usefixtures("quick")
def test_nothing_that_is_kept_holds_it(tmp_path, caplog, home):
    """After using everything, no file of the library or of an export holds the key, nor the log."""
    caplog.set_level(logging.DEBUG)
    wire = Wire(gets=[lambda w: w.done(result={"echo": f"Bearer {KEY}", "headers": {"x": KEY}})])
    nb.connect("phaseo", api_key=KEY, transport=wire.transport, budget_usd=9)
    words = {"model": "suno/v4.5", "show": False}
    callback = "https://hooks.example.org/?token=DoNotShowThisAnywhere"
    shown = []
    take = nb.run(nb.generate(f"a waltz with {KEY}", suno={"callBackUrl": callback}, **words))
    take.rating, take.note, take.tags = 5, f"my key is {KEY}", ["slow"]
    for post in (echo, lambda _: httpx.ReadError(f"cut while sending {KEY}")):
        wire.post = post
        with pytest.raises(nb.PhaseoError) as caught:
            nb.run(nb.generate("another waltz", **words))
        shown.append(str(caught.value))
    library = nb.library()
    (tmp_path / "out").mkdir()
    library.export(tmp_path / "out" / "takes.zip")
    library.export(tmp_path / "out" / "takes")
    lists = [library, library.recent(), library.uncertain(), library.unfinished(), nb.spending()]
    shown += [repr(item) for item in (*lists, library.doctor(), library.disk_use(), take)]
    shown += [item._repr_html_() for item in lists[1:]]
    library.close()

    for name, content in everything_on_disk(home, tmp_path / "out"):
        assert SECRET.encode() not in content, name
        assert b"hooks.example.org" not in content, name
    assert SECRET not in "".join(shown)
    assert SECRET not in caplog.text
    assert {name.rpartition(".")[2] for name, _ in everything_on_disk(home)} >= {"db", "wav"}


def test_an_executed_notebook_does_not_hold_it(tmp_path, monkeypatch):
    """Executed with a key in the environment, errors and all, the saved notebook is without it."""
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PHASEO_API_KEY", KEY)
    monkeypatch.setenv("PHASEO_NB_BASE_URL", "http://127.0.0.1:9/v1")  # discard: nobody listens
    sources = [
        "%xmode Verbose\nimport phaseo_nb as nb\nsession = nb.connect()\nsession",
        "await nb.generate('a waltz', model='suno/v4.5')",
        "vars(session), session.connection, nb.MusicClient()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(notebook, timeout=60, allow_errors=True, store_widget_state=True).execute()
    text = nbformat.writes(notebook)

    assert "ConnectionFailed" in text
    assert "PHASEO_API_KEY" in text  # where it came from is said
    assert SECRET not in text


def test_a_typed_key_is_hidden_like_any_other(monkeypatch, caplog):
    """A key from a login that the gateway quotes in its refusal stays out of error and log."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("getpass.getpass", lambda question: KEY)
    login = nb.login("phaseo")
    try:
        session = nb.connect("phaseo", transport=Wire(post=echo).transport)
        with pytest.raises(nb.AuthenticationError) as caught:
            nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))
    finally:
        nb.login("phaseo", forget=True)

    assert "key from login" in repr(session)
    error = caught.value
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for text in (repr(login), repr(session), str(vars(error)), chain, caplog.text):
        assert SECRET not in text
    for thing in (error, login):
        assert SECRET.encode() not in pickle.dumps(thing)
