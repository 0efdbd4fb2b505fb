"""Run the service on a port: ``python -m fault_service --port 0`` in ``tests/``."""

from __future__ import annotations

import argparse
import contextlib
import threading

from . import FaultService


def main() -> None:
    parser = argparse.ArgumentParser(prog="fault_service", description="See the package's text.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    port = parser.parse_args().port
    with FaultService(port=port) as service, contextlib.suppress(KeyboardInterrupt):
        print(service.url, flush=True)
        threading.Event().wait()


main()
