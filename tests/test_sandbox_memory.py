"""A sandbox with a folder remembers its jobs when its process is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from sandboxes import BAND, GENERATE, SUNO, audio, http, status, submit

import phaseo_nb as nb
from phaseo_nb import settings
from phaseo_nb.sandbox import Sandbox, failed
from phaseo_nb.sandbox import jobfolder as folders
from phaseo_nb.settings import sandboxed

pytestmark = pytest.mark.anyio

UDIO = {"prompt": "a slow harbour waltz"}


def run(code, home, *given):
    command = [sys.executable, "-c", code, *map(str, given)]
    environment = {**os.environ, "PHASEO_NB_HOME": str(home), "PHASEO_NB_LIVE": "0"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


async def polled(folder, job_id, **words):
    """Ask a sandbox of another process's making for a job until it is finished."""
    box = Sandbox(folder=folder, speed=50, **words)
    async with http(box) as client:
        while True:
            job = await status(client, job_id)
            if job["status"] == "completed":
                return job, await audio(client, job)


def job_files(folder):
    return sorted((folder / "jobs").glob("*.json"))


SUBMIT = """
import time
import phaseo_nb as nb
nb.connect("sandbox")
nb.library().folder.journal.completed = lambda *_: time.sleep(60)  # killed before it is done
job = nb.submit("a slow harbour waltz", duration=2, show=False)
while [each.state for each in nb.library().unfinished()] != ["submitted"]:
    time.sleep(0.01)
print(job.id, flush=True)
time.sleep(60)
"""
RESUME = """
import phaseo_nb as nb
nb.connect("sandbox")
(job,) = nb.resume(show=False)
take = job.result(60)
print(take.job.id, take.number, take.track.duration, len(take.track.data) > 1000)
"""


def test_a_killed_kernels_sandbox_job_is_resumed(home):
    """After SIGKILL, another kernel's nb.resume() finds the job and gets its audio."""
    first = run(SUBMIT, home)
    job_id = first.stdout.readline().strip()
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()

    second = run(RESUME, home)
    out, _ = second.communicate(timeout=120)

    assert second.returncode == 0
    assert out.split()[-4:] == [job_id, "1", "2.0", "True"]


@pytest.mark.parametrize("body", [BAND, SUNO], ids=["band", "suno"])
async def test_a_job_sounds_the_same_in_another_process(tmp_path, body):
    """Under the same id stand the same facts and, played again, the same audio."""
    box = Sandbox(clock="manual", folder=tmp_path)
    async with http(box) as client:
        posted = await submit(client, body)
        box.advance(5)
        first = await status(client, posted["id"])
        sound = await audio(client, first)

    again, same_sound = await polled(tmp_path, posted["id"])

    assert again == first
    assert same_sound == sound


async def test_progress_goes_by_the_wall_clock(tmp_path):
    """A job is as far as the time says that has passed, whether anybody ran or not."""

    class Then(type(Sandbox().clock)):
        def wall(self):
            return super().wall().replace(year=2020)

    async with http(Sandbox(folder=tmp_path, clock=Then())) as client:
        old = await submit(client, BAND)
    async with http(Sandbox(folder=tmp_path)) as client:
        young = await submit(client, BAND)
    async with http(Sandbox(folder=tmp_path, outcome=failed("NOT_FOR_OLD_JOBS"))) as client:
        assert (await status(client, old["id"]))["status"] == "completed"
        assert (await status(client, young["id"]))["status"] in ("queued", "in_progress")


async def test_how_a_job_fares_is_remembered(tmp_path):
    """A job that was to fail fails in the next process too."""
    async with http(Sandbox(folder=tmp_path, outcome=failed("SENSITIVE_WORD_ERROR"))) as client:
        job = await submit(client, BAND)

    box = Sandbox(folder=tmp_path, speed=1000)
    async with http(box) as client:
        while (answer := await status(client, job["id"]))["status"] != "failed":
            pass
    assert answer["result"]["data"]["errorMessage"] == "SENSITIVE_WORD_ERROR"


async def test_udio_jobs_are_remembered_without_what_is_secret(tmp_path):
    """The other wire's jobs are found again; neither token nor callback is in any file."""
    secret = {"token": "udio-token-123456", "callback_url": "https://me.example.org/hook?k=abc"}
    async with http(Sandbox(folder=tmp_path)) as client:
        answer = await client.post("/api/generate", json={**UDIO, **secret})
        work_id = answer.json()["workId"]

    async with http(Sandbox(folder=tmp_path, speed=100)) as client:
        feed = (await client.get("/api/feed", params={"workId": work_id})).json()

    assert feed["request_body"]["instrumental"] is False
    assert "error" not in feed
    kept = "".join(file.read_text("utf-8") for file in job_files(tmp_path))
    assert kept
    assert not any(word in kept for word in secret.values())


async def test_an_empty_folder_gives_the_usual_ids(tmp_path):
    """With a fresh folder, ids and answers are those of a sandbox with the usual seed."""
    answers = []
    for box in (Sandbox(clock="manual", seed=0), Sandbox(clock="manual", folder=tmp_path)):
        async with http(box) as client:
            answers.append([await submit(client, body) for body in (BAND, SUNO, BAND)])
            await client.get(f"{GENERATE}/nobody")
            answers[-1].append(await submit(client, BAND))

    assert answers[0] == answers[1]


async def test_ids_and_takes_go_on_in_the_next_process(tmp_path):
    """A new process gives new ids, and another take of the same request sounds otherwise."""
    ids, takes = [], []
    for _ in range(3):
        async with http(Sandbox(clock="manual", folder=tmp_path)) as client:
            job = await submit(client, BAND)
            ids += [job["id"], job["requestId"]]
            takes.append((await status(client, job["id"]))["result"]["data"]["song"]["take"])

    assert len(set(ids)) == 6
    assert takes == [1, 2, 3]


CROWD = """
import asyncio, sys
import httpx
from phaseo_nb.sandbox import KEY, Sandbox

async def main():
    box = Sandbox(folder=sys.argv[1])
    headers = {"Authorization": f"Bearer {KEY}"}
    base = "https://api.phaseo.app/v1/music/generate"
    async with httpx.AsyncClient(transport=box.transport, headers=headers) as client:
        for n in range(30):
            body = {"model": "sandbox/band", "prompt": f"{sys.argv[2]} waltz {n}", "duration": 1}
            answer = (await client.post(base, json=body)).json()
            print(answer["id"], answer["requestId"], flush=True)

asyncio.run(main())
"""


def test_two_processes_at_once_do_not_mix_up_ids(tmp_path):
    """Every id is given once, and each job is found with its own words."""
    crowd = [run(CROWD, tmp_path / "home", tmp_path, name) for name in ("red", "blue", "green")]
    lines = [
        line.split() for each in crowd for line in each.communicate(timeout=120)[0].split("\n")
    ]
    lines = [line for line in lines if line]

    assert len(lines) == 90
    assert len({job_id for job_id, _ in lines}) == 90
    assert len({request_id for _, request_id in lines}) == 90
    assert len(job_files(tmp_path)) == 90
    prompts = [json.loads(f.read_text())["recordings"][0]["song"]["prompt"] for f in
               job_files(tmp_path)]  # fmt: skip
    assert len(set(prompts)) == 90


def spoil(path: Path, change):
    about = json.loads(path.read_text("utf-8"))
    change(about)
    path.write_text(json.dumps(about), "utf-8")


HOSTILE = {
    "no JSON": lambda path: path.write_bytes(b"\xff\x00{"),
    "empty": lambda path: path.write_bytes(b""),
    "a list": lambda path: path.write_text("[1, 2]"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "huge": lambda path: path.write_text(json.dumps({"id": "x" * 300_000})),
    "too long a song": lambda path: spoil(
        path, lambda about: about["recordings"][0]["song"].update(duration=1e9)
    ),
    "a song of NaN": lambda path: spoil(
        path, lambda about: about["recordings"][0]["song"].update(duration=float("nan"))
    ),
    "sample rate": lambda path: spoil(
        path, lambda about: about["recordings"][0].update(sample_rate=10**9)
    ),
    "format": lambda path: spoil(path, lambda about: about["recordings"][0].update(format="exe")),
    "no tracks": lambda path: spoil(path, lambda about: about.update(recordings=[], facts=[])),
    "other facts": lambda path: spoil(path, lambda about: about["facts"][0].update(title=7)),
    "another id": lambda path: spoil(path, lambda about: about.update(request_id="../../x")),
    "no such model": lambda path: spoil(path, lambda about: about.update(model="a/b")),
    "another provider": lambda path: spoil(path, lambda about: about.update(provider="udio")),
    "no day": lambda path: spoil(path, lambda about: about.update(created_at="yesterday")),
    "no time": lambda path: spoil(path, lambda about: about.update(began="now")),
    "missing": lambda path: spoil(path, lambda about: about.pop("outcome")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=list(HOSTILE))
async def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path, change):
    """A file that is no job of ours is never an error: the job is not known, others are."""
    async with http(Sandbox(folder=tmp_path)) as client:
        bad = await submit(client, BAND)
        good = await submit(client, BAND)
    change(next(path for path in job_files(tmp_path) if bad["id"] in path.name))

    async with http(Sandbox(folder=tmp_path)) as client:
        answer = await client.get(f"{GENERATE}/{bad['id']}")
        assert answer.status_code == 404
        assert answer.json()["reason"] == "music_not_found_or_not_owned"
        assert (await status(client, good["id"]))["id"] == good["id"]
        assert (await submit(client, BAND))["status"] == "queued"


async def test_names_from_outside_lead_nowhere(tmp_path):
    """No name that is asked for reaches a file outside of the folder's own jobs."""
    (tmp_path / "secret.json").write_text("{}")
    async with http(Sandbox(folder=tmp_path / "box")) as client:
        await submit(client, BAND)
        for name in ("../../secret", "..%2F..%2Fsecret", "none", "*", "a" * 5_000, "\0"):
            try:
                answer = await client.get(f"{GENERATE}/{name}")
            except httpx.InvalidURL:
                continue
            assert answer.status_code == 404


async def test_the_number_of_files_is_bounded(tmp_path, monkeypatch):
    """The oldest jobs are forgotten first, and half-written files of dead processes go."""
    monkeypatch.setattr(folders, "MOST_JOBS", 3)
    async with http(Sandbox(folder=tmp_path)) as client:
        first = await submit(client, BAND)
        part = tmp_path / "jobs" / ".0123.part"
        part.write_text("half")
        long_ago = time.time() - 3_600
        os.utime(part, (long_ago, long_ago))
        jobs = [await submit(client, BAND) for _ in range(5)]

    assert len(job_files(tmp_path)) == 3
    assert not part.exists()
    async with http(Sandbox(folder=tmp_path)) as client:
        assert (await client.get(f"{GENERATE}/{first['id']}")).status_code == 404
        assert (await status(client, jobs[-1]["id"]))["id"] == jobs[-1]["id"]


async def test_without_a_place_to_write_it_works_in_memory(tmp_path):
    """A folder that cannot be made changes nothing for the process itself."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")

    box = Sandbox(clock="manual", folder=in_the_way / "sandbox")
    async with http(box) as client:
        job = await submit(client, BAND)
        other = await submit(client, BAND)
        box.advance(5)
        assert (await status(client, job["id"]))["status"] == "completed"

    assert job["id"] != other["id"]
    async with http(Sandbox(clock="manual", seed=0)) as client:
        assert (await submit(client, BAND))["id"] == job["id"]


async def test_two_sandboxes_never_give_the_same_ids():
    """A library that met both takes no job of one for a job of the other."""
    ids = set()
    for _ in range(2):
        async with http(Sandbox(clock="manual")) as client:
            job = await submit(client, SUNO)
            ids |= {job["id"], job["requestId"]}

    assert len(ids) == 4


async def test_a_folder_that_is_deleted_meanwhile_is_no_error(tmp_path):
    """Ids go on in memory when somebody clears the folder up under a living sandbox."""
    import shutil

    box = Sandbox(folder=tmp_path / "box")
    async with http(box) as client:
        first = await submit(client, BAND)
        shutil.rmtree(tmp_path / "box")
        second = await submit(client, BAND)
        for path in (tmp_path / "box" / "counts").iterdir():
            path.unlink()
        third = await submit(client, BAND)

    assert len({first["id"], second["id"], third["id"]}) == 3


def test_each_home_has_a_sandbox_of_its_own(tmp_path, monkeypatch):
    """Sessions of one home share their sandbox; another home has another, and both say so."""
    one = settings.resolve_connection("sandbox").transport
    assert settings.resolve_connection("sandbox").transport is one

    monkeypatch.setenv("PHASEO_NB_HOME", str(tmp_path / "other"))
    other = settings.resolve_connection("sandbox").transport
    assert other is not one
    assert not (tmp_path / "other").exists()  # connecting writes nothing there

    monkeypatch.setenv("PHASEO_NB_HOME", str(tmp_path / "home"))
    assert settings.resolve_connection("sandbox").transport is one


def test_sandboxes_of_many_homes_do_not_pile_up(tmp_path, monkeypatch):
    """A process that goes through many homes holds a few sandboxes, not all of them."""
    for n in range(3 * sandboxed._MOST):
        monkeypatch.setenv("PHASEO_NB_HOME", str(tmp_path / f"home {n}"))
        settings.resolve_connection("sandbox")

    assert len(sandboxed._sandboxes) <= sandboxed._MOST


def test_a_sandbox_of_ones_own_writes_nothing(tmp_path, monkeypatch):
    """Sandbox() without a folder stays in memory."""
    monkeypatch.chdir(tmp_path)
    nb.connect("sandbox", transport=nb.Sandbox(speed=50).transport)
    nb.submit("a waltz", duration=1, show=False).result(60)

    assert not (tmp_path / "home" / "sandbox").exists()
