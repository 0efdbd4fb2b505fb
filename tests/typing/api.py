"""The public face as a type checker sees it; checked by mypy, never run."""

from __future__ import annotations

from pathlib import Path

import phaseo_nb as nb


async def cell() -> None:
    take: nb.Take = await nb.generate("a waltz", duration=8, suno={"style_weight": 0.5})
    path: Path = take.track.save("waltz.wav")
    rows, rate = take.track.audio()
    seconds: float = rows.shape[1] / rate
    loud: float = take.track.loudness_lufs
    player: nb.Player = take.track.player()

    job: nb.Job = nb.submit("a waltz", take=2)
    again: nb.Take = await job
    waited: nb.Take = job.result(timeout=10.0)
    ran: nb.Take = nb.run(nb.generate("a waltz"))
    open_jobs: list[nb.Job] = nb.resume()
    session: nb.Session = nb.connect("phaseo", budget_usd=2.0, transport=nb.Sandbox().transport)
    del path, seconds, loud, player, again, waited, ran, open_jobs, session


async def more() -> None:
    take: nb.Take = await nb.generate("a waltz")
    longer: nb.Take = await take.extend(at=60.0, lyrics="once more")
    cover: nb.Take = await longer.cover(style="bossa nova", track=1)
    pictures: nb.Pictures = await cover.cover_image()
    first: nb.Picture = pictures[0]
    place: Path | None = first.path
    left: float | None = nb.credits().left
    del place, left


async def script() -> None:
    async with nb.MusicClient("sandbox") as client:
        request = nb.MusicRequest(model="suno/v4.5", prompt="a waltz")
        job: nb.MusicJob = await client.submit(request)
        async for state in client.watch(job.id):
            status: str = state.status
            del status
        done: nb.MusicJob = await client.wait(job, timeout=60.0)
        cost: nb.Cost = await client.estimate(request)
        data: bytes | Path = await client.download(done.tracks[0])
        ignored: list[str] = request.ineffective()
        del cost, data, ignored


async def study() -> None:
    sweep = nb.Sweep(prompt=["a waltz", "a march"], duration=[8, 12], name="two dances")
    cells: int = sweep.plan().count
    results = await sweep.run(concurrency=4, budget_usd=2.0)
    title: str = results[0].state
    figures: list[nb.Descriptors] = await nb.describe_all(results.takes)
    comparison = nb.Comparison(results, mode="preference", listener="Ada")
    votes: nb.Votes = comparison.votes
    ranking: nb.Ranking = nb.rank(votes)
    pair: tuple[object, object] = ranking.suggest()
    sweep.report("report.html", votes=votes)
    del cells, title, figures, pair
