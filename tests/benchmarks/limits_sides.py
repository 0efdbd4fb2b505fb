"""A kernel that orders as fast as it may: ``python limits_sides.py URL NAME N``.

Its library is the one of ``PHASEO_NB_HOME``. It says when it is ready, begins with the first line
that it is sent, orders N times, waits until every order is out, and says how many were.
"""

from __future__ import annotations

import sys
import time

import phaseo_nb as nb

KEY = "phaseo_v1_sk_abcdef123456_topsecretvalue99"
PATIENCE = 120.0


def main(url: str, name: str, n: str) -> None:
    """Order; what becomes of the jobs is of no interest here."""
    nb.connect("phaseo", base_url=url, api_key=KEY, model="suno/v4.5")
    print("ready", flush=True)
    sys.stdin.readline()
    jobs = [nb.submit(f"{name} {number}", show=False) for number in range(int(n))]
    ends = time.monotonic() + PATIENCE
    while any(job.is_waiting and job.id is None for job in jobs) and time.monotonic() < ends:
        time.sleep(0.02)
    print(sum(job.id is not None for job in jobs), flush=True)
    for job in jobs:
        job.stop_waiting()


if __name__ == "__main__":
    main(*sys.argv[1:])
