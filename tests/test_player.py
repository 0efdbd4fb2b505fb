from __future__ import annotations

import base64
import re
import struct
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import PLAY, chromium
from IPython.display import Audio

from phaseo_nb.audio.codecs import decode, duration_of, encode
from phaseo_nb.audio.sniff import sniff
from phaseo_nb.errors import AudioError
from phaseo_nb.jobs import Cost, Track
from phaseo_nb.takes.kept import About, KeptTrack
from phaseo_nb.takes.player import Player

RATE = 44_100
ABOUT = About(
    prompt="Warm jazz trio with brushed drums",
    model="suno/v4.5",
    provider="suno",
    asked=8.0,
    cost=Cost(0.06),
    number=2,
)


def sound(seconds: float = 2.0, level: float = 0.5) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * 997 * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def kept(format: str = "mp3", data: bytes | None = None, **more) -> KeptTrack:
    facts = Track(0, title=more.pop("title", "Tide"), sandbox=more.pop("sandbox", False))
    recording = encode(sound(), RATE, format) if data is None else data
    return KeptTrack(facts, recording, **{"about": ABOUT, **more})


class Card(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_data(self, data):
        self.text += "" if self._in_style else data

    def handle_endtag(self, tag):
        self._in_style = False

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def embedded(self) -> tuple[str, bytes]:
        (audio,) = self.all("audio")
        mime, content = re.fullmatch(r"data:([a-z/0-9]+);base64,(.*)", audio["src"]).groups()
        return mime, base64.b64decode(content)


def card(track: KeptTrack, **more) -> Card:
    return Card(Player(track, **more)._repr_html_())


@pytest.mark.parametrize(
    ("format", "mime"),
    [
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
        ("aac", "audio/aac"),
    ],
)
def test_the_recording_is_in_the_page_once_as_received(format, mime):
    """The audio element itself holds the very bytes, under the type that they are."""
    if format == "aac":
        pytest.importorskip("av")
    track = kept(format)

    page = card(track)

    assert page.embedded == (mime, track.data)
    assert page.html.count(f"data:{mime}") == 1
    assert len(page.html) < len(track.data) * 4 / 3 + 12_000
    assert not page.all("source")
    (audio,) = page.all("audio")
    assert (audio["preload"], "controls" in audio, "autoplay" in audio) == ("metadata", True, False)
    assert audio["aria-label"] == "Play Tide"


def test_the_type_is_sniffed_not_believed():
    """A WAV file that the service called mp3 is played as WAV."""
    page = card(KeptTrack(Track(0, raw={"format": "mp3"}), encode(sound(), RATE, "wav")))

    assert page.embedded[0] == "audio/wav"


def test_the_card_says_what_is_heard():
    """Title, prompt, take, model, asked and true length, format, loudness and cost are text."""
    page = card(kept("wav"))

    for words in (
        "Tide",
        "Warm jazz trio with brushed drums",
        "take 2",
        "suno/v4.5",
        "asked 8 s, is 2.0 s",
        "wav",
        "−6.0 LUFS",  # −3.01 a channel for full scale, two channels, 6.02 dB down
        "$0.06",
    ):
        assert words in page.text
    assert "SANDBOX" not in page.text
    (picture,) = page.all("img")
    assert picture["src"].startswith("data:image/png;base64,iVBOR")
    assert picture["alt"].startswith("Waveform of Tide: 2.0 s, loudest around 0:0")


def test_the_sandbox_is_named():
    """A track of the sandbox wears the badge, and its repr says so too."""
    track = kept(sandbox=True)

    assert "SANDBOX" in card(track).text
    assert repr(Player(track)) == '<Player "Tide", 2.0 s, mp3, sandbox>'


def test_without_a_title_the_prompt_is_the_title():
    """The prompt stands in for a missing title, and then stands there once."""
    page = card(kept(title=None))

    assert page.text.count("Warm jazz trio") == 1


def test_a_hostile_title_is_text():
    """Markup and control characters of a title are shown, in the card and in the repr."""
    track = kept(title='"><img src=x onerror=alert(1)>\x1b[31m\u202e')

    page = card(track)

    assert len(page.all("img")) == 1
    assert "<img src=x onerror=alert(1)>␛[31m⟨U+202E⟩" in page.text
    assert "\x1b" not in repr(Player(track))


def test_it_is_an_ipython_audio():
    """Code that knows IPython's Audio finds its data, type and address here."""
    track = kept("ogg")
    player = Player(track)

    assert isinstance(player, Audio)
    assert (player.data, player.mimetype, player.autoplay) == (track.data, "audio/ogg", False)
    assert player.src_attr().startswith("data:audio/ogg;base64,T2dn")


def test_raw_samples_are_wrapped():
    """Raw samples of a service play as WAV with the same samples."""
    raw = struct.pack("<8h", *range(0, 8000, 1000)) * 5000
    track = kept(data=raw, pcm_rate=44_100)

    mime, data = card(track).embedded

    assert mime == "audio/wav"
    assert data[44:] == raw
    assert track.data == raw


def test_a_large_recording_is_embedded_as_a_preview(tmp_path):
    """Above the limit there is an mp3 of at most 96 kbit/s that fits, which the card says."""
    path = tmp_path / "whole.wav"
    path.write_bytes(encode(sound(10.0), RATE, "wav"))
    track = KeptTrack(Track(0, title="Tide"), path=path)

    page = card(track, embed_limit=200_000)

    mime, data = page.embedded
    assert mime == "audio/mpeg"
    assert len(data) <= 10.0 * 96_000 / 8 + 2000
    assert duration_of(data) == pytest.approx(10.0, abs=0.1)
    assert (
        f"Preview, mp3 96 kbit/s; the whole recording (wav, 1.8 MB) is kept as {path}." in page.text
    )


@pytest.mark.parametrize("limit", [100_000, 60_000, 25_000])
def test_a_preview_fits_its_limit(limit):
    """However small the limit, the preview stays under it; what is left out is said."""
    track = kept("wav", encode(sound(10.0), RATE, "wav"))

    page = card(track, embed_limit=limit)

    assert len(page.embedded[1]) <= limit
    whole = duration_of(page.embedded[1]) > 9.9
    assert whole != ("the first" in page.text)
    assert "track.save(" in page.text


def test_a_limit_of_nothing_embeds_nothing():
    """With no room at all the card names the way to the recording instead."""
    page = card(kept("wav"), embed_limit=0)

    assert not page.all("audio")
    assert "Too large to put into the page" in page.text
    assert "track.save(" in page.text


def test_the_limit_is_a_setting(monkeypatch):
    """PHASEO_NB_EMBED_LIMIT bounds every player; a slip in it hides no music."""
    monkeypatch.setenv("PHASEO_NB_EMBED_LIMIT", "100kB")
    assert "Preview" in card(kept("wav")).text

    monkeypatch.setenv("PHASEO_NB_EMBED_LIMIT", "a lot")
    assert card(kept("wav")).embedded[0] == "audio/wav"


def test_aac_plays_without_the_extra(monkeypatch):
    """Without PyAV, AAC is embedded with its exact length; the card says what the extra adds."""
    monkeypatch.setitem(sys.modules, "av", None)
    frame = b"\xff\xf1\x50\x80\x02\x9f\xfc" + bytes(13)
    track = kept(data=frame * 86)

    page = card(track)

    assert page.embedded == ("audio/aac", track.data)
    assert "is 2.0 s" in page.text
    assert "pip install 'phaseo-nb[aac]'" in page.text
    assert not page.all("img")


@pytest.mark.parametrize("data", [b"<html>log in</html>", b"RIFF\x24\0\0\0WAVEfmt "])
def test_what_is_no_sound_still_has_a_card(data):
    """Bytes that cannot be decoded give a card that says why, and no exception."""
    page = card(kept(data=data))

    assert re.search(r"are no audio|cannot be decoded", page.text)
    assert "Tide" in page.text


def test_silence_is_called_silent():
    """A silent recording is said to be silent, in the facts and in the picture's words."""
    page = card(kept("wav", encode(sound(2.0, 0.0), RATE, "wav")))

    assert "silent" in page.text
    assert page.all("img")[0]["alt"] == "Waveform of Tide: 2.0 s of silence"


def test_a_track_without_audio_is_refused():
    """A track that has nothing to play cannot become a player; the reason is the service's."""
    with pytest.raises(AudioError, match="SENSITIVE_WORD_ERROR"):
        Player(Track(0, failure="SENSITIVE_WORD_ERROR"))


def test_a_track_that_brought_its_audio_along_plays():
    """Audio that came inside an answer plays without being kept first."""
    data = encode(sound(), RATE, "mp3")

    assert Card(Player(Track(0, data=data))._repr_html_()).embedded == ("audio/mpeg", data)


def test_the_same_track_gives_the_same_page():
    """Two players of one recording are the same HTML, so saved notebooks do not churn."""
    assert card(kept("wav")).html == card(kept("wav")).html


def test_the_preview_sounds_like_the_recording():
    """The preview is decoded to the same tone at the same level."""
    track = kept("wav", encode(sound(10.0), RATE, "wav"))

    samples, rate = decode(card(track, embed_limit=150_000).embedded[1])

    spectrum = np.abs(np.fft.rfft(samples[0, :rate]))
    assert spectrum.argmax() == pytest.approx(997, abs=1)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.03)


@pytest.mark.browser
def test_players_play_in_a_browser(tmp_path: Path):
    """In Chromium each embedded format has its length and plays; dark pages get dark controls."""
    formats = ["mp3", "wav", "ogg", "flac"]
    body = "".join(Player(kept(format))._repr_html_() for format in formats)
    for theme in ("true", "false"):
        page = f'<!doctype html><meta charset="utf-8"><body data-jp-theme-light="{theme}">{body}'
        (tmp_path / f"{theme}.html").write_text(page, "utf-8")

    with chromium() as browser:
        for theme, scheme in (("true", "light"), ("false", "dark")):
            page = browser.new_page(viewport={"width": 320, "height": 900})
            page.goto((tmp_path / f"{theme}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            for element in page.query_selector_all("audio"):
                assert element.evaluate("e => getComputedStyle(e).colorScheme") == scheme
                said = element.evaluate(PLAY)
                assert said["duration"] == pytest.approx(2.0, abs=0.1)
                assert said["played"] > 0
                assert sniff(base64.b64decode(element.get_attribute("src").split(",")[1]))
