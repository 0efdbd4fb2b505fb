"""AAC, m4a and webm by PyAV, the extra ``[aac]``; only ``codecs.py`` comes here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AudioError
from ._limits import MAX_SECONDS, check_length, damaged
from .sniff import AudioType

FloatArray = npt.NDArray[np.float32]

INSTALL = "pip install 'phaseo-nb[aac]'"


def _load(what: str) -> Any:
    try:
        import av
    except ImportError as error:
        message = f"{what} needs PyAV, which is not installed: {INSTALL}"
        raise AudioError(message) from error
    return av


def decode(data: bytes, kind: AudioType, *, max_seconds: float) -> tuple[FloatArray, int]:
    """Decode the first sound of a file that libsndfile cannot read."""
    av = _load(f"Reading {kind.format} (waveform, loudness, converting)")
    blocks: list[FloatArray] = []
    n_frames = 0
    try:
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.audio[0]
            rate = int(stream.codec_context.sample_rate)
            resampler = av.AudioResampler(format="fltp", rate=rate)
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    block = np.asarray(part.to_ndarray(), np.float32)
                    n_frames += block.shape[1]
                    check_length(n_frames, rate, block.shape[0], max_seconds)
                    blocks.append(block)
    except (av.FFmpegError, IndexError, ValueError, MemoryError) as error:
        raise damaged(kind, data, error) from error
    if not blocks:
        return np.zeros((2, 0), np.float32), rate
    return np.concatenate(blocks, axis=1), rate


def duration(data: bytes, kind: AudioType) -> float:
    """Return the length in seconds by decoding; the last resort."""
    samples, rate = decode(data, kind, max_seconds=MAX_SECONDS)
    return float(samples.shape[1]) / rate


def encode_adts(blocks: Iterator[FloatArray], rate: int, n_channels: int, kbps: int) -> bytes:
    """Write AAC-LC in ADTS frames."""
    av = _load("Writing aac")
    out = io.BytesIO()
    try:
        with av.open(out, "w", format="adts") as container:
            stream = container.add_stream("aac", rate=rate)
            stream.codec_context.layout = "stereo" if n_channels == 2 else "mono"
            stream.codec_context.format = "fltp"
            stream.bit_rate = kbps * 1000
            n_written = 0
            for block in blocks:
                clipped = np.ascontiguousarray(np.clip(block, -1.0, 1.0))
                frame = av.AudioFrame.from_ndarray(
                    clipped, format="fltp", layout="stereo" if n_channels == 2 else "mono"
                )
                frame.sample_rate = rate
                frame.pts = n_written
                n_written += block.shape[1]
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError) as error:
        message = f"{n_channels} channels of {rate} Hz cannot be written as aac ({error})."
        raise AudioError(message) from error
    return out.getvalue()
