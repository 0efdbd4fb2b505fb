"""What the decoders have in common: how much is too much, and what to say of broken files."""

from __future__ import annotations

from ..errors import AudioError
from .sniff import AudioType

MAX_SECONDS = 1800.0
"""Longest recording that is decoded; a few kB of silence can claim to be days."""

MAX_VALUES = int(MAX_SECONDS * 48_000 * 2)
"""Most samples over all channels: bounds memory where the rate or the channels are extreme."""


def check_length(n_frames: int, rate: int, n_channels: int, max_seconds: float) -> None:
    """Refuse a recording that is longer than anybody meant, before memory is spent on it."""
    if n_frames <= max_seconds * rate and n_frames * n_channels <= MAX_VALUES:
        return
    message = (
        f"This recording claims to be {n_frames / max(rate, 1):,.0f} s long ({n_channels} channels"
        f" of {rate} Hz); at most {max_seconds:,.0f} s of stereo are decoded."
    )
    raise AudioError(message)


def damaged(kind: AudioType, data: bytes, error: Exception) -> AudioError:
    """Return the error for bytes that begin like audio and cannot be read."""
    return AudioError(
        f"These {len(data)} bytes begin like {kind.format} and cannot be decoded"
        f" ({type(error).__name__}). The file is damaged or incomplete; fetch it again."
    )
