"""``login``: a key typed by hand, for this kernel or, where asked for, for the keyring.

The key goes from the person to ``settings.keys`` as a ``SecretStr``: no function here has it in
plain sight, so no traceback can print it, and nothing that is shown, saved or pickled holds it.
"""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from .errors import SettingsError
from .settings import WIRES, in_sandbox_mode, resolve_gateway
from .settings.keys import (
    KEYRING_SERVICE,
    check_key,
    enter_key,
    forget_key,
    hide,
    is_phaseo_key,
    remove_from_keyring,
    store_in_keyring,
    stored_key,
)

if TYPE_CHECKING:
    from .forms.key_field import KeyField

_NO_KEY_READ = "PHASEO_NB_MODE=sandbox holds here: no key is read, and none is needed"
_NO_KEY_NEEDED = 'The sandbox needs no key: `nb.connect("sandbox")`.'
_NO_SUCH_SERVICE = (
    'Log in to "phaseo" or "udio": `nb.login("phaseo")`. The key itself is asked for after that. '
    "If it stands in the cell, take it out: what is in a cell is saved."
)


class Login:
    """What came of a login: which key is in use and where it came from, never the key."""

    def __init__(self, said: str, field: KeyField | None = None) -> None:
        self._said = said
        self._field = field
        self._cell_run = _cell_run() if field is not None else None

    def __repr__(self) -> str:
        return f"<Login {self._field.said if self._field is not None else self._said}>"

    def _ipython_display_(self) -> None:
        """Print it, but not under the field in whose cell it was made: that says it already."""
        if self._field is not None and self._cell_run == _cell_run():
            return
        from IPython.display import display

        display({"text/plain": repr(self)}, raw=True)  # type: ignore[no-untyped-call]


def login(
    gateway: str | None = None,
    *,
    remember: bool = False,
    forget: bool = False,
    field: bool | None = None,
) -> Login:
    """Ask for an API key and use it in this kernel; say where the key in use comes from.

    A typed key comes before environment and keyring, and after ``connect(api_key=…)``. Sessions
    that are connected already keep theirs: run ``nb.connect()`` again. In a notebook the cell ends
    at once and shows a field, elsewhere the key is asked for without echo. Nothing is sent.

    Parameters
    ----------
    gateway
        Whose key it is: ``"phaseo"`` or ``"udio"``. Without it Phaseo's, or the one chosen in the
        field.
    remember
        Store the key in the keyring of the machine the kernel runs on, too, for later kernels
        (needs the package ``keyring``). With ``forget``: remove it from there, too.
    forget
        Drop the typed key instead of asking for one; without ``gateway``, of both services.
    field
        True shows the field, False asks without one. Default: the field where widgets are shown.

    Returns
    -------
    Login
        Prints which key is in use.

    Raises
    ------
    SettingsError
        No such gateway; what was typed cannot be a key of it; or nobody can type one here and
        there is none to fall back on. No message quotes a key.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> nb.login("phaseo", forget=True)
    <Login phaseo: nothing to forget, no key>
    """
    wire = next((name for name in (None, *WIRES, "sandbox") if name == gateway), "")
    del gateway  # a verbose traceback prints it, and it may be the key itself, misplaced
    if wire in ("", "sandbox"):
        raise SettingsError(_NO_KEY_NEEDED if wire else _NO_SUCH_SERVICE)
    if forget:
        return Login(_forget(wire, everywhere=remember))
    if in_sandbox_mode():
        return Login(_NO_KEY_READ)
    if field or (field is None and _has_widgets()):
        return _show_field(wire, remember)
    return _ask(wire, remember)


# -- two ways to ask -----------------------------------------------------------------------------


def _ask(wire: str | None, remember: bool) -> Login:
    """Ask without echo; blocks until there is an answer. An empty one changes nothing."""
    now = _in_use(wire)
    keeps = f" (now: {now}; Enter keeps it)" if now else ""
    try:
        with warnings.catch_warnings():
            # Where the echo cannot be switched off, getpass warns and reads the key in plain sight.
            warnings.simplefilter("error", getpass.GetPassWarning)
            key = hide(getpass.getpass(f"API key for {wire or 'phaseo'}{keeps}: "))
    except (NotImplementedError, EOFError, OSError, getpass.GetPassWarning) as error:
        if now:
            return Login(now)
        raise SettingsError(_nobody_answers(wire or "phaseo")) from error
    assert key is not None
    if now and not key.get_secret_value():
        return Login(f"{now}, unchanged")
    found = accept(key, wire)
    return Login(f"{_described(found)}, {store(found, key) if remember else 'this kernel only'}")


def _nobody_answers(wire: str) -> str:
    variable = WIRES[wire].key_variable
    return (
        "Nobody can type a key here: there is no terminal and no notebook that would ask. Set the "
        f"environment variable {variable} before the kernel starts, or store the key once with "
        f'`keyring set {KEYRING_SERVICE} {variable}`. Without any key: `nb.connect("sandbox")`.'
    )


def _show_field(wire: str | None, remember: bool) -> Login:
    try:
        from .forms.key_field import KeyField
    except ImportError as error:
        message = (
            "The field needs the packages ipywidgets and anywidget. Without them: "
            "`nb.login(field=False)`."
        )
        raise SettingsError(message) from error
    from IPython.display import display

    field = KeyField(wire, remember, _in_use(wire))
    display(field)  # type: ignore[no-untyped-call]
    return Login("", field)


# -- the key that came -----------------------------------------------------------------------------


def accept(key: SecretStr, wire: str | None) -> str:
    """Judge a typed key, keep it for this process and return whose it is.

    Raises
    ------
    SettingsError
        It cannot be a key, or belongs to another service than the one named.
    """
    check_key(key, "login")
    if wire == "udio" and is_phaseo_key(key):
        message = (
            "This is a key of Phaseo, and a key must not go to the wrong service. For that one: "
            '`nb.login("phaseo")`.'
        )
        raise SettingsError(message)
    if wire is None and not is_phaseo_key(key):
        message = (
            "This does not begin as keys of Phaseo do (`phaseo_v1_`), and a key must not go to "
            "the wrong service. For udioapi.pro choose it in the field or run "
            '`nb.login("udio")`; for another gateway that speaks as Phaseo does, '
            '`nb.login("phaseo")`.'
        )
        raise SettingsError(message)
    name = wire or "phaseo"
    enter_key(WIRES[name].key_variable, key)
    return name


def store(wire: str, key: SecretStr) -> str:
    """Store a key in the keyring and say where it is kept now; may wait for a person."""
    problem = store_in_keyring(WIRES[wire].key_variable, key)
    return f"this kernel only, because {problem}" if problem else "stored in the keyring, too"


def connected_to() -> str | None:
    """Return what the notebook is connected to and stays connected to, if it is."""
    connecting = sys.modules.get(f"{__package__}.connecting")
    session = getattr(connecting, "_default", None)
    return None if session is None else str(session.connection.describe())


def _forget(wire: str | None, *, everywhere: bool) -> str:
    said = []
    for name in [wire] if wire else list(WIRES):
        variable = WIRES[name].key_variable
        gone = ["typed key"] if forget_key(variable) else []
        if everywhere and remove_from_keyring(variable):
            gone.append("key in the keyring")
        done = f"{' and '.join(gone)} forgotten" if gone else "nothing to forget"
        now = stored_key(variable)
        said.append(f"{name}: {done}, {f'now key from {now[1]}' if now else 'no key'}")
    return "; ".join(said)


def _in_use(wire: str | None) -> str | None:
    """Say which key would be used now, such as ``phaseo: key from keyring``."""
    if wire is None:
        wire = resolve_gateway().value
    return _described(wire) if wire in WIRES and stored_key(WIRES[wire].key_variable) else None


def _described(wire: str) -> str:
    found = stored_key(WIRES[wire].key_variable)
    return f"{wire}: key from {found[1]}" if found else f"{wire}: no key"


# -- where we are ----------------------------------------------------------------------------------


def _has_widgets() -> bool:
    from .forms.look import is_unproven
    from .live import can_watch

    if not can_watch() or is_unproven():  # a key that is typed into nothing would be a dead end
        return False
    try:
        import anywidget  # noqa: F401
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def _cell_run() -> Any:
    from .takes import cell_run

    return cell_run()
