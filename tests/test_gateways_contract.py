"""Every written-down body of both services comes out as it says beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phaseo_nb import errors
from phaseo_nb.gateways import get_gateway, may_resend, parse_callback
from phaseo_nb.transport.messages import Answer

HERE = Path(__file__).parent / "contract"
SHARED = Path(__file__).parents[2] / "shared" / "contracts" / "examples"

PLACES = {
    "phaseo": "https://api.phaseo.app/v1/music/generate",
    "udio": "https://udioapi.pro/api/v2/generate",
}


class SmallRequest:
    """The least a gateway needs of a request."""

    api = "v2"

    def __init__(self, model="suno/v4.5", **wire):
        self.model = model
        self.wire = {"model": model, "prompt": "a slow harbour shanty", **wire}

    def to_wire(self):
        return self.wire


def cases(*files):
    found = []
    for file in files:
        if file.exists():  # the shared set is not part of the package
            found += json.loads(file.read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in found]


def encoded(body):
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def phaseo_answer(case):
    headers = {name.lower(): value for name, value in case["headers"].items()}
    url = PLACES["phaseo"] + ("" if case["method"] == "POST" else "/asked-for")
    return Answer(case["http_status"], headers, encoded(case["body"]), url, case["method"])


def read_phaseo(case):
    gateway = get_gateway("phaseo")
    answer = phaseo_answer(case)
    if case["method"] == "POST":
        return gateway.read_submission(answer, SmallRequest())
    return gateway.read_status(answer, "resp-1" if "response-id" in case["id"] else "asked-for")


def read_udio(case):
    gateway = get_gateway("udio")
    body = encoded(case["body"])
    if case["kind"] == "callback":
        return parse_callback(body, "asked-for")
    method = "POST" if case["kind"] == "generate" else "GET"
    answer = Answer(case["http_status"], case["headers"], body, PLACES["udio"], method)
    if method == "POST":
        return gateway.read_submission(answer, SmallRequest("chirp-v4-5"))
    return gateway.read_status(answer, "asked-for")


def check_job(job, expect):
    seen = {
        "id": job.id,
        "work_id": job.id,
        "request_id": job.request_id,
        "status": job.status,
        "stage": job.stage,
        "model": job.model,
        "n_tracks": len(job.tracks),
        "n_playable": sum(track.is_playable for track in job.tracks),
        "n_preview": sum(track.is_preview for track in job.tracks),
        "has_audio": job.has_audio,
        "durations": [track.duration for track in job.tracks],
        "titles": [track.title for track in job.tracks],
        "failure_text": job.failure,
        "error": job.failure,
        "usd": job.cost.usd,
        "sandbox": job.sandbox,
        "is_finished": job.is_finished,
    }
    assert {key: seen[key] for key in expect} == expect


def check_error(error, expect):
    message = str(error)
    assert type(error).__name__ == expect["raises"]
    assert expect.get("contains", "") in message
    if "not_contains" in expect:
        assert expect["not_contains"] not in message
    for name in ("error", "reason", "retry_after", "status_code"):
        if name in expect:
            assert getattr(error, name) == expect[name]
    if "may_resend" in expect:
        assert may_resend(error) is expect["may_resend"]
    assert "  " not in message
    assert ".." not in message.replace("…", "")
    assert len(message) < 900


def check(read, case):
    expect = case["expect"]
    if "raises" not in expect:
        check_job(read(case), expect)
        return
    with pytest.raises(errors.PhaseoError) as caught:
        read(case)
    check_error(caught.value, expect)


@pytest.mark.parametrize("case", cases(HERE / "phaseo_responses.json"))
def test_phaseo_answers_come_out_as_written_down(case):
    """Each Phaseo answer becomes the job, or the error, that stands beside it."""
    check(read_phaseo, case)


@pytest.mark.parametrize("case", cases(HERE / "udio_payloads.json"))
def test_udio_answers_come_out_as_written_down(case):
    """Each udioapi answer, feed and callback becomes the job, or the error, beside it."""
    check(read_udio, case)


@pytest.mark.parametrize("case", cases(SHARED / "phaseo_responses.json"))
def test_shared_phaseo_examples_come_out_as_expected(case):
    """The examples of the contract page come out as it expects, where it is at hand."""
    expect = case["expect"]
    if expect["status"] is None:
        with pytest.raises(errors.PhaseoError) as caught:
            read_phaseo(case)
        assert getattr(caught.value, "error", None) == expect["error"]
        if expect["retry_after"] is not None:
            assert caught.value.retry_after == float(expect["retry_after"])
        return
    job = read_phaseo(case)
    lists = {"durations", "titles"} if expect["n_output"] is None else set()
    check_job(job, {k: v for k, v in expect.items() if k not in lists | {"n_output"}})


@pytest.mark.parametrize("case", cases(SHARED / "udioapi_payloads.json"))
def test_shared_udio_examples_come_out_as_expected(case):
    """The payloads of the contract page come out as it expects, where it is at hand."""
    expect = dict(case["expect"])
    is_refusal = case["kind"] == "generate" and expect["status"] in ("failed", "uncertain")
    if expect["status"] is None or is_refusal:
        with pytest.raises(errors.PhaseoError) as caught:
            read_udio(case)
        assert expect["error"] in str(caught.value)
        is_open = isinstance(caught.value, errors.UncertainSubmission)
        assert is_open is (expect["status"] == "uncertain")
        return
    if expect["work_id"] is None:
        expect["work_id"] = "asked-for"
    check_job(read_udio(case), expect)
