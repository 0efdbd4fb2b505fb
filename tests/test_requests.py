"""MusicRequest: refused here in our own error, or posted exactly as given."""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import pickle
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_requests_schema import RECORDED, SHARED, json_values

from phaseo_nb.errors import RequestRejected
from phaseo_nb.requests import (
    AudioSetting,
    DebugOptions,
    ElevenLabsOptions,
    MiniMaxOptions,
    MusicRequest,
    ProviderRouting,
    SunoOptions,
    UdioRequest,
    provider_of,
    request_key,
)
from phaseo_nb.requests._docs import field_docs

EVERYTHING = {
    "model": "suno/v4.5",
    "prompt": "lanterns on the canal",
    "duration": 8,
    "format": "mp3",
    "provider": {
        "mode": "price",
        "order": ["suno"],
        "only": ["suno"],
        "ignore": [],
        "include_alpha": True,
        "allowFallbacks": False,
        "require_parameters": None,
        "requiredExecutionRegion": "eu",
        "required_data_region": None,
        "require_zero_data_retention": False,
        "data_collection": "allow",
        "zdr": None,
        "enforce_distillable_text": None,
        "quantizations": None,
        "sort": {"by": "price"},
        "max_price": {"prompt": 1, "completion": "2", "image": 0.1, "audio": 1, "request": 0.5},
        "preferredMinThroughput": {"p50": 1},
        "preferred_max_latency": 2.5,
        "diagnostics": True,
        "returnDiagnostics": True,
        "unknown": {"goes": ["through", None]},
    },
    "routing": {"sort": "latency"},
    "suno": {
        "prompt": "inner",
        "style": "fado",
        "title": "Quay",
        "personaId": "p1",
        "personaModel": "style_persona",
        "model": "V4_5",
        "negativeTags": "drums",
        "customMode": True,
        "instrumental": False,
        "vocalGender": "m",
        "styleWeight": 0.65,
        "weirdnessConstraint": 0,
        "audioWeight": 1.0,
        "callBackUrl": "https://hooks.example/secret-path",
        "callback_url": "not a field",
    },
    "elevenlabs": {
        "prompt": "inner",
        "composition_plan": {"sections": [{"lines": ["a"]}]},
        "music_length_ms": 10_000,
        "model_id": "music_v1",
        "force_instrumental": True,
        "store_for_inpainting": False,
        "with_timestamps": True,
        "sign_with_c2pa": False,
        "output_format": "mp3_44100_192",
        "respect_sections_durations": True,
    },
    "minimax": {
        "prompt": "inner",
        "lyrics": "la",
        "stream": False,
        "output_format": "url",
        "lyrics_optimizer": False,
        "is_instrumental": False,
        "audio_url": "https://a.example/x.mp3",
        "audio_base64": "AA",
        "cover_feature_id": "c",
        "audio_setting": {"sample_rate": 44_100, "bitrate": 128_000, "format": "mp3"},
    },
    "lyrics": "la",
    "is_instrumental": False,
    "debug": {
        "enabled": True,
        "echo_upstream_body": True,
        "return_upstream_request": True,
        "returnUpstreamResponse": True,
        "trace": False,
        "traceLevel": "summary",
    },
    "echo_upstream_request": True,
    "beta": {"openai_websocket_mode": False, "other": 1},
    "meta": True,
}


def rejected(make):
    with pytest.raises(RequestRejected) as caught:
        make()
    return caught.value


def test_a_body_with_everything_comes_back_as_it_went_in():
    """Every field of the contract survives, in its spelling."""
    request = MusicRequest.model_validate(EVERYTHING)

    assert request.to_wire() == EVERYTHING
    assert MusicRequest.model_validate_json(json.dumps(EVERYTHING)).to_wire() == EVERYTHING
    assert json.loads(request.model_dump_json()) == EVERYTHING


def test_fields_are_readable_in_snake_case():
    """Python sees one name per field, whichever spelling was on the wire."""
    request = MusicRequest.model_validate(EVERYTHING)

    assert request.suno is not None
    assert request.suno.call_back_url == "https://hooks.example/secret-path"
    assert request.suno.style_weight == 0.65
    assert request.provider is not None
    assert request.provider.allow_fallbacks is False
    assert request.provider.return_diagnostics is True
    assert request.minimax is not None
    assert request.minimax.audio_setting == AudioSetting(
        sample_rate=44_100, bitrate=128_000, format="mp3"
    )
    assert request.debug is not None
    assert request.debug.trace_level == "summary"
    assert request.provider_name == "suno"


def test_keywords_take_both_spellings():
    """Models, snake_case dicts and wire dicts give the same request."""
    by_model = MusicRequest(
        model="suno/v5",
        prompt="p",
        suno=SunoOptions(style_weight=0.5, call_back_url="https://x.example"),
    )
    by_snake = MusicRequest(
        model="suno/v5",
        prompt="p",
        suno={"style_weight": 0.5, "call_back_url": "https://x.example"},
    )
    by_wire = MusicRequest(
        model="suno/v5", prompt="p", suno={"styleWeight": 0.5, "callBackUrl": "https://x.example"}
    )

    assert by_model == by_snake == by_wire
    assert hash(by_model) == hash(by_wire)
    assert by_snake.to_wire()["suno"] == {"styleWeight": 0.5, "callBackUrl": "https://x.example"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"suno": {"styleWeight": 0.5, "style_weight": 0.5}}, "suno.styleWeight"),
        ({"provider": {"includeAlpha": True, "include_alpha": True}}, "provider.include_alpha"),
        ({"debug": {"traceLevel": "full", "trace_level": "full"}}, "debug.trace_level"),
    ],
)
def test_both_spellings_at_once_are_refused(options, field):
    """One key in two spellings is a mistake, even with the same value."""
    error = rejected(lambda: MusicRequest(model="suno/v5", prompt="p", **options))

    assert error.reason == "given_twice"
    assert error.field == field


def test_a_wire_body_is_taken_to_the_letter():
    """model_validate never renames: a passthrough key in snake_case goes upstream as it is."""
    body = {"model": "suno/v5", "prompt": "p", "suno": {"style_weight": 9, "callback_url": "no"}}

    request = MusicRequest.model_validate(body)

    assert request.to_wire() == body
    assert sum("not the field's name" in line for line in request.ineffective()) == 2


@pytest.mark.parametrize(
    "case", [case for case in RECORDED if case["issues"]], ids=lambda case: case["case"]
)
def test_schema_refusals_name_field_and_code(case):
    """What the service's schema refuses is refused here, under the same path and code."""
    error = rejected(lambda: MusicRequest.model_validate(case["body"]))

    path, code, _ = case["issues"][0]
    assert (error.field, error.reason) == (".".join(map(str, path)), code)
    assert error.expected.endswith(".")
    assert len(error.issues) >= len(case["issues"])


@pytest.mark.skipif(not SHARED.exists(), reason="the measured examples are not at hand")
def test_measured_examples_are_sent_as_they_are_or_refused():
    """What the gateway's schema and rules took is posted unchanged; the rest raises."""
    for example in json.loads(SHARED.read_text("utf-8")):
        body = example["body"]
        good = example["schema_ok"] and not example["suno_reason"] and not example["minimax_reason"]
        own = {"model-space", "model-tab", "modelid-:suno/v5", "unknown-top"}
        if good and example["id"] not in own:
            assert MusicRequest.model_validate(body).to_wire() == body, example["id"]
        else:
            rejected(lambda body=body: MusicRequest.model_validate(body))


@pytest.mark.parametrize(
    ("extra", "field", "hint"),
    [
        ({"bpm": 120}, "bpm", "drop it silently"),
        ({"promt": "x"}, "promt", "Did you mean prompt?"),
        ({"title": "x"}, "title", "suno={'title': …}"),
        ({"custom_mode": True}, "custom_mode", "It is a field of suno"),
        ({"debug": {"verbose": True}}, "debug.verbose", "drop it silently"),
        ({"provider": {"max_price": {"track": 1}}}, "provider.max_price.track", "silently"),
        ({"routing": {"maxPrice": {"track": 1}}}, "routing.maxPrice.track", "silently"),
        ({"minimax": {"title": "x"}}, "minimax", "known are prompt, lyrics"),
    ],
)
def test_keys_the_gateway_would_drop_are_refused(extra, field, hint):
    """A typo is told, not dropped; the message says where the key belongs."""
    error = rejected(lambda: MusicRequest(model="suno/v5", prompt="p", **extra))

    assert (error.field, error.reason) == (field, "unrecognized_keys")
    assert hint in error.expected


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"duration": "8"}, "duration"),
        ({"duration": Decimal(8)}, "duration"),
        ({"duration": float("nan")}, "duration"),
        ({"prompt": b"bytes"}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"suno": {"extra": {1, 2}}}, "suno.extra"),
        ({"suno": {"extra": float("inf")}}, "suno.extra"),
        ({"suno": {1: 2}}, "suno"),
        ({"suno": MiniMaxOptions(lyrics="la")}, "suno"),
        ({"lyrics": 5}, "lyrics"),
        ({"meta": "yes"}, "meta"),
        ({"is_instrumental": None}, "is_instrumental"),
        ({"prompt": None}, "prompt"),
        ({"provider": "suno"}, "provider"),
    ],
)
def test_wrong_python_types_are_refused_in_our_error(words, field):
    """No keyword of a wrong type reaches pydantic's own error."""
    error = rejected(lambda: MusicRequest(**{"model": "suno/v5", "prompt": "p", **words}))

    assert (error.field, error.reason) == (field, "invalid_type")


def test_endless_nesting_is_refused():
    """A structure that contains itself ends in an error, not in a crash."""
    loop: dict[str, object] = {}
    loop["again"] = loop

    assert "nested deeper" in rejected(lambda: SunoOptions(extra=loop)).expected.lower()


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "\x00", '{"model": 1e9999999}', b"\xff\xfe"]
)
def test_broken_json_text_is_refused(text):
    """Text that is no request raises our own error."""
    rejected(lambda: MusicRequest.model_validate_json(text))


def test_rules_reach_the_user_with_field_value_and_remedy():
    """A broken rule tells where, which, what was there and what would be right."""
    error = rejected(lambda: MusicRequest(model="suno/v5", prompt="p", suno={"custom_mode": True}))

    assert error.field == "suno.style"
    assert error.reason == "style_and_title_required_when_custom_mode_enabled"
    assert error.value is None
    assert "suno.title" in error.expected
    assert "suno.style = None was not sent" in str(error)


def test_schema_comes_before_rules():
    """A body with both kinds of mistakes is told the schema's."""
    error = rejected(lambda: MusicRequest(model=" ", duration=0))

    assert [issue.field for issue in error.issues] == ["duration"]


def test_bodies_over_the_limit_are_refused():
    """The gateway's 16 MiB hold for the whole body."""
    options = {"audio_base64": "A" * (16 * 2**20)}

    error = rejected(lambda: MusicRequest(model="minimax/music-3.0", prompt="p", minimax=options))

    assert error.reason == "payload_too_large"
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: SunoOptions(style_weight=2), "suno.styleWeight"),
        (lambda: ElevenLabsOptions(music_length_ms=0), "elevenlabs.music_length_ms"),
        (lambda: AudioSetting(sample_rate=48_000), "minimax.audio_setting.sample_rate"),
        (lambda: MiniMaxOptions(title="x"), "minimax"),
        (lambda: ProviderRouting(only="suno"), "provider.only"),
        (lambda: DebugOptions(verbose=True), "debug.verbose"),
    ],
)
def test_option_objects_are_checked_on_their_own(make, field):
    """An option object refuses under the path it will have in the request."""
    assert rejected(make).field == field


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            {"model": "suno/v5", "duration": 8, "format": "mp3", "lyrics": "la"},
            ["duration: suno", "format: suno", "lyrics: suno never reads it"],
        ),
        ({"model": "suno/v5", "suno": {"title": "T"}}, ["suno.title: suno reads it only with"]),
        ({"model": "suno/v5", "suno": {"prompt": "x"}}, ["prompt: suno.prompt takes its place"]),
        (
            {"model": "suno/v5", "elevenlabs": {}, "minimax": {}},
            ["elevenlabs: suno never reads it", "minimax: suno never reads it"],
        ),
        ({"model": "eleven-labs/music", "duration": 8, "format": "wav"}, []),
        ({"model": "eleven-labs/music", "format": "ogg"}, ["format: elevenlabs has no ogg"]),
        (
            {"model": "eleven-labs/music", "duration": 8, "elevenlabs": {"music_length_ms": 9}},
            ["duration: elevenlabs.music_length_ms takes its place"],
        ),
        (
            {"model": "minimax/music-2.6", "duration": 8, "format": "wav", "suno": {}},
            ["duration: minimax decides", "suno: minimax never reads it"],
        ),
        (
            {"model": "minimax/music-2.6", "lyrics": "a", "minimax": {"lyrics": "b"}},
            ["lyrics: minimax.lyrics takes its place"],
        ),
        (
            {"model": "google/lyria-3-clip-preview", "duration": 8, "format": "mp3"},
            ["duration: each Lyria model", "format: Lyria decides"],
        ),
        ({"model": "sandbox/band", "duration": 8, "format": "ogg", "lyrics": "la"}, []),
        ({"model": "some/model", "duration": 8, "suno": {}}, []),
    ],
)
def test_ineffective_fields_are_told(body, lines):
    """What the provider is known to ignore is listed, and nothing else."""
    found = MusicRequest.model_validate({"prompt": "p", **body}).ineffective()

    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_requests_cannot_be_changed_behind_their_back():
    """What was checked is what is posted: neither the input nor the output is shared."""
    body = {"model": "suno/v5", "prompt": "p", "suno": {"extra": ["a"]}}
    request = MusicRequest.model_validate(body)

    body["suno"]["extra"].append("b")
    request.to_wire()["suno"]["extra"].append("c")

    assert request.to_wire()["suno"] == {"extra": ["a"]}
    with pytest.raises(ValueError, match="frozen"):
        request.prompt = "other"


def test_requests_survive_pickle_and_copy():
    """A request can be stored and sent to a worker."""
    request = MusicRequest.model_validate(EVERYTHING)

    assert pickle.loads(pickle.dumps(request)) == request
    assert copy.deepcopy(request).to_wire() == EVERYTHING
    assert request.model_copy(update={"prompt": "new"}).to_wire()["prompt"] == "new"
    rejected(lambda: request.model_copy(update={"duration": 0}))


def test_repr_is_short_and_hides_the_callback():
    """A request shows what was set, shortened, without the callback's address."""
    text = repr(MusicRequest.model_validate({**EVERYTHING, "lyrics": "la " * 1000}))

    assert "secret-path" not in text
    assert len(text) < 3000
    assert repr(MusicRequest(model="suno/v5", prompt="p")) == (
        "MusicRequest(model='suno/v5', prompt='p')"
    )


@pytest.mark.parametrize(
    "model",
    [
        MusicRequest,
        SunoOptions,
        ElevenLabsOptions,
        MiniMaxOptions,
        AudioSetting,
        ProviderRouting,
        DebugOptions,
        UdioRequest,
    ],
)
def test_every_field_has_a_doc(model):
    """Forms are built from these words, so none may be missing."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


BUILT_AT_ONCE = """
import threading
from phaseo_nb.requests import MusicRequest, UdioRequest
bodies = {MusicRequest: {"model": "suno/v5", "prompt": "sea", "suno": {"style": "dub"}},
          UdioRequest: {"gpt_description_prompt": "sea"}}
start, made = threading.Barrier(16), []
def make(kind):
    start.wait()
    made.append(kind.model_validate(bodies[kind]).to_wire() == bodies[kind])
threads = [threading.Thread(target=make, args=(kind,)) for kind in [*bodies] * 8]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(made.count(True), MusicRequest.__pydantic_complete__, UdioRequest.__pydantic_complete__)
"""


def test_the_first_requests_may_come_from_many_threads_at_once():
    """Models are built when first needed: by one thread, while the others wait for it."""
    command = [sys.executable, "-c", BUILT_AT_ONCE]

    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout.split() == ["16", "True", "True"]


def test_docs_are_read_where_there_is_source(tmp_path, monkeypatch):
    """From a zip as from a file; a model without source simply has none."""
    source = 'class Tune:\n    key: str\n    """In which\n    key."""\n    bpm: int\n'
    with zipfile.ZipFile(tmp_path / "tunes.zip", "w") as archive:
        archive.writestr("tunes_of_ours.py", source)
    monkeypatch.syspath_prepend(str(tmp_path / "tunes.zip"))
    tune = importlib.import_module("tunes_of_ours").Tune

    assert field_docs(tune) == {"key": "In which\nkey."}
    assert field_docs(type("Made", (), {"__module__": "nowhere"})) == {}


def test_every_field_of_the_contract_is_there():
    """The models know 14 fields of Suno, 9 of ElevenLabs, 10 of MiniMax."""
    assert len(SunoOptions.model_fields) == 14
    assert len(ElevenLabsOptions.model_fields) == 9
    assert len(MiniMaxOptions.model_fields) == 10
    assert {field.alias for field in SunoOptions.model_fields.values()} == {
        "prompt", "style", "title", "customMode", "instrumental", "personaId", "personaModel",
        "model", "negativeTags", "vocalGender", "styleWeight", "weirdnessConstraint",
        "audioWeight", "callBackUrl",
    }  # fmt: skip


objects = st.dictionaries(st.text(max_size=6), json_values, max_size=3)
bodies = st.fixed_dictionaries(
    {"model": st.sampled_from(["suno/v5", "minimax/music-2.6", "eleven-labs/music", "x/y", " "])},
    optional={
        "prompt": st.text(max_size=6) | json_values,
        "duration": st.integers(-1, 9) | st.floats(allow_nan=False) | json_values,
        "format": st.sampled_from(["mp3", "ogg", "MP3"]) | json_values,
        "suno": st.fixed_dictionaries(
            {},
            optional={
                "customMode": st.booleans() | json_values,
                "style": st.text(max_size=3),
                "title": st.text(max_size=3),
                "styleWeight": st.floats(-0.5, 1.5) | json_values,
                "x": json_values,
            },
        ),
        "minimax": st.fixed_dictionaries({}, optional={"lyrics": st.text(max_size=3)}) | objects,
        "provider": objects,
        "debug": objects | json_values,
        "meta": st.booleans(),
        "lyrics": st.text(max_size=3) | json_values,
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(bodies)
def test_any_body_is_posted_unchanged_or_refused(body):
    """There is no third way, and no other exception; both doors agree."""
    before = copy.deepcopy(body)
    try:
        request = MusicRequest.model_validate(body)
    except RequestRejected:
        return

    assert request.to_wire() == before
    assert MusicRequest.model_validate(request.to_wire()) == request
    assert request.provider_name == provider_of(body["model"])


@settings(deadline=None)
@given(json_values)
def test_any_json_value_is_posted_unchanged_or_refused(body):
    """Bodies of any shape end in RequestRejected at worst, for both services."""
    for kind in (MusicRequest, UdioRequest):
        with contextlib.suppress(RequestRejected):
            assert kind.model_validate(body).to_wire() == body


def key(request, gateway="phaseo", base_url="https://api.phaseo.app/v1"):
    return request_key(request, gateway=gateway, base_url=base_url)


def music(**words):
    return MusicRequest.model_validate({"model": "suno/v5", "prompt": "p", **words})


SAME = {
    "callback": music(suno={"callBackUrl": "https://h.example/1"}),
    "debug": music(debug={"enabled": True}),
    "echo": music(echo_upstream_request=True),
    "blanks around the model": music(model=" suno/v5\t"),
    "empty options": music(suno={}, provider={}),
}
OTHER = {
    "prompt": music(prompt="q"),
    "model": music(model="suno/v4"),
    "duration": music(duration=8),
    "style": music(suno={"style": "fado"}),
}


@pytest.mark.parametrize("request_", SAME.values(), ids=SAME)
def test_what_does_not_change_the_music_keeps_the_key(request_):
    """Callback, debug, echo and blanks are no other request."""
    assert key(request_) == key(music())


@pytest.mark.parametrize("request_", OTHER.values(), ids=OTHER)
def test_what_changes_the_music_changes_the_key(request_):
    """Anything heard is another request."""
    assert key(request_) != key(music())


def test_key_is_independent_of_spelling_and_order():
    """8.0 is 8, includeAlpha is include_alpha, and order is nothing."""
    one = music(duration=8, provider={"include_alpha": True, "only": ["suno"]})
    two = MusicRequest.model_validate(
        {
            "provider": {"only": ["suno"], "includeAlpha": True},
            "duration": 8.0,
            "prompt": "p",
            "model": "suno/v5",
        }
    )

    assert key(one) == key(two)
    assert len(key(one)) == 64
    assert set(key(one)) <= set("0123456789abcdef")


def test_key_belongs_to_one_gateway_at_one_address():
    """Another gateway or base URL is another key; a slash or letter case of the host is not."""
    assert key(music()) == key(music(), base_url="HTTPS://API.phaseo.app:443/v1/")
    assert key(music()) != key(music(), base_url="https://eu.api.phaseo.app/v1")
    assert key(music()) != key(music(), gateway="sandbox")


def test_udio_key_ignores_callback_and_generation_of_the_api():
    """Where the report goes and which endpoint takes it is no other request."""
    plain = UdioRequest(prompt="la")
    called = UdioRequest(prompt="la", api="callback", callback_url="https://h.example.com/1")

    assert key(plain, "udio") == key(called, "udio")
    assert key(plain, "udio") != key(UdioRequest(prompt="lo"), "udio")


def test_contract_files_are_plain_ascii_json():
    """The recorded bodies stay readable in every editor."""
    for path in (Path(__file__).parent / "contract").glob("phaseo_requests*.json"):
        path.read_bytes().decode("ascii")
