"""Logging in: a key is typed once, used, named by its origin, and nowhere to be seen."""

from __future__ import annotations

import getpass
import json
import logging
import pickle
import re
import subprocess
import sys
import threading
import traceback
import warnings
from types import ModuleType

import httpx
import pytest
from test_cards import Page

import phaseo_nb as nb
from phaseo_nb.forms.key_field import KeyField
from phaseo_nb.settings import WIRES, keys, resolve_connection

SECRET = "OnlyTheServiceMayKnowThis"
KEY = f"phaseo_v1_sk_abcdef123456_{SECRET}"
OTHER = "phaseo_v1_sk_abcdef123456_another"
UDIO_KEY = f"udio-{SECRET}"


@pytest.fixture(autouse=True)
def logged_out():
    """No key typed in one test is there in the next."""
    yield
    for wire in WIRES.values():
        keys.forget_key(wire.key_variable)


@pytest.fixture
def typed(monkeypatch):
    """Answers that a person will type, in turn, with the questions they were asked."""

    class Person(list):
        asked = ()

        def answer(self, question):
            self.asked = (*self.asked, question)
            if not self:
                raise NotImplementedError("this frontend does not support input requests")
            return self.pop(0)

    person = Person()
    monkeypatch.setattr(getpass, "getpass", person.answer)
    return person


@pytest.fixture
def keyring(monkeypatch):
    """A keyring package as people install it; the dictionary is what it holds."""
    module, stored = ModuleType("keyring"), {}
    module.get_password = lambda service, name: stored.get((service, name))
    module.set_password = lambda service, name, key: stored.update({(service, name): key})
    module.delete_password = lambda service, name: stored.pop((service, name))
    monkeypatch.setitem(sys.modules, "keyring", module)
    return stored


@pytest.fixture
def no_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)


class Front:
    """The page's end of a field: enters keys, and hears what the field says."""

    def __init__(self, field):
        self.field, self.heard = field, []
        field.send = lambda content, buffers=None: self.heard.append(content)

    def send(self, content, *buffers):
        data = {"method": "custom", "content": content}
        message = {"content": {"data": data}, "buffers": list(map(memoryview, buffers))}
        self.field._handle_msg(message)
        return self.heard[-1]

    def enter(self, key, service="phaseo"):
        return self.send({"kind": "key", "service": service}, key.encode())


def origin(gateway="phaseo"):
    return resolve_connection(gateway).key_origin


# -- where a key comes from --------------------------------------------------------------------


def test_a_typed_key_is_used_and_named_by_its_origin(typed):
    """After a login the next connection uses the key, and says that it is from login."""
    typed.append(KEY)

    said = repr(nb.login())

    assert said == "<Login phaseo: key from login, this kernel only>"
    connection = resolve_connection()
    assert connection.name == "phaseo"
    assert connection.key.get_secret_value() == KEY
    assert connection.describe() == "phaseo at https://api.phaseo.app/v1, key from login"
    assert typed.asked == ("API key for phaseo: ",)


def test_the_order_of_sources(typed, keyring, monkeypatch):
    """An argument goes before a typed key, that before the environment, that before a keyring."""
    keyring["phaseo-nb", "PHASEO_API_KEY"] = OTHER
    assert origin() == "keyring"
    monkeypatch.setenv("PHASEO_API_KEY", OTHER)
    assert origin() == "PHASEO_API_KEY"
    typed.append(KEY)
    nb.login("phaseo")

    assert origin() == "login"
    assert resolve_connection("phaseo", api_key=OTHER).key_origin == "argument"


def test_auto_follows_the_key_that_was_typed_last(typed, monkeypatch):
    """Whoever types a key wants it used, whichever other keys there are."""
    monkeypatch.setenv("PHASEO_API_KEY", OTHER)
    typed += [UDIO_KEY, KEY, UDIO_KEY]

    for gateway in ("udio", "phaseo", "udio"):
        nb.login(gateway)
        assert (resolve_connection().name, origin(gateway)) == (gateway, "login")


def test_the_key_in_use_is_named_before_another_is_asked_for(typed, monkeypatch):
    """The question says where the present key came from; an empty answer keeps it."""
    monkeypatch.setenv("PHASEO_API_KEY", OTHER)
    typed.append("")

    said = repr(nb.login())

    assert "now: phaseo: key from PHASEO_API_KEY; Enter keeps it" in typed.asked[0]
    assert said == "<Login phaseo: key from PHASEO_API_KEY, unchanged>"
    assert origin() == "PHASEO_API_KEY"


def test_sandbox_mode_asks_for_nothing(typed, monkeypatch):
    """Where nothing may be paid no key is asked for, and none is read."""
    monkeypatch.setenv("PHASEO_NB_MODE", "sandbox")
    typed.append(KEY)

    assert "no key is read" in repr(nb.login())

    assert typed.asked == ()


def test_forgetting(typed, monkeypatch):
    """A typed key can be dropped; what is used then is said."""
    monkeypatch.setenv("PHASEO_API_KEY", OTHER)
    typed += [KEY, UDIO_KEY]
    nb.login("phaseo")
    nb.login("udio")

    assert repr(nb.login(forget=True)) == (
        "<Login phaseo: typed key forgotten, now key from PHASEO_API_KEY; "
        "udio: typed key forgotten, no key>"
    )

    assert origin() == "PHASEO_API_KEY"
    assert repr(nb.login("udio", forget=True)) == "<Login udio: nothing to forget, no key>"


# -- the keyring ---------------------------------------------------------------------------------


def test_remembering(typed, keyring):
    """remember=True stores the key where later kernels find it, and forget takes it out again."""
    typed.append(KEY)

    assert repr(nb.login(remember=True)).endswith("key from login, stored in the keyring, too>")

    assert keyring == {("phaseo-nb", "PHASEO_API_KEY"): KEY}
    keys.forget_key("PHASEO_API_KEY")  # as in another kernel
    assert origin() == "keyring"
    said = repr(nb.login("phaseo", forget=True, remember=True))
    assert said == "<Login phaseo: key in the keyring forgotten, no key>"
    assert keyring == {}


def test_without_the_package_it_is_kept_for_this_kernel(typed, no_keyring):
    """Where keyring is missing the key works all the same, and how to get it is said."""
    typed.append(KEY)

    said = repr(nb.login(remember=True))

    assert "this kernel only, because" in said
    assert "pip install keyring" in said
    assert origin() == "login"


def fails(*_):
    raise RuntimeError(f"no backend for {KEY}")


@pytest.mark.parametrize("set_password", [fails, lambda *_: None], ids=["fails", "keeps nothing"])
def test_a_keyring_that_does_not_work_is_not_claimed(typed, keyring, monkeypatch, set_password):
    """A keyring that raises, or takes a key and keeps nothing, is said not to have it."""
    monkeypatch.setattr(sys.modules["keyring"], "set_password", set_password)
    typed.append(KEY)

    said = repr(nb.login(remember=True))

    assert re.search("this kernel only, because (no|the) keyring", said)
    assert SECRET not in said


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gateway", "key", "why"),
    [
        (None, "", "is empty"),
        (None, f"{KEY} {KEY}", "has a blank"),
        (None, f"phaseo_v1_mk_{SECRET}", "management key"),
        (None, UDIO_KEY, r'nb\.login\("udio"\)'),
        ("udio", KEY, "key of Phaseo"),
    ],
)
def test_what_cannot_be_the_key_is_refused_without_quoting_it(typed, gateway, key, why):
    """The error says what is wrong and what to do; nothing of the key is kept or shown."""
    typed.append(key)

    with pytest.raises(nb.SettingsError, match=why) as caught:
        nb.login(gateway)

    assert keys.entered() == []
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_verbose_traceback_holds_no_key(typed):
    """No frame of ours has the plain key in a local variable, not even a misplaced one."""
    typed.append(f"{KEY} {KEY}")
    shown = []
    for argument in (None, KEY):
        with pytest.raises(nb.SettingsError) as caught:
            nb.login(argument)
        shown.append(str(caught.value))
        frame = caught.tb.tb_next
        while frame is not None:
            shown.append(repr(frame.tb_frame.f_locals))
            frame = frame.tb_next

    assert "SecretStr" in "".join(shown)
    assert SECRET not in "".join(shown)
    with pytest.raises(nb.SettingsError) as caught:
        nb.connect(KEY)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("gateway", "why"), [("suno", "phaseo"), ("sandbox", "needs no key")])
def test_services_that_have_no_login(typed, gateway, why):
    """The error names the services there are, or says that none is needed."""
    with pytest.raises(nb.SettingsError, match=why):
        nb.login(gateway)
    assert typed.asked == ()


def test_where_nobody_answers_the_other_ways_are_named(typed):
    """Without a terminal or notebook the error names variable, keyring and sandbox."""
    with pytest.raises(nb.SettingsError, match="Nobody can type") as caught:
        nb.login("udio")

    for way in ("UDIOAPI_KEY", "keyring set phaseo-nb UDIOAPI_KEY", 'nb.connect("sandbox")'):
        assert way in str(caught.value)


def test_where_nobody_answers_a_key_that_is_there_will_do(typed, monkeypatch):
    """A program that logs in goes on with the key of its environment."""
    monkeypatch.setenv("UDIOAPI_KEY", UDIO_KEY)

    assert repr(nb.login()) == "<Login udio: key from UDIOAPI_KEY>"


def test_nothing_is_typed_in_plain_sight(monkeypatch):
    """Where the terminal would show the key as it is typed, it is not asked for."""

    def getpass_with_echo(prompt):
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        pytest.fail("the key was read")

    monkeypatch.setattr(getpass, "getpass", getpass_with_echo)

    with pytest.raises(nb.SettingsError, match="Nobody can type"):
        nb.login()


def test_the_missing_key_error_names_the_login():
    """Whoever connects without a key learns of the login."""
    with pytest.raises(nb.SettingsError, match=r'nb\.login\("udio"\)'):
        nb.connect("udio")


# -- the field -----------------------------------------------------------------------------------


def test_the_field_takes_a_key():
    """A key that comes from the page is used; the answer says so, and what to run next."""
    front = Front(KeyField())
    assert front.send({"kind": "look"})["words"] == "No key yet."

    answer = front.enter(f"  {KEY}\n")

    assert (answer["tone"], answer["code"]) == ("good", 'nb.connect("phaseo")')
    assert answer["words"] == "Key for Phaseo entered, this kernel only. Next:"
    assert front.send({"kind": "look"}) == answer  # as a second view asks
    assert resolve_connection("phaseo").key.get_secret_value() == KEY
    assert repr(front.field) == "<KeyField phaseo: key from login, this kernel only>"


def test_the_field_says_that_the_notebook_is_still_connected():
    """A session keeps its gateway; the answer names it and the line that changes over."""
    nb.connect("sandbox")

    answer = Front(KeyField("udio")).enter(UDIO_KEY, "udio")

    assert "Still connected: sandbox (offline, free)" in answer["words"]
    assert answer["code"] == 'nb.connect("udio")'


def test_the_field_asks_for_the_service_only_where_it_is_open():
    """With a named gateway there is nothing to choose; without, a key must fit the choice."""
    assert KeyField("udio").services == [["udio", "udioapi.pro"]]
    front = Front(KeyField())
    assert [name for name, _ in front.field.services] == list(WIRES)

    for key, service in ((UDIO_KEY, "phaseo"), (KEY, "udio")):
        answer = front.enter(key, service)
        assert answer["tone"] == "bad"
        assert "wrong service" in answer["words"]
    assert keys.entered() == []

    front.enter(UDIO_KEY, "udio")
    assert origin("udio") == "login"
    Front(KeyField("phaseo")).enter("key-of-a-gateway-of-our-own")
    assert origin("phaseo") == "login"


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        ({"kind": "key"}, []),
        ({"kind": "key", "service": ["udio"]}, [b""]),
        ({"kind": "key", "service": {}}, [b"\xff\xfe" + SECRET.encode()]),
        ({"kind": "key"}, [SECRET.encode() * 10_000]),
        ({"kind": "key", "service": "phaseo"}, [f"{SECRET} {SECRET}".encode()]),
        ({}, []),
        (None, [SECRET.encode()]),
        ([SECRET], []),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_field_never_raises_and_never_quotes(content, buffers):
    """Whatever comes, the answer is words: an error would print the frames that hold a message."""
    front = Front(KeyField())

    answer = front.send(content, *buffers)

    assert answer["kind"] == "status"
    assert SECRET not in str(front.heard)
    assert keys.entered() == []


def test_an_error_nobody_expected_is_named_only(monkeypatch, caplog):
    """If all else fails, page and log get the kind of the error and nothing more."""
    monkeypatch.setattr("phaseo_nb.forms.key_field.accept", lambda key, wire: fails())
    front = Front(KeyField())

    assert front.enter(KEY)["words"] == "This did not work (RuntimeError)."

    assert SECRET not in caplog.text
    assert "RuntimeError" in caplog.text


def test_the_field_does_not_wait_for_the_keyring(keyring, monkeypatch):
    """A keyring may ask a person to unlock it; the key works meanwhile, from any thread."""
    unlocked, put = threading.Event(), sys.modules["keyring"].set_password

    def set_password(*words):
        assert unlocked.wait(20)
        put(*words)

    monkeypatch.setattr(sys.modules["keyring"], "set_password", set_password)
    front = Front(KeyField("phaseo", remember=True))
    thread = threading.Thread(target=front.enter, args=[KEY])
    thread.start()
    thread.join(20)

    assert "Storing" in front.heard[-1]["words"]
    assert origin() == "login"
    unlocked.set()
    front.field.work.result(20)
    assert "stored in the keyring, too" in front.heard[-1]["words"]
    assert keyring == {("phaseo-nb", "PHASEO_API_KEY"): KEY}


def test_nothing_of_the_field_holds_the_key(typed):
    """State, traits, repr, twins and pickles of field and login are without it; twins say why."""
    front = Front(KeyField())
    front.enter(KEY)
    typed.append(KEY)
    login = nb.login()
    data, _ = front.field._repr_mimebundle_()

    shown = [front.field.get_state(), front.field.trait_values(), vars(login), front.heard]
    assert SECRET not in "".join(map(str, [*shown, data, front.field, login]))
    assert SECRET.encode() not in pickle.dumps(login)
    assert "PHASEO_API_KEY" in data["text/plain"]
    assert "nb.login(field=False)" in Page(data["text/html"]).text


def test_the_comm_layer_logs_no_key(caplog):
    """With the whole log switched on, what the page sends is not in it."""
    caplog.set_level(logging.DEBUG)
    field = KeyField()
    data = {"method": "custom", "content": {"kind": "key", "service": "phaseo"}}
    message = {"content": {"data": data}, "buffers": [memoryview(KEY.encode())]}

    field.comm.handle_msg(message)

    assert origin() == "login"
    assert "handle_msg" in caplog.text  # the layer does log messages
    assert SECRET not in caplog.text


def test_importing_loads_no_widgets():
    """The room of the login is entered without ipywidgets, anywidget, httpx or numpy."""
    code = "import sys, phaseo_nb.key_entry; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"ipywidgets", "anywidget", "IPython", "httpx", "numpy"} & set(out.stdout.split())


# -- executed notebooks --------------------------------------------------------------------------


def execute(cwd, *sources, between=None):
    """Run a notebook as nbclient does, widget state saved; ``between`` acts after the first."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    client = NotebookClient(notebook, timeout=60, allow_errors=True, store_widget_state=True)
    with client.setup_kernel(cwd=cwd):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
            if number == 0 and between:
                between(client, cell)
        client.set_widgets_metadata()
    return notebook, nbformat.writes(notebook)


def enter_key(client, cell):
    """Send what the page sends, to the field that the cell shows."""
    view = "application/vnd.jupyter.widget-view+json"
    (model,) = [o["data"][view]["model_id"] for o in cell.outputs if view in o.get("data", {})]
    data = {"method": "custom", "content": {"kind": "key", "service": "phaseo"}}
    message = client.kc.session.msg("comm_msg", {"comm_id": model, "data": data})
    channel = client.kc.shell_channel
    client.kc.session.send(channel.socket, message, buffers=[KEY.encode()])


def test_an_executed_notebook_saves_no_key(tmp_path, caplog):
    """With widget state saved, verbose errors and all logs on, the notebook has no key."""
    caplog.set_level(logging.DEBUG)
    notebook, text = execute(
        tmp_path,
        "%xmode Verbose\n"
        "import logging; logging.basicConfig(level=logging.DEBUG, filename='kernel.log')\n"
        "import phaseo_nb as nb\nlogin = nb.login(field=True)\nlogin",
        "session = nb.connect()\nsession",
        "login",
        "nb.connect('phaseo', base_url='ftp://example.org')",
        "In, Out, vars(login), vars(session.connection), login._field.get_state()",
        between=enter_key,
    )

    cells = [json.dumps(cell.outputs) for cell in notebook.cells]
    assert "<Login" not in cells[0]  # the field says it
    assert "key from login" in cells[1]
    assert "<Login phaseo: key from login, this kernel only>" in cells[2]
    assert "SettingsError" in cells[3]
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert "AnyModel" in {state["model_name"] for state in states.values()}
    assert SECRET not in text + caplog.text
    assert "handle_msg" in (tmp_path / "kernel.log").read_text()  # messages are logged there
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_an_executed_notebook_has_nobody_to_ask(tmp_path):
    """Under nbclient a login ends at once with the ways there are, not in a wait for ever."""
    notebook, _ = execute(tmp_path, "import phaseo_nb as nb\nnb.login()")

    (output,) = notebook.cells[0].outputs
    assert output["ename"] == "SettingsError"
    assert "PHASEO_API_KEY" in output["evalue"]


def test_a_typed_key_reaches_the_service(typed):
    """The request carries the key that was typed."""
    from wires import Wire

    wire = Wire()
    typed.append(KEY)
    nb.login()
    session = nb.connect("phaseo", transport=wire.transport)
    nb.run(nb.generate("a waltz", model="suno/v4.5", show=False))

    assert wire.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "key from login" in repr(session)
    assert isinstance(wire.transport, httpx.AsyncBaseTransport)
