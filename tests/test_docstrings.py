"""Public docstrings hold what a caller must know, and their examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import phaseo_nb as nb

pytestmark = pytest.mark.full_songs

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(nb.__path__, "phaseo_nb.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["phaseo_nb", *MODULES])
def test_examples_run(name):
    """Every example in a docstring gives what it shows."""
    module = importlib.import_module(name)

    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)

    assert failed == 0


def test_there_are_examples():
    """The test above has examples to run in the places a newcomer looks first."""
    for function in (nb.generate, nb.submit, nb.connect, nb.run, nb.resume):
        assert ">>>" in inspect.getdoc(function)


@pytest.mark.parametrize("name", [n for n in nb.__all__ if n != "__version__"])
def test_everything_public_says_what_it_is(name):
    """Each public name has a docstring that begins with one sentence."""
    text = inspect.getdoc(getattr(nb, name))

    assert text
    assert re.match(r"[^\n]+[.:;]?\n?", text)
    assert text.split("\n")[0].strip().endswith((".", ":"))


def public_callables():
    for name in nb.__all__:
        thing = getattr(nb, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and thing.__module__.startswith("phaseo_nb"):
            for attribute, member in vars(thing).items():
                if inspect.isfunction(member) and not attribute.startswith("_"):
                    yield f"{name}.{attribute}", member


PUBLIC = dict(public_callables())


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions_are_documented(name):
    """Functions and methods have a docstring; those with several arguments describe them."""
    function = PUBLIC[name]
    text = inspect.getdoc(function)
    arguments = [p for p in inspect.signature(function).parameters if p != "self"]

    assert text, name
    if len(arguments) > 3 and "Takes the words of" not in text:
        assert "Parameters" in text, name
