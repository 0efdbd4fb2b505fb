"""Quantiles of the normal and of Student's t, as scipy is no dependency of this package."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
"""Of every interval and statement of a ranking."""
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)

_NORMAL = NormalDist()


def t_width(df: float) -> float:
    """Return how many standard errors a 95 % interval reaches to either side.

    Parameters
    ----------
    df
        Degrees of freedom, also between whole numbers; below 1 counts as 1, as the interval of
        half a degree would be thousands of standard errors wide.
    """
    df = max(df, 1.0)
    if df > 1e5:
        return Z
    t = as_t(Z, df)
    front = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    for _ in range(20):  # Newton; the tail is convex, so it comes from below after one step
        density = math.exp(front - (df + 1) / 2 * math.log1p(t * t / df))
        step = (t_tail(t, df) - (1 - CONFIDENCE) / 2) / density
        t += step
        if abs(step) < 1e-9 * t:
            break
    return t


def t_tail(t: float, df: float) -> float:
    """Return the chance that Student's t is above a value of at least 0."""
    return 0.5 * _incomplete_beta(df / 2, 0.5, df / (df + t * t))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly only on the other side
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    fraction = d
    for m in range(1, 300):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + step / c or tiny, 1 / (1 + step * d or tiny)
            fraction *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return math.exp(front) * fraction / a


def as_t(deviate: float, df: float) -> float:
    """Return the value of t about as unlikely as a normal deviate (Wallace's approximation)."""
    scaled = deviate * (8 * df + 3) / (8 * df + 1)
    return math.sqrt(df * math.expm1(scaled**2 / df))


def as_normal(t: Floats, df: Floats) -> Floats:
    """Return the normal deviates about as unlikely as values of t, by the same approximation.

    Within a hundredth from three degrees on; below that it errs on the side of doubt.
    """
    df = np.maximum(df, 1.0)
    deviates = (8 * df + 1) / (8 * df + 3) * np.sqrt(df * np.log1p(t * t / df))
    exact: Floats = np.where(df > 1e5, np.abs(t), deviates)
    return exact


def holm(deviates: Floats) -> npt.NDArray[np.bool_]:
    """Return which of several findings hold together at 95 % (Holm's step-down rule).

    Parameters
    ----------
    deviates : array [shape=(n,)]
        How far each is from nothing, in standard errors of a normal, without sign.
    """
    n = len(deviates)
    holds = np.zeros(n, bool)
    for done, place in enumerate(np.argsort(-deviates, kind="stable")):
        if deviates[place] < _NORMAL.inv_cdf(1 - (1 - CONFIDENCE) / 2 / (n - done)):
            break
        holds[place] = True
    return holds
