"""What is sent: requests of both services, checked before anything leaves the machine."""

from __future__ import annotations

from .keys import request_key
from .options import (
    AudioSetting,
    DebugOptions,
    ElevenLabsOptions,
    MiniMaxOptions,
    ProviderRouting,
    SunoOptions,
)
from .phaseo import MusicRequest
from .restored import restored_request
from .rules import provider_of
from .udio import UdioRequest
from .udio_more import CoverImageRequest, ExtendRequest, UploadCoverRequest
from .words import BuiltRequest, build_request

__all__ = [
    "AudioSetting",
    "BuiltRequest",
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
    "build_request",
    "provider_of",
    "request_key",
    "restored_request",
]
