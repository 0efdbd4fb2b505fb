"""Sound as bytes, samples, numbers and pictures.

Samples are arrays of shape ``(n_channels, n_samples)``, float32 in −1.0 … 1.0, everywhere. This
package imports nothing heavy; ``codecs``, ``measure`` and ``pictures`` bring numpy.
"""

from __future__ import annotations

from .sniff import TYPES, AudioType, sniff

__all__ = ["TYPES", "AudioType", "sniff"]
