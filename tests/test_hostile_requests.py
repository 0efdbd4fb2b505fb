"""What users (and those who feed them) may hand in: refused before money, in one error of ours."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hostile import KEY, TEXTS, acting_signs
from wires import Wire

import phaseo_nb as nb
from phaseo_nb.settings.keys import check_key, hide

HUGE = 10**5000
NO_TIMES = [0, -1, -0.0, math.nan, math.inf, -math.inf, 10**400, HUGE, True, False, "5", [5], {}]
NO_NUMBERS = [
    *(math.nan, math.inf, -math.inf, 10**400, -(10**400), HUGE, Fraction(10**400), Decimal(3), 1j),
    *("120", b"120", [8], {"s": 8}, (8,), {8}, object(), print),
]


@pytest.fixture
def wire():
    wire = Wire()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    return wire


def refused(call):
    with pytest.raises(nb.PhaseoError) as caught:
        call()
    message = str(caught.value)
    assert acting_signs(message) == []
    assert len(message) < 1500
    return message


@pytest.mark.parametrize(
    "seconds", NO_TIMES, ids=lambda value: repr(value)[:12] if value != HUGE else "huge"
)
def test_a_time_that_is_none_is_refused_before_it_is_paid(wire, seconds):
    """An endless timeout used to be refused by the wait, with the order paid by then."""
    words = {"model": "suno/v4.5", "show": False, "timeout": seconds}

    refused(lambda: nb.run(nb.generate("a waltz", **words)))
    refused(lambda: nb.submit("a waltz", model="suno/v4.5", timeout=seconds))

    assert wire.posts == []


@pytest.mark.parametrize(
    "take",
    [0, -1, True, 1.0, "1", 2**31, 2**63, HUGE, math.nan, [], (1,)],
    ids=lambda t: str(t)[:9] if t != HUGE else "huge",
)
def test_a_number_of_a_take_that_is_none_is_refused(wire, take):
    """A take has a number that a library can hold; larger ones used to end in an OverflowError."""
    refused(lambda: nb.run(nb.generate("a waltz", model="suno/v4.5", show=False, take=take)))

    assert wire.posts == []


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("field", ["duration", "suno", "prompt", "model"])
def test_what_is_no_value_of_json_is_refused_in_one_error(value, field):
    """Numbers that no service can read, and foreign objects, never leave and never crash."""
    given = {"model": "suno/v4.5", "prompt": "a waltz", field: value}
    given |= {"suno": {"styleWeight": value}} if field == "suno" else {}
    if (field == "prompt" and value == "120") or (field == "model" and value == "120"):
        pytest.skip("text is what belongs there")

    refused(lambda: nb.MusicRequest(**given))
    refused(lambda: nb.MusicRequest.model_validate(given))


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("field", ["style_weight", "continue_at", "make_instrumental"])
def test_the_other_service_is_no_different(value, field):
    """The same holds for requests of udioapi.pro."""
    refused(lambda: nb.UdioRequest(gpt_description_prompt="a waltz", **{field: value}))


def test_endless_and_circular_objects_are_refused():
    """What holds itself, or is nested without end, is named and refused."""
    circle: dict = {}
    circle["again"] = circle
    twice: list = []
    twice += [twice, twice]

    for value in (circle, twice, {"a": [circle]}):
        message = refused(
            lambda value=value: nb.MusicRequest(model="suno/v5", prompt="x", suno={"a": value})
        )
        assert "Nested deeper" in message


@pytest.mark.parametrize(
    "name", [7, None, HUGE, (1,), "\ud800", b"x", 1.5], ids=lambda v: type(v).__name__
)
def test_names_that_are_no_text_are_refused(name):
    """Names of fields are text."""
    refused(
        lambda: nb.MusicRequest.model_validate(
            {"model": "suno/v5", "prompt": "x", "suno": {name: 1}}
        )
    )


@pytest.mark.parametrize("name", TEXTS.values(), ids=TEXTS)
def test_a_field_nobody_knows_is_named_harmlessly(name):
    """The name of an unknown field may act on a terminal; in the message it does not."""
    if name in ("", "con"):
        name = "colour"

    message = refused(
        lambda: nb.MusicRequest.model_validate({"model": "suno/v5", "prompt": "x", name[:300]: 1})
    )

    assert message.isprintable()


@pytest.mark.parametrize("words", TEXTS.values(), ids=TEXTS)
def test_a_prompt_goes_as_it_is_or_is_refused(words):
    """A prompt of any signs is posted to the letter, braces and all, or refused by a rule."""
    for make in (
        lambda: nb.MusicRequest(model="minimax/music-2.6", prompt=words, minimax={"lyrics": "la"}),
        lambda: nb.UdioRequest(gpt_description_prompt=words, model="chirp-v5"),
    ):
        request, message = made(make)
        sent = request.to_wire() if request else {}
        assert request is None or words in (sent.get("prompt"), sent.get("gpt_description_prompt"))
        assert acting_signs(message) == []


def made(make):
    """Return a request, or why there is none."""
    try:
        return make(), ""
    except nb.RequestRejected as error:
        return None, str(error)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hook/SECRET-PATH",
        "https://ann:SECRET-PATH@hooks.example.org/x",
        "http://localhost/SECRET-PATH?a=SECRET-PATH",
        "SECRET-PATH",
        "http://a b/SECRET-PATH",
        "https://u:pass/SECRET-PATH@host/",
        "https://[::1]/SECRET-PATH",
    ],
)
def test_no_message_shows_who_may_call_back(url):
    """A refused callback address is named by its host: whoever knows the rest may post to it."""
    message = refused(
        lambda: nb.UdioRequest(gpt_description_prompt="x", api="callback", callback_url=url)
    )
    assert "SECRET" not in message
    body = {"model": "suno/v5", "suno": [{"callBackUrl": url, "token": "SECRET-TOKEN"}]}
    assert "SECRET" not in refused(lambda: nb.MusicRequest.model_validate(body))
    whole = [{"callback_url": url, "token": "SECRET-TOKEN"}]
    assert "SECRET" not in refused(lambda: nb.UdioRequest.model_validate(whole))


@pytest.mark.parametrize(
    "key",
    [
        *(
            "",
            " ",
            "\n",
            "ab c9",
            "a\tb",
            "sk\x00key",
            "\x00secret9key",
            "schlüssel",
            "ключ",
            "k" * 600,
            "key\u200bkey",
        ),
        *("phaseo_v1_mk_abc_def", "a\r\nX-Evil: 1", "\ud800", "🔑" * 9, b"secret9", 7, 1.5, True),
        *([KEY], {"key": KEY}, object),
    ],
    ids=ascii,
)
def test_what_is_no_key_is_refused_without_quoting_it(key):
    """Newlines, blanks, signs of other scripts, other types: refused, and never shown."""
    message = refused(lambda: nb.connect("phaseo", api_key=key))

    for part in (key if isinstance(key, str) else "", KEY, "X-Evil", "secret9"):
        assert len(part.strip()) < 3 or part not in message


@pytest.mark.parametrize(
    "pasted",
    [
        f" {KEY}\n",
        f'"{KEY}"',
        f"'{KEY}'",
        f"`{KEY}`",
        f"“{KEY}”",
        f"Bearer {KEY}",
        f"Authorization: Bearer {KEY}",
        f"authorization:bearer {KEY}",
        f"PHASEO_API_KEY={KEY}",
        f'export PHASEO_API_KEY="{KEY}"',
        f"\ufeff{KEY}\u200b",
        f'  "Bearer {KEY}" ',
    ],
    ids=ascii,
)
def test_what_comes_along_when_a_key_is_copied_goes(pasted):
    """Quotes, names and the word before it are no part of a key."""
    key = hide(pasted)

    check_key(key, "argument")
    assert key.get_secret_value() == KEY
    assert KEY not in repr(key)


@pytest.mark.parametrize(
    "amount",
    [-1, -0.01, math.nan, math.inf, True, "5", [], HUGE, 10**400, 1e10],
    ids=lambda v: type(v).__name__,
)
def test_an_amount_that_is_none_is_one_error(amount, tmp_path):
    """A budget is a sum of money; nothing else is taken for one."""
    refused(lambda: nb.connect("sandbox", budget_usd=amount))
    refused(lambda: nb.Library(tmp_path / "x").set_budget(amount, per="day"))


@pytest.mark.parametrize(
    "n", [0, -1, True, 1.0, "1", None, 2**63, HUGE, math.nan], ids=lambda v: type(v).__name__
)
def test_a_number_of_takes_that_is_none_is_one_error(n, tmp_path):
    """How many takes are wanted is a number that a library can hold."""
    refused(lambda: nb.Library(tmp_path / "x").recent(n))


@pytest.mark.parametrize(
    "name",
    ["\ud800", "a\x00b", "", HUGE, None, 7, b"x", "é" * 5000, "' OR 1=1 --"],
    ids=lambda v: type(v).__name__,
)
def test_a_name_of_a_take_that_is_none_is_one_error(name, tmp_path):
    """Half a character in an id used to end in an encoding error from inside the library."""
    refused(lambda: nb.Library(tmp_path / "x").get(name))
