"""``python -m phaseo_nb.sandbox --port 8000``: both services, offline, on one port."""

from __future__ import annotations

import argparse
import contextlib
import errno
import math
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

from . import KEY, STATES, Sandbox

if TYPE_CHECKING:
    from .server import Server

_NAME = "python -m phaseo_nb.sandbox"
_EPILOG = textwrap.fill(
    f"STATE is of the whole service, to see how a program fares: {', '.join(STATES)}.",
    width=78,
    break_on_hyphens=False,
)


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; print where."""
    options = _parser().parse_args(arguments)
    sandbox = Sandbox(speed=options.speed, state=options.state)
    try:
        server = sandbox.serve(options.port, host=options.host)
    except OSError as error:
        sys.stderr.write(_why_not(error, options.host, options.port) + "\n")
        return 1
    with server, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(_greeting(server))
        sys.stdout.flush()
        while not threading.Event().wait(0.5):  # with a pause, so that Windows hears Ctrl+C too
            pass
    sys.stdout.write("\nphaseo_nb sandbox: stopped\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_NAME,
        description="Serve the phaseo_nb sandbox: real answers, real sound, no key, no AI model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="0 picks a free one (default: 8000)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: 127.0.0.1, so this machine only"
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="a job takes 2 s at 1.0 (default), 0.2 s at 10"
    )
    parser.add_argument(
        "--state", choices=STATES, default="open", metavar="STATE", help="default: open; see below"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        message = f"a port is a number from 0 to 65535, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        message = f"a speed is a number above 0, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return speed


def _greeting(server: Server) -> str:
    return (
        "phaseo_nb sandbox: a synthesizer on this machine. No AI model, nothing is charged.\n\n"
        f"  Phaseo base URL   {server.phaseo_url}\n"
        f"  udioapi base URL  {server.udio_url}\n\n"
        "From a notebook:\n\n"
        f'  nb.connect("phaseo", base_url="{server.phaseo_url}",\n'
        f'             api_key="{KEY}", model="sandbox/band")\n\n'
        "Any key of that form opens it. Ctrl+C stops it.\n"
    )


def _why_not(error: OSError, host: str, port: int) -> str:
    """Return one line for what went wrong, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use. Choose another with --port, or let --port 0 find "
            "a free one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} of {host} needs other rights. Choose one above 1023 with --port."
    return f"Cannot serve on {host}:{port}: {error.strerror or error}"


if __name__ == "__main__":
    sys.exit(main())
