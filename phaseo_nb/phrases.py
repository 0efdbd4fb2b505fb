"""How values are said: lengths, sizes, loudness, and text of others made safe to read."""

from __future__ import annotations

import math
import re
import unicodedata

# Signs that turn text around or are not seen (Default_Ignorable_Code_Point). The joiners and a
# single selector are not among them, nor the flags that are spelled in tags (first group): emoji
# and several scripts need them. Tags elsewhere, or selectors in a row, are hidden words.
UNSEEN = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
    "|[\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)


def visible(text: object) -> str:
    """Return text on one line, with everything in it that acts instead of being read shown.

    Control characters become their pictures (``␛``), marks that reorder or hide text their
    number (``⟨U+202E⟩``), lone surrogates ``�``; line ends and tabs become spaces.
    """
    line = " ".join(re.split(r"[ \t\r\n]+", str(text))).strip(" ")
    if line.isascii() and line.isprintable():
        return line
    line = line.encode("utf-8", "replace").decode()
    return UNSEEN.sub(_number, "".join(map(_picture, line)))


def _picture(sign: str) -> str:
    code = ord(sign)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩" if 0x80 <= code < 0xA0 else sign


def _number(match: re.Match[str]) -> str:
    return match[1] or "".join(f"⟨U+{ord(sign):04X}⟩" for sign in match[0])


def excerpt(text: object, limit: int = 80) -> str:
    """Return the beginning of a text on one line, cut between words where that is possible."""
    line = visible(text)
    if len(line) <= limit:
        return line
    cut = limit - 1
    while cut > 1 and (unicodedata.combining(line[cut]) or line[cut] in "\u200d\ufe0f"):
        cut -= 1
    space = line.rfind(" ", 0, cut)
    return line[: space if space > limit * 0.5 else cut].rstrip(" ,;:") + "…"


def clock(seconds: float) -> str:
    """Return a length of time as ``0:41`` or ``1:02:03``."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(n_bytes: int) -> str:
    """Return a number of bytes as people say it: ``48 kB``, ``4.2 MB``."""
    if n_bytes < 1_000_000:
        return f"{max(round(n_bytes / 1000), 1)} kB"
    return f"{n_bytes / 1_000_000:.1f} MB"


def loudness(lufs: float) -> str:
    """Return a loudness with a real minus sign; silence has none to tell."""
    return "silent" if math.isinf(lufs) else f"{lufs:.1f} LUFS".replace("-", "−")


def length_words(seconds: float | None, asked: float | None = None) -> str:
    """Return how long a track is, and beside it how long it was meant to be."""
    if seconds is None:
        return f"asked {asked:g} s" if asked is not None else ""
    if asked is not None:
        return f"asked {asked:g} s, is {seconds:.1f} s"
    return f"{seconds:.1f} s" if seconds < 100 else clock(seconds)


def maker(model: str | None, provider: str | None) -> list[str]:
    """Return model and provider, the provider only where the model does not name it."""
    if model and provider and model.lower().startswith(f"{provider.lower()}/"):
        return [model]
    return [word for word in (model, provider) if word]
