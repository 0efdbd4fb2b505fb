"""From a musician's words to the fields of each provider.

The same words reach every provider: as its own field where it has one, inside the prompt where
that is a sensible reading, and as a note where neither is so. An explicit option wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..errors import Issue, RequestRejected
from ._base import in_words
from ._checks import boolean, text
from ._effects import ineffective
from ._json import is_blank, length, trim
from .phaseo import MusicRequest
from .rules import provider_of
from .udio import UdioRequest

_VOICES = {"m": "male", "male": "male", "f": "female", "female": "female"}


class BuiltRequest(NamedTuple):
    """A request made of words, and what to say before it is sent."""

    request: MusicRequest | UdioRequest
    notes: tuple[str, ...]
    """Words with no effect, and what was made up so that the request is valid; one line each."""


@dataclass
class _Words:
    """The portable words as given; blank ones count as not given, but for the prompt."""

    prompt: str | None
    lyrics: str | None
    style: str | None
    title: str | None
    instrumental: bool | None
    negative: str | None
    voice: str | None
    """``male`` or ``female``."""
    notes: list[str] = field(default_factory=list)

    @property
    def sung(self) -> str | None:
        """The lyrics, unless nothing is to be sung."""
        return None if self.instrumental else self.lyrics

    def put(self, options: dict[str, Any], name: str, word: str, value: Any, home: str) -> None:
        """Fill a provider's field from a word, unless the option is given already."""
        if value is None:
            return
        if name not in options:
            options[name] = value
        elif options[name] != value:
            self.notes.append(f"{word}: {home}.{name} was given and wins")


def build_request(
    wire: Literal["phaseo", "udio"],
    prompt: str | None = None,
    *,
    model: str | None,
    duration: int | None = None,
    format: str | None = None,
    lyrics: str | None = None,
    style: str | None = None,
    title: str | None = None,
    instrumental: bool | None = None,
    negative: str | None = None,
    voice: str | None = None,
    suno: Any = None,
    elevenlabs: Any = None,
    minimax: Any = None,
    provider: Any = None,
    routing: Any = None,
    debug: Any = None,
    echo_upstream_request: bool | None = None,
) -> BuiltRequest:
    """Make a request out of words; ``None`` means not given.

    Parameters
    ----------
    wire
        Which service's request: ``"phaseo"`` or ``"udio"``.
    prompt
        What the music should be.
    model
        Model id; the provider follows from it (Phaseo needs one, udioapi.pro has a default).
    duration, format
        Whole seconds, and ``mp3 wav ogg aac``, where the provider lets you choose.
    lyrics, style, title, instrumental, negative, voice
        What is sung; style words; the title; no singing; what to keep out; ``"m"`` or ``"f"``
        (or ``"male"``, ``"female"``).
    suno, elevenlabs, minimax, provider, routing, debug
        Option objects, as dicts (the wire's spelling or snake_case) or models. ``provider`` may
        be a provider's name.
    echo_upstream_request
        Ask what was sent to the provider.

    Returns
    -------
    BuiltRequest
        The checked request, and notes on words that will have no effect.

    Raises
    ------
    RequestRejected
        A word of the wrong type, or a request that breaks a rule of the service.
    """
    words = _checked(prompt, lyrics, style, title, instrumental, negative, voice)
    given = {
        "model": model,
        "prompt": prompt,
        "duration": duration,
        "format": format,
        "suno": suno,
        "elevenlabs": elevenlabs,
        "minimax": minimax,
        "provider": {"only": [provider]} if isinstance(provider, str) else provider,
        "routing": routing,
        "debug": debug,
        "echo_upstream_request": echo_upstream_request,
    }
    given = {name: value for name, value in given.items() if value is not None}
    request = _udio(words, given) if wire == "udio" else _phaseo(words, given)
    notes = dict.fromkeys([*words.notes, *request.ineffective()])
    return BuiltRequest(request, tuple(notes))


def _checked(
    prompt: Any, lyrics: Any, style: Any, title: Any, instrumental: Any, negative: Any, voice: Any
) -> _Words:
    texts = {"prompt": prompt, "lyrics": lyrics, "style": style, "title": title}
    texts |= {"negative": negative, "voice": voice}
    issues = [
        in_words(issue)
        for name, value in texts.items()
        if value is not None
        for issue in text()(value, (name,))
    ]
    if instrumental is not None:
        issues += map(in_words, boolean(instrumental, ("instrumental",)))
    if isinstance(voice, str) and not is_blank(voice) and trim(voice).lower() not in _VOICES:
        expected = 'It must be "m" or "f" ("male" and "female" are understood too).'
        issues.append(Issue("voice", "invalid_value", voice, expected))
    if issues:
        raise RequestRejected(*issues)
    filled = {name: None if is_blank(value) else value for name, value in texts.items()}
    said = _VOICES[trim(voice).lower()] if filled["voice"] else None
    return _Words(**{**filled, "prompt": prompt, "voice": said}, instrumental=instrumental)


def notes_on(model: str, prompt: str, words: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the notes of :func:`build_request` for Phaseo, without the request: a form asks often.

    Raises
    ------
    RequestRejected
        It would break a rule of the service.
    """
    names = ("lyrics", "style", "title", "instrumental", "negative", "voice")
    said = _checked(prompt, *(words.get(name) for name in names))
    others = {name: value for name, value in words.items() if name not in names}
    body = _phaseo_body(said, {"model": model, "prompt": prompt, **others})
    issues = tuple(MusicRequest._issues(body))
    if issues:
        raise RequestRejected(*issues)
    return tuple(dict.fromkeys([*said.notes, *ineffective(body)]))


def _phaseo(words: _Words, given: Mapping[str, Any]) -> MusicRequest:
    return MusicRequest.model_validate(_phaseo_body(words, given))


def _phaseo_body(words: _Words, given: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = MusicRequest._spelled(given)
    homes = ("suno", "elevenlabs", "minimax")
    if any(not isinstance(body.get(name, {}), dict) for name in homes):
        return body  # will be refused, with its reason
    options = {name: dict(body.get(name, {})) for name in homes}
    fill = {
        "suno": _to_suno,
        "elevenlabs": _to_elevenlabs,
        "minimax": _to_minimax,
        "sandbox": _to_sandbox,
    }.get(_provider(body.get("model")) or "", _to_text)
    fill(words, body, options)
    for name in homes:
        if options[name]:
            body[name] = options[name]
    return body


def _provider(model: Any) -> str | None:
    return provider_of(model) if isinstance(model, str) else None


_OptionsOf = dict[str, dict[str, Any]]


def _to_suno(words: _Words, body: dict[str, Any], options: _OptionsOf) -> None:
    suno = options["suno"]
    words.put(suno, "instrumental", "instrumental", words.instrumental, "suno")
    words.put(suno, "negativeTags", "negative", words.negative, "suno")
    words.put(suno, "vocalGender", "voice", words.voice and words.voice[0], "suno")
    if not (words.lyrics or words.style or words.title):
        return
    if suno.get("customMode") is False:
        words.put(suno, "style", "style", words.style, "suno")
        words.put(suno, "title", "title", words.title, "suno")
        if words.lyrics:
            words.notes.append("lyrics: suno sings them only with customMode on")
        return
    suno.setdefault("customMode", True)
    _sing(words, suno)
    _describe(words, suno)
    _name(words, suno)


def _sing(words: _Words, suno: dict[str, Any]) -> None:
    silent = suno.get("instrumental") is True
    if words.lyrics and silent:
        words.notes.append("lyrics: nothing is sung, the music is instrumental")
    elif words.lyrics:
        words.put(suno, "prompt", "lyrics", words.lyrics, "suno")
    elif not silent and "prompt" not in suno and not is_blank(words.prompt):
        words.notes.append(
            "prompt: with a style or title, suno sings the prompt word for word; give lyrics=… "
            "or instrumental=True to have it describe the music"
        )


def _describe(words: _Words, suno: dict[str, Any]) -> None:
    """Fill the style; the prompt goes there too where it is not what is sung."""
    prompt = None if is_blank(words.prompt) else words.prompt
    unsung = bool("prompt" in suno or suno.get("instrumental"))
    style = ", ".join(filter(None, (words.style, prompt))) if unsung else words.style or prompt
    if "style" not in suno:
        if style:
            suno["style"] = style
        return
    if words.style:
        words.put(suno, "style", "style", words.style, "suno")
    if prompt and unsung and prompt not in str(suno["style"]):
        words.notes.append("prompt: suno.style was given, and describes the music in its place")


def _name(words: _Words, suno: dict[str, Any]) -> None:
    words.put(suno, "title", "title", words.title, "suno")
    if "title" in suno:
        return
    source = next((name for name in ("prompt", "lyrics", "style") if _title(words, name)), None)
    if source is not None:
        suno["title"] = _title(words, source)
        made_up = f"{suno['title']!r} was taken from the {source}"
        words.notes.append(f"title: {made_up}, because suno needs one with a style or lyrics")


def _title(words: _Words, source: str) -> str:
    """Return the first few words of a text, section marks such as ``[Verse]`` left out."""
    lines = re.sub(r"\[[^\]\n]*\]", "", getattr(words, source) or "").strip().splitlines()
    title = " ".join(lines[0].split()[:6]) if lines else ""
    return title[:60].rstrip(" ,;:.-")


def _to_elevenlabs(words: _Words, body: dict[str, Any], options: _OptionsOf) -> None:
    own = options["elevenlabs"]
    words.put(own, "force_instrumental", "instrumental", words.instrumental, "elevenlabs")
    winner = next((n for n in ("prompt", "composition_plan") if own.get(n) is not None), None)
    told = ("style", "voice", "negative", "lyrics")
    _tell(words, body, told, winner and f"elevenlabs.{winner}", "elevenlabs")


def _to_minimax(words: _Words, body: dict[str, Any], options: _OptionsOf) -> None:
    own = options["minimax"]
    words.put(own, "is_instrumental", "instrumental", words.instrumental, "minimax")
    if words.lyrics and own.get("is_instrumental") is True:
        words.notes.append("lyrics: nothing is sung, the music is instrumental")
    else:
        words.put(own, "lyrics", "lyrics", words.lyrics, "minimax")
    winner = "minimax.prompt" if "prompt" in own else None
    _tell(words, body, ("style", "voice", "negative"), winner, "minimax")


def _to_sandbox(words: _Words, body: dict[str, Any], options: _OptionsOf) -> None:
    suno = options["suno"]
    if words.lyrics:
        body["lyrics"] = words.lyrics
    if words.instrumental is not None:
        body["is_instrumental"] = words.instrumental
    words.put(suno, "style", "style", words.style, "suno")
    words.put(suno, "title", "title", words.title, "suno")
    words.put(suno, "negativeTags", "negative", words.negative, "suno")
    words.put(suno, "vocalGender", "voice", words.voice and words.voice[0], "suno")


def _to_text(words: _Words, body: dict[str, Any], options: _OptionsOf) -> None:
    """For Lyria, and for providers nobody knows here: all in the prompt."""
    home = _provider(body.get("model")) or "this provider"
    if words.instrumental is False:
        words.notes.append(f"instrumental: {home} follows the prompt, there is nothing to set")
    _tell(words, body, ("style", "instrumental", "voice", "negative", "lyrics"), None, home)


def _tell(
    words: _Words, body: dict[str, Any], told: tuple[str, ...], winner: str | None, home: str
) -> None:
    """Put words that have no field into the prompt, unless an option takes its place."""
    sentences = {
        "style": words.style and f"Style: {words.style}.",
        "instrumental": words.instrumental and "Instrumental, no vocals.",
        "voice": words.voice and f"{words.voice.capitalize()} vocals.",
        "negative": words.negative and f"Without: {words.negative}.",
        "lyrics": words.sung and f"\nLyrics:\n{words.sung}",
    }
    if words.title:
        words.notes.append(f"title: has no effect at {home}")
    if words.lyrics and words.instrumental and "lyrics" in told:
        words.notes.append("lyrics: nothing is sung, the music is instrumental")
    chosen = {name: sentences[name] for name in told if sentences[name]}
    if winner is not None:
        words.notes += [f"{name}: {winner} was given and wins" for name in chosen]
    elif chosen:
        body["prompt"] = _joined(words.prompt, *map(str, chosen.values()))


def _joined(prompt: str | None, *sentences: str) -> str:
    start = "" if is_blank(prompt) else trim(prompt or "")
    if start and start[-1] not in ".!?…:;,":
        start += "."
    return " ".join(filter(None, (start, *sentences))).replace(" \n", "\n").strip()


_UNKNOWN_TO_UDIO = {
    "duration": "udioapi.pro decides the length itself",
    "format": "udioapi.pro decides the format itself",
    "echo_upstream_request": "udioapi.pro has no such wish",
    "debug": "udioapi.pro has no such wish",
}


def _udio(words: _Words, given: Mapping[str, Any]) -> UdioRequest:
    body: dict[str, Any] = {"model": given["model"]} if "model" in given else {}
    prompt = None if is_blank(words.prompt) else words.prompt
    if words.sung:
        body["prompt"] = words.sung
        body["style"] = _udio_style(words, prompt, given.get("model"))
    else:
        if words.lyrics:
            words.notes.append("lyrics: nothing is sung, the music is instrumental")
        description = _joined(prompt, f"Style: {words.style}.") if words.style else words.prompt
        body |= {"gpt_description_prompt": description, "style": words.style}
    body |= {"title": words.title, "tags": words.negative, "gender": words.voice}
    body["make_instrumental"] = words.instrumental
    for name in given:
        if name not in ("model", "prompt"):
            reason = _UNKNOWN_TO_UDIO.get(name, "belongs to another gateway")
            words.notes.append(f"{name}: {reason}")
    return UdioRequest(**{name: value for name, value in body.items() if value is not None})


def _udio_style(words: _Words, prompt: str | None, model: Any) -> str | None:
    """Return style and prompt together: beside lyrics, the prompt has no other place."""
    both = ", ".join(filter(None, (words.style, prompt)))
    longest = 200 if isinstance(model, str) and re.search(r"v3[.-]5|v4[.-]0", model) else 1000
    if words.style and prompt and length(both) > longest:
        words.notes.append(f"prompt: no room for it beside style and lyrics ({longest} characters)")
        return words.style
    return both or None
