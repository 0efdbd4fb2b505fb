"""Every field of both services, operated in a real browser: what is set is what is posted."""

from __future__ import annotations

import base64

import pytest
from browser import chromium
from form_pages import FormPage, Orders, controls_of, operate, showing
from labs import Lab, run_all, write

import phaseo_nb as nb
from phaseo_nb.forms.panels import PANELS
from phaseo_nb.requests import build_request

pytestmark = pytest.mark.browser

SUNO, ELEVEN, MINIMAX = "suno/v4.5", "eleven-labs/music", "minimax/music-2.6"
COVER = "minimax/music-cover"
PROMPT = "a waltz for two harps"
REFUSED = ("enforce_distillable_text", "quantizations")  # the gateway cannot filter by them yet

SUNO_SET = {
    "prompt": "la la la",
    "style": "waltz, harp",
    "title": "Two Harps",
    "custom_mode": True,
    "instrumental": False,
    "persona_id": "p-1",
    "persona_model": "style",
    "model": "V4_5",
    "negative_tags": "drums",
    "vocal_gender": "f",
    "style_weight": 0.25,
    "weirdness_constraint": 0.5,
    "audio_weight": 1.0,
    "call_back_url": "https://example.org/hook",
}
ELEVEN_SET = {
    "prompt": "two harps",
    "composition_plan": {"sections": [{"section_name": "Intro", "duration_ms": 4000}]},
    "music_length_ms": 4000,
    "model_id": "music_v1",
    "force_instrumental": True,
    "store_for_inpainting": False,
    "with_timestamps": True,
    "sign_with_c2pa": True,
    "output_format": "mp3_44100_128",
}
MINIMAX_SET = {
    "prompt": "two harps",
    "lyrics": "la la",
    "stream": False,
    "output_format": "hex",
    "lyrics_optimizer": False,
    "is_instrumental": False,
    "audio_setting": {"sample_rate": 44100, "bitrate": 128000, "format": "wav"},
}
ROUTING_SET = {
    "mode": "price",
    "order": ["suno", "minimax"],
    "only": ["minimax"],
    "ignore": ["google"],
    "include_alpha": True,
    "allow_fallbacks": False,
    "require_parameters": True,
    "required_execution_region": "eu",
    "required_data_region": "eu",
    "require_zero_data_retention": True,
    "data_collection": "allow",
    "zdr": True,
    "sort": "price",
    "max_price": {"prompt": 1.0, "completion": 2.0, "image": 3.0, "audio": 4.0, "request": 0.5},
    "preferred_min_throughput": 20.0,
    "preferred_max_latency": {"p50": 30.0, "p90": 60.0},
    "diagnostics": True,
    "return_diagnostics": False,
}
DEBUG_SET = {
    "enabled": True,
    "echo_upstream_body": True,
    "return_upstream_request": True,
    "return_upstream_response": False,
    "trace": True,
    "trace_level": "full",
}
TOP_SET = {
    "echo_upstream_request": True,
    "beta": {"openai": {"websocket_mode": True}},
    "meta": True,
}
UDIO_SET = {
    "gpt_description_prompt": "two harps",
    "prompt": "la la la",
    "style": "waltz",
    "title": "Two Harps",
    "tags": "drums",
    "gender": "female",
    "make_instrumental": False,
    "custom_mode": True,
    "model": "chirp-v4-5",
    "style_weight": 0.25,
    "weirdness_constraint": 0.5,
    "audio_weight": 0.75,
    "cluster": "default",
}
UDIO_TOKEN_SET = {
    "prompt": "la la la",
    "continue_clip_id": "clip-1",
    "continue_at": 12.5,
    "disable_callback": True,
    "callback_url": "https://example.org/hook",
    "api": "token",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("walk")) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def open_form(lab, browser, name, **more):
    write(lab.folder, f"{name}.ipynb", showing(f"{name}.jsonl", **more))
    page = lab.open(browser, f"{name}.ipynb")
    run_all(page)
    return FormPage(page), Orders(lab.folder, f"{name}.jsonl")


def flat(values, home):
    """Names as the form's fields have them, and their values."""
    for name, value in values.items():
        full = f"{home}.{name}" if home else name
        if name in ("audio_setting", "max_price"):
            yield from flat(value, full)
        else:
            yield full, value


ELEMENTS = {
    "text": "INPUT text",
    "area": "TEXTAREA",
    "integer": "INPUT text",
    "number": "INPUT text",
    "choice": "SELECT",
    "flag": "SELECT",
    "list": "INPUT text",
    "object": "TEXTAREA",
    "amount": "INPUT text",
    "file": "INPUT file",
}


def set_panel(form, home, values):
    """Operate every control of a panel for which there is a value; the names that were set."""
    panel = next(panel for panel in PANELS if panel.name == home)
    fields = {field.name: field for field in panel.fields}
    controls = controls_of(form.panel(panel.title))
    names = dict(flat(values, home))
    for name, value in names.items():
        kind = operate(controls[fields[name].label], value)
        assert kind.startswith(ELEMENTS[fields[name].kind]), name
    return set(names)


def test_every_option_of_the_gateway_is_posted_as_it_was_set(lab, browser, tmp_path):
    """Each labelled, typed control of each panel: the posted body has exactly these values."""
    form, orders = open_form(lab, browser, "walk", script="box.script(None, stuck())")
    form.fill(Prompt=PROMPT)
    done = set()

    form.choose("Model", SUNO)
    done |= set_panel(form, "suno", SUNO_SET)
    form.generate()
    posted = orders.wait_for(1)
    assert posted == nb.MusicRequest(model=SUNO, prompt=PROMPT, suno=SUNO_SET).to_wire()

    form.choose("Model", ELEVEN)
    done |= set_panel(form, "elevenlabs", ELEVEN_SET)
    form.generate()
    posted = orders.wait_for(2)
    assert posted == nb.MusicRequest(model=ELEVEN, prompt=PROMPT, elevenlabs=ELEVEN_SET).to_wire()

    form.choose("Model", MINIMAX)
    done |= set_panel(form, "minimax", MINIMAX_SET)
    for home in ("routing", "provider"):
        done |= set_panel(form, home, ROUTING_SET)
    done |= set_panel(form, "debug", DEBUG_SET)
    controls = controls_of(form.panel("Debug and trial features"))
    for field in next(panel for panel in PANELS if panel.name == "debug").fields:
        if field.name in TOP_SET:
            operate(controls[field.label], TOP_SET[field.name])
            done.add(field.name)
    form.generate()
    posted = orders.wait_for(3)
    expected = nb.MusicRequest(
        model=MINIMAX, prompt=PROMPT, minimax=MINIMAX_SET, routing=ROUTING_SET,
        provider=ROUTING_SET, debug=DEBUG_SET, **TOP_SET,
    )  # fmt: skip
    assert posted == expected.to_wire()
    form.page.close()

    done |= cover_of(lab, browser, tmp_path)
    done |= refused_by_name(lab, browser)
    assert done == {f.name for panel in PANELS if panel.wire == "phaseo" for f in panel.fields}


def cover_of(lab, browser, tmp_path):
    """A cover has three ways to name its reference, one at a time; one of them is a file."""
    sound = tmp_path / "tide.mp3"
    sound.write_bytes(b"ID3 no music at all")
    encoded = base64.b64encode(sound.read_bytes()).decode()
    ways = {
        "audio_url": ("https://example.org/a.mp3", "https://example.org/a.mp3"),
        "audio_base64": (sound, encoded),
        "cover_feature_id": ("feature-1", "feature-1"),
    }
    form, orders = open_form(
        lab, browser, "cover", script="box.script(None, stuck())",
        form=f'nb.MusicForm("{PROMPT}", model="{COVER}")',
    )  # fmt: skip
    fields = {field.name: field for panel in PANELS for field in panel.fields}
    controls = controls_of(form.panel("MiniMax options"))
    for number, (name, (value, wired)) in enumerate(ways.items(), 1):
        control = controls[fields[f"minimax.{name}"].label]
        operate(control, value)
        form.generate()
        posted = orders.wait_for(number)
        assert posted["minimax"] == {name: wired}
        operate(control, [] if name == "audio_base64" else "")
    form.page.close()
    return {f"minimax.{name}" for name in ways}


def refused_by_name(lab, browser):
    """What the gateway takes and then refuses is refused at its control, and nothing is sent."""
    form, orders = open_form(lab, browser, "refused", form=f'nb.MusicForm("{PROMPT}")')
    fields = {field.name: field for panel in PANELS for field in panel.fields}
    done = set()
    titles = {panel.name: panel.title for panel in PANELS}
    for home in ("routing", "provider"):
        place = form.panel(titles[home])
        controls = controls_of(place)
        for name in REFUSED:
            field = fields[f"{home}.{name}"]
            operate(controls[field.label], True if field.kind == "flag" else ["int8"])
            place.locator("text=/the gateway cannot filter by it yet/").first.wait_for()
            form.generate()
            form.wait_for_words("/Not sent/")
            operate(controls[field.label], "")
            done.add(field.name)
    assert orders.bodies == []
    form.page.close()
    return done


def test_every_field_of_udioapi_is_posted_as_it_was_set(lab, browser):
    """The same for the other service, in its newest form and in its oldest."""
    form, orders = open_form(
        lab, browser, "udio", gateway="udio", script="box.script(None, stuck())"
    )
    panel = next(panel for panel in PANELS if panel.name == "udio")
    done = set_panel(form, "udio", UDIO_SET)
    form.generate()
    assert orders.wait_for(1) == nb.UdioRequest(**UDIO_SET).to_wire()
    form.page.close()

    form, orders = open_form(
        lab, browser, "udio_token", gateway="udio", script="box.script(None, stuck())"
    )
    form.panel(panel.title)
    done |= set_panel(form, "udio", UDIO_TOKEN_SET)
    form.generate()
    posted = {name: value for name, value in orders.wait_for(1).items() if name != "token"}
    assert posted == nb.UdioRequest(model="chirp-v4-5", **UDIO_TOKEN_SET).to_wire()
    form.page.close()
    assert done == {field.name for field in panel.fields}


WORDS = {
    "lyrics": "[Verse]\nla la la",
    "style": "waltz",
    "title": "Two Harps",
    "duration": 4,
    "format": "wav",
    "voice": "f",
    "instrumental": False,
    "negative": "drums",
}


def test_every_word_is_posted_as_it_was_set(lab, browser):
    """Prompt, lyrics with a section button, style, title, duration, format, voice and the rest."""
    form, orders = open_form(lab, browser, "words", script="box.script(None, stuck())")
    form.fill(Prompt=PROMPT)
    form.button("[Verse]").click()
    form.page.keyboard.type("la la la")
    form.fill(Style="waltz", Title="Two Harps", Duration="4", Keep_out="drums", Take="3")
    form.choose("Format", "wav")
    form.choose("Voice", "f")
    form.choose("Instrumental", "false")
    form.generate()

    built = build_request("phaseo", PROMPT, model="sandbox/band", **WORDS)
    assert orders.wait_for(1) == built.request.to_wire()
    form.wait_for_words("/take 3/")
    form.page.close()
