"""The official SDK, a client written by somebody else, against the sandbox on a port."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("gen.operations", reason="the official SDK phaseo is not installed")

from gen import operations
from gen.client import Client

KEY = "phaseo_v1_sk_abcdef12_any_secret"


@pytest.fixture(scope="module")
def url():
    """Base URL of ``python -m phaseo_nb.sandbox`` in a process of its own."""
    command = [sys.executable, "-m", "phaseo_nb.sandbox", "--port", "0", "--speed", "10"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        lines = "".join(process.stdout.readline() for _ in range(4))
        yield re.search(r"http://\S+/v1", lines).group()
        process.terminate()


@pytest.fixture
def client(url):
    return Client(url, headers={"Authorization": f"Bearer {KEY}"})


def _wait(client, job, get=operations.getMusicGeneration) -> dict:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status = get(client, path={"music_id": job["id"]})
        if status["status"] in ("completed", "failed"):
            return status
        time.sleep(0.02)
    pytest.fail(f"still {status['status']} after 20 s")


@pytest.mark.parametrize(
    ("model", "n_tracks"), [("sandbox/band", 1), ("suno/v5", 2)], ids=["band", "suno"]
)
def test_the_sdk_generates_polls_and_downloads(client, model, n_tracks):
    """generateMusic and getMusicGeneration bring a finished job with audio to fetch."""
    job = operations.generateMusic(client, body={"model": model, "prompt": "a tide", "duration": 2})
    done = _wait(client, job)
    files = [urllib.request.urlopen(track["audio_url"]).read() for track in done["output"]]

    assert job["status"] == "queued"
    assert done["status"] == "completed"
    assert len(files) == n_tracks
    assert all(file.startswith(b"ID3") for file in files)


def test_the_sdks_aliases_work_too(client):
    """The alias operations reach the same service."""
    body = {"model": "sandbox/band", "prompt": "a tide", "duration": 1}
    job = operations.generateMusicAlias(client, body=body)

    assert _wait(client, job, operations.getMusicGenerationAlias)["id"] == job["id"]


def test_the_sdk_reads_models_and_prices(client):
    """listModels and calculatePricing understand what the sandbox says."""
    listed = operations.listModels(client, query={"endpoints": "music.generate", "limit": 250})
    body = {
        "provider": "minimax",
        "model": "minimax/music-2.6",
        "endpoint": "music.generate",
        "usage": {"requests": 1},
    }
    price = operations.calculatePricing(client, body=body)

    assert "sandbox/band" in {model["id"] for model in listed["models"]}
    assert price["pricing"]["total_usd_str"] == "0.15"


@pytest.mark.parametrize(
    ("body", "status_code", "error"),
    [
        ({"model": "suno/v5", "prompt": "a tide", "duration": "8"}, 400, "validation_error"),
        ({"model": "nobody/nothing", "prompt": "a tide"}, 400, "unsupported_model_or_endpoint"),
        ({"model": "suno/v5"}, 502, "upstream_error"),
    ],
)
def test_refusals_reach_the_sdk_as_http_errors(client, body, status_code, error):
    """A refused request is an HTTPError with the gateway's own body."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        operations.generateMusic(client, body=body)

    with caught.value as answer:
        assert answer.code == status_code
        assert json.loads(answer.read())["error"] == error


def test_a_missing_key_and_an_unknown_job_reach_the_sdk(client, url):
    """401 without a key, 404 for a job that is not there."""
    for one, code in ((Client(url), 401), (client, 404)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            operations.getMusicGeneration(one, path={"music_id": "none"})
        with caught.value as answer:
            assert answer.code == code


def test_the_high_level_sdk_talks_to_the_sandbox(url):
    """The SDK's own class lists models with nothing but a key and a base URL."""
    import phaseo

    sdk = phaseo.Phaseo(api_key=KEY, base_url=url)

    assert sdk.models.list()["ok"] is True
