"""A name for a tune: a word of the prompt and a word that fits its mood."""

from __future__ import annotations

import re

from .score import Dice

_STOP = frozenset(
    {
        "about", "cappella", "choir", "female", "male", "sing", "singer", "singing", "sung",
        "bpm", "after", "again", "also", "and", "any", "are", "around", "background", "bars",
        "based", "bass", "beat", "beats", "between", "but", "can", "create", "drum",
        "drums", "fast", "flat", "for", "from", "generate", "give", "groove", "guitar", "half",
        "have", "instrumental", "into", "key", "like", "long", "major", "make", "minor", "minute",
        "minutes", "more", "music", "musical", "need", "not", "over", "piano", "play", "played",
        "playing", "please", "second", "seconds", "sharp", "short", "slow", "solo", "some",
        "something", "song", "sound", "sounds", "style", "tempo", "than", "that", "the", "their",
        "them", "then", "there", "these", "they", "this", "those", "time", "track", "tune",
        "under", "very", "vocal", "vocals", "want", "with", "without", "write", "you", "your",
    }
)  # fmt: skip
_BRIGHT = (
    "Morning", "Sunlight", "Holiday", "Open Windows", "Parade", "Orchard", "Kite", "Summer Street",
    "Lanterns", "Yes", "Garden", "Postcard",
)  # fmt: skip
_DARK = (
    "Midnight", "Undertow", "Embers", "Long Shadows", "Winter Line", "Rain", "Hollow", "Glass",
    "Last Train", "Ashes", "Blackwater", "Stillness",
)  # fmt: skip
_PLAIN = (
    "Horizon", "Signals", "Harbour", "Mirrors", "Distance", "Paper Maps", "Slow Light", "Echoes",
    "Satellites", "Rivers", "Crossing", "Daydream",
)  # fmt: skip
_SHAPES = ("{word} {image}", "{word} {image}", "The {word} {image}", "{image}, {word}")


def make_title(prompt: str, brightness: float, minor: bool, dice: Dice) -> str:
    """Return a title of at most 60 characters; the prompt's own words come first."""
    words = [
        word
        for word in re.findall(r"[^\W\d_]{3,14}", prompt[:400])
        if word.casefold() not in _STOP and word.isprintable()
    ]
    images: tuple[str, ...] = (
        _PLAIN if abs(brightness) < 0.2 else _BRIGHT if brightness > 0 else _DARK
    )
    if minor and brightness == 0:
        images = _PLAIN + _DARK
    image = dice.pick(images)
    if not words:
        return f"{dice.pick(('First', 'Quiet', 'Blue', 'Second', 'Northern', 'Small'))} {image}"
    word = dice.pick(words[:6]).title()
    return dice.pick(_SHAPES).format(word=word, image=image)[:60]
