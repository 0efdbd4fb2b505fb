"""Music generation in a Jupyter notebook.

In a cell: ``take = await nb.generate("Warm jazz trio with brushed drums", duration=8)``. Where
nothing can be awaited, the same in a plain function or script:

>>> import phaseo_nb as nb
>>> session = nb.connect("sandbox")
>>> take = nb.run(nb.generate("Warm jazz trio with brushed drums", duration=2))
>>> take.track.format
'mp3'

Names are loaded when first used, so this import costs milliseconds and touches nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .callbacks import callback_app, callback_listener
    from .cell import generate, resume, submit
    from .client import MusicClient
    from .connecting import connect, credits, library, spending
    from .engine import allow_nested_loops, run
    from .errors import (
        AudioError,
        AuthenticationError,
        BudgetExceeded,
        ConnectionFailed,
        EndpointDisabled,
        ExperimentError,
        GatewayError,
        GatewayUnavailable,
        InsufficientFunds,
        JobFailed,
        JobNotFound,
        JobTimeout,
        LibraryError,
        PhaseoError,
        ProviderRefused,
        RateLimited,
        RequestRejected,
        SettingsError,
        UncertainSubmission,
    )
    from .experiments.described import Descriptors, describe, describe_all
    from .experiments.listening.comparison import Comparison
    from .experiments.listening.votes import Vote, Votes
    from .experiments.ranking import Ranking, rank
    from .experiments.results.diff import diff
    from .experiments.sweep import Sweep
    from .forms import LibraryBrowser, MusicForm
    from .jobs import Cost, CostLine, Credits, MusicJob, Track, Usage
    from .keeping import Attempt, Library
    from .key_entry import login
    from .requests import (
        CoverImageRequest,
        DebugOptions,
        ElevenLabsOptions,
        ExtendRequest,
        MiniMaxOptions,
        MusicRequest,
        ProviderRouting,
        SunoOptions,
        UdioRequest,
        UploadCoverRequest,
    )
    from .sandbox import Sandbox
    from .session import Session
    from .takes import Take
    from .takes.handle import Job
    from .takes.pictures import Picture, Pictures
    from .takes.player import Player

_HOMES = {
    "callbacks": ["callback_app", "callback_listener"],
    "cell": ["generate", "resume", "submit"],
    "client": ["MusicClient"],
    "connecting": ["connect", "credits", "library", "spending"],
    "engine": ["allow_nested_loops", "run"],
    "errors": [
        "AudioError",
        "AuthenticationError",
        "BudgetExceeded",
        "ConnectionFailed",
        "EndpointDisabled",
        "ExperimentError",
        "GatewayError",
        "GatewayUnavailable",
        "InsufficientFunds",
        "JobFailed",
        "JobNotFound",
        "JobTimeout",
        "LibraryError",
        "PhaseoError",
        "ProviderRefused",
        "RateLimited",
        "RequestRejected",
        "SettingsError",
        "UncertainSubmission",
    ],
    "experiments.listening.comparison": ["Comparison"],
    "experiments.described": ["Descriptors", "describe", "describe_all"],
    "experiments.results.diff": ["diff"],
    "experiments.ranking": ["Ranking", "rank"],
    "experiments.sweep": ["Sweep"],
    "experiments.listening.votes": ["Vote", "Votes"],
    "forms": ["LibraryBrowser", "MusicForm"],
    "takes.handle": ["Job"],
    "jobs": ["Cost", "CostLine", "Credits", "MusicJob", "Track", "Usage"],
    "keeping": ["Attempt", "Library"],
    "key_entry": ["login"],
    "takes.pictures": ["Picture", "Pictures"],
    "takes.player": ["Player"],
    "requests": [
        "CoverImageRequest",
        "DebugOptions",
        "ElevenLabsOptions",
        "ExtendRequest",
        "MiniMaxOptions",
        "MusicRequest",
        "ProviderRouting",
        "SunoOptions",
        "UdioRequest",
        "UploadCoverRequest",
    ],
    "sandbox": ["Sandbox"],
    "session": ["Session"],
    "takes": ["Take"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Attempt",
    "AudioError",
    "AuthenticationError",
    "BudgetExceeded",
    "Comparison",
    "ConnectionFailed",
    "Cost",
    "CostLine",
    "CoverImageRequest",
    "Credits",
    "DebugOptions",
    "Descriptors",
    "ElevenLabsOptions",
    "EndpointDisabled",
    "ExperimentError",
    "ExtendRequest",
    "GatewayError",
    "GatewayUnavailable",
    "InsufficientFunds",
    "Job",
    "JobFailed",
    "JobNotFound",
    "JobTimeout",
    "Library",
    "LibraryBrowser",
    "LibraryError",
    "MiniMaxOptions",
    "MusicClient",
    "MusicForm",
    "MusicJob",
    "MusicRequest",
    "PhaseoError",
    "Picture",
    "Pictures",
    "Player",
    "ProviderRefused",
    "ProviderRouting",
    "Ranking",
    "RateLimited",
    "RequestRejected",
    "Sandbox",
    "Session",
    "SettingsError",
    "SunoOptions",
    "Sweep",
    "Take",
    "Track",
    "UdioRequest",
    "UncertainSubmission",
    "UploadCoverRequest",
    "Usage",
    "Vote",
    "Votes",
    "__version__",
    "allow_nested_loops",
    "callback_app",
    "callback_listener",
    "connect",
    "credits",
    "describe",
    "describe_all",
    "diff",
    "generate",
    "library",
    "login",
    "rank",
    "resume",
    "run",
    "spending",
    "submit",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # the one number stands in pyproject.toml

        value: Any = version("phaseo-nb")
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    elif name == "plots":
        value = importlib.import_module(".experiments.plots", __name__)
    elif name in ("errors", "sandbox"):  # modules that lessons and the README name
        value = importlib.import_module(f".{name}", __name__)
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Name the module that receives callbacks in a Jupyter server; the server asks for it."""
    return [{"module": "phaseo_nb.callbacks.server_extension"}]


def load_ipython_extension(ipython: Any) -> None:
    """Add ``%%music`` and ``%music``; this is what ``%load_ext phaseo_nb`` calls."""
    from .magic import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Take the magic away; this is what ``%unload_ext phaseo_nb`` calls."""
    from .magic import unload

    unload(ipython)
