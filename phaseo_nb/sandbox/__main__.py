"""``python -m phaseo_nb.sandbox --port 8000``: both services, offline, on one port."""

from __future__ import annotations

import argparse
import sys
import threading

from . import STATES, Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; print where."""
    parser = argparse.ArgumentParser(
        prog="python -m phaseo_nb.sandbox",
        description="Serve the phaseo_nb sandbox: real answers, real sound, no key, no AI model.",
    )
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one (default: 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--speed", type=float, default=1.0, help="of the clock jobs live by")
    parser.add_argument("--state", choices=STATES, default="open", help="of the whole service")
    options = parser.parse_args(arguments)
    sandbox = Sandbox(speed=options.speed, state=options.state)
    try:
        server = sandbox.serve(options.port, host=options.host)
    except OSError as error:
        sys.stderr.write(f"Cannot serve on {options.host}:{options.port}: {error}\n")
        return 1
    sys.stdout.write(
        "phaseo_nb sandbox: a synthesizer on this machine, no AI model, nothing is charged.\n"
        f"  Phaseo base URL  {server.phaseo_url}\n"
        f"  udioapi base URL {server.udio_url}\n"
        "  any key of the form phaseo_v1_sk_<kid>_<secret> is accepted; Ctrl+C stops it\n"
    )
    sys.stdout.flush()
    with server:
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("phaseo_nb sandbox: stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
