"""Pictures of many tracks at once: waveforms, spectrograms, one figure against another.

All are static HTML with pictures inside and inline styles: no script, nothing fetched, and they
are still there where a notebook is opened untrusted, exported, or without a kernel.
"""

from __future__ import annotations

from ._multiples import Multiples, spectrograms, waveforms
from ._scatter import Scatter, scatter

__all__ = ["Multiples", "Scatter", "scatter", "spectrograms", "waveforms"]
