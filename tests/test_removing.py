"""Deleting: hidden at once, back on request, gone when the kernel is; money is never forgotten."""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import subprocess
import sys

import httpx
import pytest
from journals import rows
from wires import KEY, Wire, sine_wav

import phaseo_nb as nb
from phaseo_nb.keeping.upkeep.removing import unsaid
from phaseo_nb.keeping.upkeep.room import size_of, warn_over_quota

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"model": "suno/v4.5", "show": False}


class Tones(Wire):
    """Each download is a tone of another length, so that every recording is another."""

    def __init__(self, **more):
        super().__init__(audio=Tones.tone, **more)
        self.n_tones = 0

    def tone(self):
        self.n_tones += 1
        return httpx.Response(200, content=sine_wav(0.5 + self.n_tones / 10))


@pytest.fixture
def wire():
    wire = Tones()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    return wire


def make(prompt="a waltz", **more):
    return nb.run(nb.generate(prompt, **{**WORDS, **more}))


def reopen(home):
    """End this kernel's use of the library and look at it anew."""
    nb.library().close()
    return nb.Library(home)


def audio_files(home):
    return sorted(path.name for path in (home / "audio").rglob("*") if path.is_file())


# -- takes ---------------------------------------------------------------------------------------


def test_a_deleted_take_is_not_found_and_not_kept(wire):
    """After delete() neither recent, search nor get knows it, and its cell buys it anew."""
    take = make()

    nb.library().delete(take)

    assert list(nb.library().recent()) == []
    assert list(nb.library().search("waltz")) == []
    with pytest.raises(nb.LibraryError, match="no take"):
        nb.library().get(take.id)
    assert make().id != take.id
    assert len(wire.posts) == 2


def test_undo_brings_the_very_take_back(wire):
    """undo() restores rating, note, tags and audio, and the request is kept again."""
    take = make()
    take.rating, take.note, take.tags = 4, "keep this", ["demo"]
    sound = take.track.recording

    back = nb.library().delete(take.id).undo()

    assert [t.id for t in back] == [take.id]
    again = make()
    assert (again.id, again.rating, again.note, again.tags) == (take.id, 4, "keep this", ("demo",))
    assert again.track.recording == sound
    assert [t.id for t in nb.library().search("keep")] == [take.id]
    assert len(wire.posts) == 1


def test_undo_gives_a_take_whose_number_is_taken_the_next_one(wire):
    """A take that was made meanwhile keeps its number; what comes back is numbered after it."""
    first = make()
    deleted = nb.library().delete(first)
    second = make()
    assert second.number == 1

    (back,) = deleted.undo()

    assert back.number == 2
    assert {t.number for t in nb.library().recent()} == {1, 2}
    assert make(take=2).id == first.id
    assert len(wire.posts) == 2


def test_undo_is_once(wire):
    """A second undo() says that there is nothing to undo."""
    deleted = nb.library().delete(make())
    deleted.undo()

    with pytest.raises(nb.LibraryError, match="brought back already"):
        deleted.undo()


def test_lists_attempts_and_ids_can_be_deleted(wire):
    """delete() takes what the library's own lists give, failed attempts included."""
    first, second = make(), make("a polka")
    wire.gets = [lambda wire: wire.state("failed", result={"data": {"errorMessage": "no"}})]
    with pytest.raises(nb.JobFailed):
        make("a march")
    failed = nb.library().recent(status="failed")

    nb.library().delete([first], second.id, failed)

    assert len(nb.library().recent()) == 0
    assert len(nb.library().recent(status="failed")) == 0


def test_what_is_not_there_deletes_nothing(wire):
    """One wrong id and every other take of the call stays."""
    take = make()

    with pytest.raises(nb.LibraryError, match=r"'nonsense'.*Nothing was deleted"):
        nb.library().delete(take, "nonsense")
    with pytest.raises(nb.LibraryError, match="is no take"):
        nb.library().delete(take, 3)

    assert [t.id for t in nb.library().recent()] == [take.id]


def test_an_open_end_cannot_be_deleted(wire):
    """What may have been paid and is not settled stays until somebody settles it."""
    wire.post = lambda _: httpx.ReadTimeout("lost")
    with pytest.raises(nb.UncertainSubmission):
        make()
    (attempt,) = nb.library().uncertain()

    with pytest.raises(nb.LibraryError, match="write_off"):
        nb.library().delete(attempt)

    assert len(nb.library().uncertain()) == 1


# -- for good ------------------------------------------------------------------------------------


def test_the_end_of_the_kernel_ends_a_deleted_take(wire, home):
    """At close the audio and every word go from the disk; what it cost stays in spending()."""
    take = make("a very secret waltz")
    take.note, take.tags = "quite private", ["hush"]
    before = nb.library().spending("model")
    nb.library().delete(take)
    assert len(audio_files(home)) == 1

    library = reopen(home)

    assert audio_files(home) == []
    assert library.spending("model") == before
    assert before[0]["usd"] == pytest.approx(0.06)
    (row,) = rows(home, "SELECT * FROM takes")
    text = json.dumps(row) + json.dumps(rows(home, "SELECT * FROM texts, tags"))
    assert not any(word in text for word in ("secret", "private", "hush", "Tide"))
    assert "suno/v4.5" in text


def test_a_recording_that_another_take_has_stays(home):
    """Deleting one of two takes with the same recording leaves the file for the other."""
    wire = Wire()  # the same sound each time
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    first, second = make(), make(fresh=True)
    deleted = nb.library().delete(first)
    assert deleted.size_bytes == 0

    library = reopen(home)

    kept = library.get(second.id)
    assert hashlib.sha256(kept.track.recording).hexdigest() == kept.track.sha256
    assert len(audio_files(home)) == 1


def test_for_good_frees_the_disk_at_once(wire, home):
    """for_good() removes what was deleted, only that, and then nothing can be undone."""
    first, second, third = make(), make("a polka"), make("a march")
    deleted, other = nb.library().delete(first), nb.library().delete(second)

    deleted.for_good()

    assert len(audio_files(home)) == 2
    with pytest.raises(nb.LibraryError, match="gone for good"):
        deleted.undo()
    assert [t.id for t in other.undo()] == [second.id]
    assert nb.library().get(third.id).track.recording


DELETING = """
import sys, os, signal
import phaseo_nb as nb
library = nb.Library(sys.argv[1])
print(repr(library.delete(*sys.argv[3:], audio_only=sys.argv[2] == "audio")), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def delete_and_die(home, what, *ids):
    call = [sys.executable, "-c", DELETING, str(home), what, *ids]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["take", "audio"])
@pytest.mark.of_sqlite
def test_a_later_kernel_ends_what_a_killed_one_deleted(wire, home, what):
    """A kernel that deletes and is killed leaves the rest to whoever opens the library next."""
    take, other = make(), make("a polka")
    nb.library().close()
    said = delete_and_die(home, what, take.id)
    assert "undo()" in said
    assert len(audio_files(home)) == 2

    library = nb.Library(home)

    assert audio_files(home) == [f"{other.track.sha256}.wav"]
    assert [t.id for t in library.recent()] == [other.id] + [take.id] * (what == "audio")
    assert sum(row["usd"] for row in library.spending()) == pytest.approx(0.12)


def test_another_kernel_that_lives_keeps_its_way_back(wire, home):
    """Opening the library beside a kernel that has just deleted does not end its undo."""
    take = make()
    deleted = nb.library().delete(take)
    code = "import sys, phaseo_nb as nb; print(len(nb.Library(sys.argv[1]).recent()))"

    out = subprocess.run(
        [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True
    )

    assert out.stdout.split() == ["0"]
    assert [t.id for t in deleted.undo()] == [take.id]


# -- audio only ----------------------------------------------------------------------------------


def test_freeing_the_audio_keeps_the_facts(wire, home):
    """The take is still found with all it was, and its card says that its audio was deleted."""
    take = make()
    take.rating = 2
    nb.library().delete(take, audio_only=True)

    library = reopen(home)

    assert audio_files(home) == []
    (kept,) = library.search("waltz")
    assert (kept.id, kept.rating, kept.cost.usd) == (take.id, 2, pytest.approx(0.06))
    assert not kept.track.has_audio
    assert "audio was deleted here" in kept._repr_html_()
    with pytest.raises(nb.AudioError, match="was deleted here"):
        kept.track.audio()


def test_a_cell_fetches_freed_audio_again_for_nothing(wire, home):
    """Running the cell of a take without its audio downloads it and orders nothing."""
    take = make()
    nb.library().delete(take, audio_only=True).for_good()
    assert audio_files(home) == []

    again = make()

    assert again.id == take.id
    assert again.track.recording == sine_wav(0.7)
    assert len(wire.posts) == 1


def test_a_reason_of_ours_goes_with_the_cause():
    """Once a track has its audio again, our word that it was deleted goes; a service's stays."""
    said = ["The audio was deleted here on 2026-11-25; …", "Its file was found missing", "no voice"]
    answer = nb.MusicJob("j", "completed", tracks=tuple(nb.Track(0, failure=why) for why in said))

    assert [t.failure for t in unsaid(answer, [0, 1, 2]).tracks] == [None, None, "no voice"]
    assert [t.failure for t in unsaid(answer, [1]).tracks] == [said[0], None, "no voice"]


def test_freed_audio_comes_back_by_undo(wire, home):
    """undo() of freed audio gives the track its recording back, and the card its player."""
    take = make()
    deleted = nb.library().delete(take, audio_only=True)
    assert "`.undo()`" in repr(deleted)

    (back,) = deleted.undo()

    assert back.track.recording == sine_wav(0.6)
    assert back.track.failure is None
    assert "was deleted" not in back._repr_html_()
    assert reopen(home).get(take.id).track.has_audio


def test_undo_leaves_a_recording_that_was_fetched_meanwhile(wire, home):
    """Audio that its cell has fetched again is not replaced by the one that was deleted."""
    take = make()
    deleted = nb.library().delete(take, audio_only=True)
    make()

    deleted.undo()

    assert reopen(home).get(take.id).track.recording == sine_wav(0.7)
    assert len(audio_files(home)) == 1


# -- size ----------------------------------------------------------------------------------------


@pytest.mark.of_sqlite
def test_disk_use_counts_what_lies_there(wire, home):
    """Audio bytes are those of the files; deleted ones are told apart until they go."""
    take = make()
    make("a polka")
    sizes = [len(sine_wav(0.6)), len(sine_wav(0.7))]

    use = nb.library().disk_use()
    assert (use.audio_bytes, use.n_recordings, use.deleted_bytes) == (sum(sizes), 2, 0)
    assert use.journal_bytes >= (home / "journal.db").stat().st_size
    nb.library().delete(take)

    assert nb.library().disk_use().deleted_bytes == sizes[0]
    assert "deleted" in repr(nb.library().disk_use())
    assert "2 takes" not in repr(nb.library())
    assert "1 take, " in repr(nb.library())
    assert "1 take" in nb.library()._repr_html_()


@pytest.mark.parametrize(
    ("words", "n_bytes"),
    [
        (0, 0),
        (1234, 1234),
        ("2GB", 2_000_000_000),
        ("1.5 mb", 1_500_000),
        ("500kB", 500_000),
        ("1 GiB", 1_073_741_824),
        ("17", 17),
        ("3t", 3_000_000_000_000),
    ],
)
def test_sizes_in_words(words, n_bytes):
    """Decimal units are powers of 1000, binary ones of 1024."""
    assert size_of(words) == n_bytes


@pytest.mark.parametrize(
    "wrong", ["much", "-1", "2 XB", "", -5, True, float("nan"), float("inf"), [], "1e99", 1e300]
)
def test_what_is_no_size_is_refused(wrong):
    """A quota that cannot be meant raises and changes nothing."""
    nb.library().set_quota("1GB")

    with pytest.raises(nb.LibraryError, match="is no size"):
        nb.library().set_quota(wrong)

    assert nb.library().disk_use().quota_bytes == 1_000_000_000


def test_a_quota_deletes_nothing_and_says_so_once(wire, home, caplog):
    """Over quota the library says what to do, once in the log, and every file stays."""
    make()
    library = nb.library()
    library.set_quota(1000)

    with caplog.at_level(logging.WARNING, "phaseo_nb"):
        for _ in range(3):
            warn_over_quota(library.folder)

    said = [record.message for record in caplog.records if "make_room" in record.message]
    assert len(said) == 1
    assert library.disk_use().over_bytes == len(sine_wav(0.6)) - 1000
    assert "make_room" in repr(library.disk_use())
    assert len(audio_files(home)) == 1
    library.set_quota(None)
    assert library.disk_use().over_bytes == 0


def test_room_is_proposed_oldest_unrated_first(wire, home):
    """make_room() lists the oldest unrated takes that are enough, and deletes nothing."""
    takes = [make(prompt) for prompt in ("a waltz", "a polka", "a march", "a tango")]
    takes[0].rating = 1
    sizes = [len(sine_wav(0.5 + n / 10)) for n in (1, 2, 3, 4)]

    room = nb.library().make_room(sizes[1] + 1)

    assert room.ids == (takes[1].id, takes[2].id)
    assert room.size_bytes == sizes[1] + sizes[2]
    assert "polka" in repr(room)
    assert takes[1].id in room._repr_html_()
    assert len(audio_files(home)) == 4


def test_rated_takes_go_only_when_asked_and_last(wire):
    """rated=True proposes rated takes too, after all others, the lowest rating first."""
    loved, liked, unrated = make(), make("a polka"), make("a march")
    loved.rating, liked.rating = 5, 3

    assert nb.library().make_room("1GB").ids == (unrated.id,)
    assert nb.library().make_room("1GB", rated=True).ids == (unrated.id, liked.id, loved.id)


def test_room_is_made_and_undone(wire, home):
    """free() detaches the audio; takes that were rated since keep theirs; undo() brings it back."""
    first, second = make(), make("a polka")
    library = nb.library()
    library.set_quota(0)
    room = library.make_room()
    second.rating = 5

    deleted = room.free()

    assert deleted.ids == (first.id,)
    assert not library.get(first.id).track.has_audio
    assert library.disk_use().over_bytes == len(sine_wav(0.7))
    deleted.undo()
    assert library.get(first.id).track.recording == sine_wav(0.6)


def test_a_shared_recording_is_free_only_with_its_last_take():
    """Room counts bytes that would really be free."""
    wire = Wire()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport)
    takes = [make(), make(fresh=True)]

    room = nb.library().make_room("1GB")

    assert room.ids == tuple(take.id for take in takes)
    assert room.size_bytes == len(sine_wav())


def test_room_without_quota_needs_a_size():
    """make_room() without either says what is missing; within the quota there is nothing to do."""
    with pytest.raises(nb.LibraryError, match="no quota"):
        nb.library().make_room()
    nb.library().set_quota("1GB")

    assert len(nb.library().make_room()) == 0
    assert "nothing to free" in repr(nb.library().make_room())


def test_hostile_titles_stay_text_in_every_card(wire):
    """Prompts in the cards of a deletion and a proposal are escaped."""
    make("<img src=x onerror=alert(1)>\x1b[31m")
    room = nb.library().make_room("1GB")

    assert "<img" not in room._repr_html_()
    assert "\x1b" not in repr(room)
    assert "<img" not in room.free()._repr_html_()


def test_growing_over_the_quota_is_said_once_and_nothing_goes(wire, caplog):
    """Takes beyond the quota are kept all the same, and the log says so once."""
    nb.library().set_quota(10_000)  # each tone is larger than that
    takes = [make(f"waltz number {number}") for number in range(3)]

    said = [r for r in caplog.records if "quota" in r.getMessage()]

    assert len(said) == 1
    assert all(take.track.path.exists() for take in takes)
