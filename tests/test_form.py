"""The form in the kernel: what is typed becomes the request, or words at the control."""

from __future__ import annotations

import ast
import asyncio
import json
import time

import httpx
import pytest
from forms_by_hand import Hand
from paid_service import until
from test_cards import EVIL
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb.forms.drafts import read_draft
from phaseo_nb.forms.panels import FIELDS, PANELS, WORD_NAMES
from phaseo_nb.requests import build_request
from phaseo_nb.requests._base import WireModel
from phaseo_nb.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("quick")

SUNO = "suno/v4.5"


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def phaseo(wire):
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    session._client.poll = lambda interval: iter(lambda: 0.02, None)
    return session


@pytest.fixture
def sandbox():
    return nb.connect("sandbox")


# -- every field of the contract -------------------------------------------------------------------


def leaves(model, home=""):
    """Names of everything a request model takes, nested models included."""
    for name in model.model_fields:
        inner = model._parts().get(name)
        full = f"{home}{name}"
        if inner is not None and issubclass(inner, WireModel):
            yield from leaves(inner, f"{full}.")
        else:
            yield full


SAID_AS_WORDS = {"lyrics", "is_instrumental", "model", "prompt", "duration", "format"}


@pytest.mark.parametrize("model", [nb.MusicRequest, nb.UdioRequest])
def test_every_field_of_a_request_has_a_control(model):
    """Nothing a service takes is left out: each field is a word or a control of a panel."""
    home = "udio." if model is nb.UdioRequest else ""
    prices = {name.rpartition(".")[0] for name in FIELDS if ".max_price." in name}

    missing = {home + name for name in leaves(model)} - set(FIELDS) - prices

    assert missing == ({"is_instrumental"} if not home else set())  # the word is `instrumental`


def test_labels_of_one_panel_are_all_different():
    """Within a group no two controls bear the same name, so that each can be found by it."""
    for panel in PANELS:
        labels = [field.label for field in panel.fields]
        assert len(set(labels)) == len(labels)


def test_controls_are_typed():
    """Numbers, choices, yes-or-no, lists, files and JSON have controls of their kind."""
    kinds = {name: FIELDS[name].kind for name in FIELDS}

    assert kinds["duration"] == "integer"
    assert kinds["suno.style_weight"] == "number"
    assert kinds["suno.custom_mode"] == "flag"
    assert kinds["routing.only"] == "list"
    assert kinds["elevenlabs.composition_plan"] == "object"
    assert kinds["minimax.audio_base64"] == "file"
    assert [value for value, _ in FIELDS["minimax.audio_setting.sample_rate"].choices] == [
        "", "16000", "24000", "32000", "44100",
    ]  # fmt: skip


# -- validation ------------------------------------------------------------------------------------

REFUSED = [
    ({"prompt": "a waltz", "duration": "0"}, "sandbox/band"),
    ({"prompt": "a waltz", "duration": "eight"}, "sandbox/band"),
    ({"prompt": "a waltz", "suno__style_weight": "1.2"}, SUNO),
    ({"prompt": "a waltz", "suno__call_back_url": "nowhere"}, SUNO),
    ({"prompt": "a waltz", "elevenlabs__music_length_ms": "-3"}, "eleven-labs/music"),
    ({"prompt": "a waltz", "minimax__stream": "true"}, "minimax/music-2.6"),
    ({"prompt": "a waltz", "routing__quantizations": "int8"}, "minimax/music-2.6"),
    ({"prompt": "x" * 2001}, "minimax/music-2.6"),
]


@pytest.mark.parametrize(("texts", "model"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_said_at_a_control_are_the_words_of_the_request_model(sandbox, texts, model):
    """A wrong value is refused at its control, in exactly the words of RequestRejected."""
    hand = Hand(model=model)
    hand.type(**texts)
    draft = hand.form.draft()
    words = dict(draft.words)

    with pytest.raises(nb.RequestRejected) as refused:
        build_request("phaseo", words.pop("prompt", None), **words)
    (issue,) = refused.value.issues
    ((name, said),) = draft.problems.items()

    assert said == issue.expected
    assert hand.problem(name) == said
    assert name.rpartition(".")[2].replace("_", "") in issue.field.lower().replace("_", "")


def test_incomplete_custom_mode_is_said_at_the_title_and_nothing_is_sent(phaseo, wire):
    """Suno's custom mode without a title: a message at Title, and Generate sends nothing."""
    hand = Hand(model=SUNO)
    hand.type(prompt="a waltz", suno__custom_mode="true", suno__style="jazz")

    assert "suno.title" in hand.problem("title")
    assert hand.problem("suno.title") == hand.problem("title")
    hand.click("generate")

    assert wire.posts == []
    assert "Not sent" in hand.state
    assert hand.parts._of["title"].focused.endswith(" title")


def test_an_untouched_form_does_not_complain(sandbox):
    """What is still empty is no mistake before anything was typed; pressing Generate says it."""
    hand = Hand()
    assert hand.problem("prompt") is None

    hand.click("generate")

    assert hand.problem("prompt")
    assert hand.parts._of["prompt"].focused.endswith(" prompt")


def test_a_message_goes_when_the_value_is_mended(sandbox):
    """The message at a control stands as long as its cause."""
    hand = Hand("a waltz")
    hand.type(duration="-1")
    assert hand.problem("duration")

    hand.type(duration="8")

    assert hand.problem("duration") is None
    assert hand.form.request.duration == 8


@pytest.mark.parametrize("text", ["0", "-1", "first", "1.5"])
def test_a_take_is_a_number_from_one(phaseo, wire, text):
    """What is no take is refused at its control, as generate() would refuse it."""
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.type(take=text)
    hand.click("generate")

    assert "a number from 1" in hand.problem("take")
    assert wire.posts == []
    with pytest.raises(nb.RequestRejected, match="take"):
        hand.form.request  # noqa: B018


def test_what_the_model_ignores_is_out_of_use_and_not_sent(sandbox):
    """A control that the chosen model ignores says why; what stood in it waits for another one."""
    hand = Hand("a waltz", duration=8)
    hand.type(model=SUNO)

    assert "decides the length itself" in hand.unused("duration")
    assert "Not used by" in hand.unused("minimax.lyrics")
    assert hand.unused("suno.title") is None
    assert "duration" not in hand.form.request.to_wire()
    hand.type(model="sandbox/band")
    assert hand.form.request.to_wire()["duration"] == 8


def test_what_was_made_up_is_said_at_its_control(sandbox):
    """A title that the form had to take from the prompt is shown at Title before it is sent."""
    hand = Hand("Warm jazz trio", model=SUNO, style="jazz")

    assert "was taken from the prompt" in hand.note("title")


def test_broken_json_is_said_with_its_place(sandbox):
    """A composition plan that is no JSON yet says line and column, and nothing is sent."""
    hand = Hand("a waltz", model="eleven-labs/music")
    hand.put("elevenlabs.composition_plan", '{\n  "sections": [}')

    assert "line 2, column 16" in hand.problem("elevenlabs.composition_plan")
    with pytest.raises(nb.RequestRejected):
        hand.form.generate()


# -- code and request ------------------------------------------------------------------------------

FILLED = [
    ("sandbox", {"prompt": "a \"waltz\"\nfor two", "duration": "8", "format": "wav"}),
    ("sandbox", {"model": SUNO, "prompt": "a waltz", "lyrics": "[Verse]\nla", "voice": "f"}),
    ("sandbox", {"model": SUNO, "prompt": "a waltz", "suno.style_weight": "0.25"}),
    ("sandbox", {"model": "minimax/music-2.6", "prompt": "a waltz", "instrumental": "true",
                 "minimax.audio_setting.bitrate": "128000", "routing.only": "minimax, suno",
                 "routing.max_price.request": "0.2", "debug.trace_level": "full"}),
    ("sandbox", {"model": "eleven-labs/music", "prompt": "a waltz",
                 "elevenlabs.composition_plan": '{"sections": [{"duration_ms": 1000}]}'}),
    ("sandbox", {"prompt": "a waltz", "beta": '{"openai": {"websocket_mode": true}}',
                 "meta": "true", "echo_upstream_request": "false"}),
    ("udio", {"prompt": "a waltz", "lyrics": "la", "udio.style_weight": "0.5", "take": "2"}),
]  # fmt: skip


@pytest.mark.parametrize(("gateway", "texts"), FILLED, ids=lambda value: str(value)[:50])
def test_the_line_of_code_makes_the_same_request(gateway, texts, monkeypatch):
    """Running what to_code() gives hands in exactly the form's request."""
    more = {"transport": Sandbox().transport} if gateway == "udio" else {}
    session = nb.connect(gateway, **more)
    hand = Hand()
    for name, text in texts.items():
        hand.put(name, text)
    handed_in = []
    monkeypatch.setattr(
        type(session),
        "start",
        lambda self, prompt=None, *, request=None, take=None, fresh=False, timeout=None, **words: (
            handed_in.append((self._request(prompt, request, words)[0], take)) or stop()
        ),
    )

    source = hand.form.to_code()
    code = compile(source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with pytest.raises(Stopped):
        asyncio.run(eval(code, {"nb": nb}))

    request, take = handed_in[0]
    assert request == hand.form.request
    assert take == (2 if "take" in texts else None)


class Stopped(Exception):
    pass


def stop():
    raise Stopped


def test_a_form_can_be_filled_with_every_word_of_generate(sandbox):
    """What generate() takes, the form takes: options as dicts or models, a provider's name."""
    form = nb.MusicForm(
        "a waltz",
        model=SUNO,
        style="jazz",
        title="Tide",
        instrumental=True,
        suno={"styleWeight": 0.5, "negative_tags": "drums"},
        provider="suno",
        routing=nb.ProviderRouting(max_price={"request": 0.1}),
        debug={"enabled": True},
        take=2,
    )
    built = build_request(
        "phaseo", "a waltz", model=SUNO, style="jazz", title="Tide", instrumental=True,
        suno={"styleWeight": 0.5, "negative_tags": "drums"}, provider="suno",
        routing=nb.ProviderRouting(max_price={"request": 0.1}), debug={"enabled": True},
    )  # fmt: skip

    assert form.request == built.request
    assert form.draft().take == 2
    assert nb.MusicForm(request=built.request).request == built.request


def test_a_word_without_a_control_is_refused(sandbox):
    """An option that only a passthrough would know is named, with the way it does work."""
    with pytest.raises(nb.RequestRejected, match=r"suno\.sparkle.*suno={'sparkle': …}"):
        nb.MusicForm("a waltz", suno={"sparkle": 1})
    with pytest.raises(TypeError, match="tempo"):
        nb.MusicForm("a waltz", tempo=3)


def test_a_decimal_comma_is_named(sandbox):
    """1,5 is said to be written 1.5, at its control."""
    hand = Hand("a waltz", model=SUNO)
    hand.put("suno.style_weight", "0,5")

    assert "0.5" in hand.problem("suno.style_weight")


def test_show_request_is_the_posted_body(phaseo, wire):
    """What Show request says is what goes over the wire, to the key."""
    hand = Hand("a waltz", model="minimax/music-2.6", lyrics="la la")
    hand.parts.body.click()
    shown = json.loads(hand.readout())

    hand.click("generate")
    hand.settle()

    assert wire.posts == [shown]
    hand.parts.code.click()
    assert hand.readout().startswith("take = await nb.generate(")
    hand.parts.code.click()
    assert hand.readout() is None


# -- ordering --------------------------------------------------------------------------------------


def test_a_click_that_overtakes_the_typing_orders_what_was_typed(phaseo, wire, monkeypatch):
    """A kernel may handle the click first (ipykernel 7.4): what was typed before it counts."""
    monkeypatch.setattr("phaseo_nb.forms.ordering.TYPING_ARRIVES_IN", 1.0)  # on any machine
    hand = Hand("a march", model="minimax/music-2.6")
    hand.parts.generate.click()
    time.sleep(0.05)  # far more than the two messages are apart
    hand.type(prompt="a waltz")
    hand.form._ordering.work.result(20)
    hand.settle()

    hand.places[-1].wait_for("<audio")
    (post,) = wire.posts
    assert "a waltz" in str(post)
    assert "a march" not in str(post)


def test_generate_makes_a_take_and_shows_its_player(phaseo, wire):
    """One press: one order; live line, then player in the newest place; the form says so."""
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.settle()

    hand.places[-1].wait_for("<audio")
    assert len(wire.posts) == 1
    assert hand.form.take.number == 1
    assert "Take 1 of “a waltz” is here" in hand.state
    assert hand.parts.stop.disabled


def test_a_kept_request_is_asked_about_and_not_bought(phaseo, wire):
    """Pressing Generate again asks: playing is free, one more take is named with its price."""
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.settle()

    hand.click("generate")
    words, answers = hand.question
    assert "in your library already, as take 1" in words
    assert answers == ["Play it, free", "Make another take (about $0.15)", "Not now"]
    assert len(wire.posts) == 1
    hand.click("first")
    assert len(wire.posts) == 1
    assert hand.question is None
    assert "nothing was paid" in hand.state

    hand.click("generate")
    hand.click("second")
    hand.settle()
    assert len(wire.posts) == 2
    assert hand.form.take.number == 2


def test_a_question_is_taken_back_when_the_request_changes(phaseo, wire):
    """What was asked about one request is never answered for another one."""
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.settle()
    hand.click("generate")
    assert hand.question is not None

    hand.type(prompt="a march")
    assert hand.question is None
    hand.click("second")  # a click that was on its way
    assert len(wire.posts) == 1

    hand.type(prompt="a waltz")
    hand.click("generate")
    hand.click("neither")
    assert hand.question is None
    assert len(wire.posts) == 1


def test_playing_never_pays(phaseo, wire):
    """A take that was deleted while the question stood is not bought by the free answer."""
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.settle()
    hand.click("generate")
    nb.library().delete(hand.form.take)

    hand.click("first")

    assert len(wire.posts) == 1
    assert "not in your library any more" in hand.state


def test_a_library_that_is_damaged_does_not_break_the_form(phaseo, monkeypatch):
    """Where the library cannot be read the form says so and goes on taking what is typed."""
    hand = Hand("a waltz", model="minimax/music-2.6")

    def broken(*_, **__):
        message = "The library is damaged."
        raise nb.LibraryError(message)

    monkeypatch.setattr(type(phaseo), "find", broken)
    hand.type(prompt="a march")

    assert hand.price == "The library is damaged."
    assert hand.form.request.prompt == "a march"
    hand.click("generate")
    assert "The library is damaged." in hand.state


def test_after_a_reload_of_the_page_players_appear_inside_the_form(phaseo, wire):
    """A page that is loaded anew cannot find the form's outputs: what comes now is in the form."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.form._showing._n_shown = 1
    hand.put_rendered()
    hand.click("generate")
    hand.places[-1].wait_for("a waltz")

    hand.put_rendered()
    inside = hand.form.children[-1]
    until(lambda: "a waltz" in inside.value, "the running job's line")
    wire.gets = [Wire.done]
    hand.settle()

    until(lambda: "<audio" in inside.value, "the player")
    n_children = len(hand.form.children)
    hand.put_rendered()  # and once more: it stays where it is
    assert len(hand.form.children) == n_children
    assert "<audio" in hand.form.children[-1].value


def test_a_form_in_code_leaves_the_player_to_the_cell(phaseo, wire):
    """A cell that awaits the form's job and ends with the take shows its player, too."""
    from phaseo_nb.takes import cell_run

    hand = Hand("a waltz", model="minimax/music-2.6")
    take = hand.form.generate().result()

    hand.places[-1].wait_for("<audio")
    assert not take.is_shown(cell_run() or "In[1]")
    assert take._shown_in == set()


def test_a_job_that_is_taken_up_again_stands_in_one_place(phaseo, wire):
    """The card of a stopped job does not go on saying that nobody waits for it."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.places[-1].wait_for("task_1")
    hand.click("stop")
    hand.settle()
    wire.gets = [Wire.done]
    hand.click("generate")
    hand.settle()

    hand.places[-2].wait_for("<audio")
    hand.places[-1].wait_for("Taken up again")
    assert len(wire.posts) == 1


def test_a_double_click_orders_once(phaseo, wire):
    """Two presses in a row, and a third while the job is on its way, buy one job."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.parts.generate.click()
    hand.parts.generate.click()
    hand.form._ordering.work.result(20)
    hand.click("generate")

    assert "not sent twice" in hand.state
    wire.gets = [Wire.done]
    hand.settle()
    assert len(wire.posts) == 1


def test_two_jobs_at_once_each_have_their_place(phaseo, wire):
    """A second request while the first is on its way; both end as players, the newest on top."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.type(prompt="a march")
    hand.click("generate")
    hand.places[-1].wait_for("a waltz")
    hand.places[-2].wait_for("a march")

    wire.gets = [Wire.done]
    hand.settle()

    hand.places[-1].wait_for("<audio")
    hand.places[-2].wait_for("<audio")
    assert [take.number for take in hand.form.takes] == [1, 1]


def test_two_forms_do_not_mix(phaseo, wire):
    """Two forms in one notebook: each shows its own jobs, stops its own, and says its own."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    one = Hand("a waltz", model="minimax/music-2.6")
    other = Hand("a march", model="minimax/music-2.6")
    one.click("generate")
    other.click("generate")
    one.places[-1].wait_for("a waltz")
    other.places[-1].wait_for("a march")
    one.click("stop")
    one.settle()
    wire.gets = [Wire.done]
    other.settle()

    other.places[-1].wait_for("<audio")
    assert one.form.takes == []
    assert "You stopped waiting for “a waltz”" in one.state
    assert [take.request.prompt for take in other.form.takes] == ["a march"]


def test_older_takes_make_room(phaseo, wire):
    """With three places, the fourth take is on top and the first one's place is given up."""
    hand = Hand(model="minimax/music-2.6")
    for prompt in ("one", "two", "three", "four"):
        hand.type(prompt=prompt)
        hand.click("generate")
        hand.settle()

    for place, prompt in zip(hand.places, ("four", "three", "two"), strict=True):
        place.wait_for(f">{prompt}<")


def test_stop_waiting_leaves_the_job_to_be_resumed(phaseo, wire):
    """Stop ends the asking, not the job; the place says how to take it up, and that works."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.places[-1].wait_for("task_1")
    hand.click("stop")
    hand.settle()

    hand.places[-1].wait_for("nb.resume()")
    assert "nb.resume()" in hand.state
    wire.gets = [Wire.done]
    (job,) = nb.resume(show=False)
    assert nb.run(job).number == 1
    assert len(wire.posts) == 1


def test_what_is_open_from_before_is_offered(phaseo, wire):
    """A form that is shown where an earlier job is open offers to take it up."""
    wire.gets = [lambda wire: wire.state("in_progress")]
    job = nb.submit("a waltz", model="minimax/music-2.6", show=False)
    while job.id is None:
        pass
    job.stop_waiting()
    nb.run(job.ended())
    nb.library().close()  # as the end of the kernel does: its leases are free
    wire.gets = [Wire.done]
    hand = Hand()
    hand.form._ordering.look_for_open_ends()
    hand.form._ordering.work.result(20)

    words, answers = hand.question
    assert "“a waltz” is still open from before" in words
    assert answers == ["Take it up", "Not now"]
    hand.click("first")
    hand.settle()

    hand.places[-1].wait_for("<audio")
    assert len(wire.posts) == 1


def test_a_refusal_is_said_with_its_next_step(phaseo, wire):
    """An error of the gateway stands where the player would, in our words."""
    wire.post = lambda wire: httpx.Response(501, json={"error": "feature_temporarily_disabled"})
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")
    hand.settle()

    hand.places[-1].wait_for("nb.connect(&quot;sandbox&quot;)")
    assert "came to nothing" in hand.state
    assert hand.form.take is None


def test_the_price_and_what_is_left_stand_before_the_button(wire):
    """Price by the built-in list, the budget left, and that a kept request is free."""
    session = nb.connect("phaseo", api_key=KEY, transport=wire.transport, budget_usd=1.0)
    session._client.poll = lambda interval: iter(lambda: 0.02, None)
    hand = Hand("a waltz", model="minimax/music-2.6")
    assert hand.price == "about $0.15 · $1.00 of $1.00 left"

    hand.click("generate")
    hand.settle()

    kept = "in your library as take 1: playing it is free · $0.94 of $1.00 left"  # $0.06 billed
    until(lambda: hand.price == kept, "the new price")


def test_a_job_over_the_budget_is_refused_in_the_form(wire):
    """Nothing is sent for which the budget is too small; the words are BudgetExceeded's."""
    nb.connect("phaseo", api_key=KEY, transport=wire.transport, budget_usd=0.1)
    hand = Hand("a waltz", model="minimax/music-2.6")
    hand.click("generate")

    assert wire.posts == []
    assert "budget" in hand.state.lower()


# -- gateways and models ---------------------------------------------------------------------------


def test_a_gateway_without_a_key_is_refused_with_the_way_to_give_one(sandbox):
    """Choosing a gateway there is no key for leaves the form where it was, and says what to do."""
    hand = Hand("a waltz")
    hand.type(gateway="udio")

    assert hand.form.session.gateway == "sandbox"
    assert hand.parts.text("gateway") == "sandbox"
    assert "no key for udio yet" in hand.state
    (field,) = hand.parts._login.children
    field._on_message(field, {"kind": "key"}, [b"a-key-of-udio-0123456789"])
    hand.type(gateway="udio")
    assert hand.form.session.gateway == "udio"
    assert hand.parts._login.children == ()


def test_each_gateway_has_its_models_and_panels(sandbox, monkeypatch):
    """With a key, udio's own fields take the place of the others, and its models are listed."""
    monkeypatch.setenv("UDIOAPI_KEY", "a-key-of-udio-0123456789")
    hand = Hand("a waltz")
    hand.type(gateway="udio")

    models = [name for name, _ in hand.parts._of["model"].choices["model"]]
    assert "chirp-v4-5" in models
    assert hand.parts._panels["suno"].is_hidden
    assert not hand.parts._panels["udio"].is_hidden
    assert isinstance(hand.form.request, nb.UdioRequest)
    assert 'nb.connect("udio")' in hand.form.to_code()


def test_a_paid_gateway_asks_for_a_model(phaseo, wire):
    """No model is chosen for somebody who pays; each has its price beside it."""
    hand = Hand("a waltz")
    hand.click("generate")

    assert wire.posts == []
    assert "Choose a model" in hand.problem("model")
    labels = dict(hand.parts._of["model"].choices["model"])
    assert labels["minimax/music-2.6"] == "minimax/music-2.6 · about $0.15"
    assert labels["eleven-labs/music"] == "eleven-labs/music · price unknown"
    assert "2026-08-31" in hand.note("model")


def test_the_live_list_takes_the_place_of_the_built_in_one(phaseo, wire):
    """Once the gateway has answered, its models and prices stand in the list."""
    wire.gets = [lambda wire: LISTS[wire.polls[-1].rpartition("/v1")[2]]]
    hand = Hand("a waltz")
    hand.form._ordering.learn_models()
    hand.form._ordering.work.result(20)

    labels = dict(hand.parts._of["model"].choices["model"])
    assert labels["suno/v9"].startswith("suno/v9 · ")
    assert "as the gateway says now" in hand.note("model")


LISTS = {
    "/models": httpx.Response(200, json={"models": [{"id": "suno/v9", "name": "Suno v9"}]}),
    "/pricing/models": httpx.Response(200, json={"models": []}),
}


def test_a_model_that_is_not_listed_can_be_named(phaseo):
    """“another one …” opens a field for the name of a model."""
    hand = Hand("a waltz")
    assert "other_model" in hand.parts._of["other_model"].hidden
    hand.type(model="\x01other", other_model="suno/v7")

    assert hand.parts._of["other_model"].hidden == []
    assert hand.form.request.model == "suno/v7"


# -- hostile input ---------------------------------------------------------------------------------

PASTED = {
    "markup": EVIL,
    "long": "x" * 100_000,
    "nul": "a\0b",
    "emoji": "🎷👩‍🎤" * 50,
    "right to left": "\u202e\u2066evil\u2069\u200f",
    "deep": "[" * 1000 + "]" * 1000,
    "half": "\ud83c",
    "quotes": "'''\"\"\"\\",
    "figures": "NaN Infinity 1e999 -0",
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED.keys())
def test_nothing_pasted_into_any_control_breaks_the_form(phaseo, wire, text):
    """Every control takes it: no error, no markup on the page, nothing sent without a press."""
    hand = Hand()
    for name in FIELDS:
        if name not in ("gateway",):
            hand.put(name, text)
    for name in WORD_NAMES:
        for model in (SUNO, "minimax/music-2.6", "eleven-labs/music"):
            hand.put("model", model)
            hand.put(name, text)
        hand.form.shown_text("code")
        hand.form.shown_text("request")

    assert "<script" not in hand.html()
    assert "<img src=x" not in hand.html()
    assert wire.posts == []
    for group in hand.parts._groups:
        json.dumps(group.get_state(), default=str).encode("utf-8")


NO_MESSAGES = [None, 7, [], {"name": 3}, {"name": "x", "text": "y"}, {"name": "prompt"}]
NO_MESSAGES += [{"name": "prompt", "text": {"a": 1}}, {"name": ["prompt"], "text": ""}]


@pytest.mark.parametrize("content", NO_MESSAGES)
def test_messages_that_are_none_are_ignored(sandbox, content):
    """A front end can send anything."""
    hand = Hand("a waltz")
    group = hand.parts._of["prompt"]
    group._on_message(group, content, [])

    assert hand.form.request.prompt == "a waltz"


def test_a_file_is_kept_out_of_the_widget_state(sandbox):
    """A recording for a cover is sent with the request, and is no part of what is saved."""
    hand = Hand("a waltz with a long description", model="minimax/music-cover")
    hand.put("minimax.audio_base64", "tide.mp3", [memoryview(b"ID3" * 1000)])

    assert hand.form.request.to_wire()["minimax"]["audio_base64"].startswith("SUQz")
    state = json.dumps([group.get_state() for group in hand.parts._groups], default=str)
    assert "SUQzSUQz" not in state
    assert "tide.mp3, 3,000 bytes" in state


def test_a_file_that_is_too_large_is_refused_at_its_control(sandbox):
    """What could not be sent anyway is not taken."""
    hand = Hand("a waltz with a long description", model="minimax/music-cover")
    hand.put("minimax.audio_base64", "tide.wav", [memoryview(bytes(13 * 2**20))])

    assert "too large" in hand.parts._of["minimax.audio_base64"].texts["minimax.audio_base64"]
    assert read_draft("phaseo", "minimax/music-cover", hand.parts.texts()).request is None


# -- without widgets -------------------------------------------------------------------------------


def test_the_form_has_a_twin_for_viewers_without_widgets(sandbox):
    """The output also holds HTML and text that say what it is and what does the same."""
    bundle = nb.MusicForm("Warm <b>jazz</b>", duration=8)._repr_mimebundle_()

    assert bundle["text/plain"] == "<MusicForm sandbox, “Warm <b>jazz</b>”>"
    assert "await nb.generate" in bundle["text/html"]
    assert "<b>jazz" not in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_without_ipywidgets_the_error_names_the_way_around(monkeypatch):
    """Where widgets cannot be imported, MusicForm says so and names generate()."""
    import sys

    from phaseo_nb import forms

    for name in list(sys.modules):
        if name.startswith("phaseo_nb.forms."):
            monkeypatch.delitem(sys.modules, name)
            monkeypatch.delitem(vars(forms), name.rpartition(".")[2], raising=False)
    monkeypatch.delitem(vars(forms), "MusicForm", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)

    with pytest.raises(nb.SettingsError, match=r"anywidget.*await nb\.generate"):
        forms.MusicForm  # noqa: B018


@pytest.mark.parametrize("make", [nb.MusicForm, nb.LibraryBrowser])
def test_where_widgets_were_never_run_the_code_is_named(sandbox, monkeypatch, make):
    """In VS Code and Colab a line below the widget names what does the same without it."""
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **more: shown.append(bundle["text/plain"])
    )
    make()._ipython_display_()
    assert len(shown) == 1

    monkeypatch.setenv("VSCODE_PID", "7")
    make()._ipython_display_()

    assert "The same in code: " in shown[-1]
    assert shown[-1].rstrip().endswith(("await nb.generate(…)", "nb.library().recent()"))
