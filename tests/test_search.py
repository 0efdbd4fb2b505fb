"""Takes are found by their words and by what they are, whatever somebody types."""

from __future__ import annotations

import hashlib
from contextlib import closing
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st

import phaseo_nb as nb
from phaseo_nb.jobs import Cost, MusicJob, Track
from phaseo_nb.keeping import money, search
from phaseo_nb.keeping.backends.sqlite import words as index
from phaseo_nb.keeping.backends.sqlite.opening import connected
from phaseo_nb.keeping.folder import close_all
from phaseo_nb.keeping.ordering import Plan
from phaseo_nb.keeping.records import dump_request
from phaseo_nb.keeping.store import Recording

PLACES = {
    "phaseo": ("phaseo", "https://api.phaseo.app/v1", False),
    "udio": ("udio", "https://udioapi.pro", False),
    "sandbox": ("phaseo", "https://sandbox.phaseo-nb.invalid/v1", True),
}


class Shelf:
    """A library that takes are put into as sessions put them, without a network."""

    def __init__(self):
        self.library = nb.Library()
        self.n = 0
        self.opened = []

    @property
    def journal(self):
        return self.library.folder.journal

    @property
    def db(self):
        """A second connection to the file: somebody with a tool."""
        db = connected(self.library.path / "journal.db", 5.0)
        self.opened.append(db)
        return db

    def order(self, prompt="a waltz", *, model="suno/v4.5", gateway="phaseo", at=None, **words):
        self.n += 1
        wire, url, is_sandbox = PLACES[gateway]
        if wire == "udio":
            request = nb.UdioRequest(gpt_description_prompt=prompt, **words)
            model, provider = None, "udio"
        else:
            request, provider = nb.MusicRequest(model=model, prompt=prompt, **words), model[:4]
        plan = Plan(
            key=hashlib.sha256(str(self.n).encode()).hexdigest(),
            gateway=wire,
            base_url=url,
            sandbox=is_sandbox,
            model=model,
            provider=provider,
            prompt=prompt,
            request=dump_request(request),
            notes=(),
            price=Cost(usd=0.06),
            purse=money.Purse(url, is_sandbox, 0.06, None, True),
        )
        wall = self.journal._wall
        self.journal._wall = (lambda: at.timestamp()) if at else wall
        try:
            n = self.journal.order(plan, take=None, fresh=False).result().entry.n
            self.journal.claim(n).result()
        finally:
            self.journal._wall = wall
        return n

    def add(self, prompt="a waltz", *, title=None, lyrics=None, tags=None, **more):
        n = self.order(prompt, **more)
        track = Track(0, title=title, lyrics=lyrics, tags=tags, audio_url="https://x.org/a.mp3")
        job = MusicJob(f"job{n}", "completed", tracks=(track,))
        kept = {0: Recording(f"{n:064x}", ".mp3", "mp3", 10)}
        self.journal.answered(n, job, {}).result()
        entry = self.journal.keep(n, job, kept, ()).result()
        return self.library.get(entry.id)

    def found(self, text, n=20, **words):
        return [
            take.request.to_wire().get("prompt") for take in self.library.search(text, n, **words)
        ]

    def again(self):
        """Close the library and open it anew."""
        close_all()
        self.library = nb.Library()
        return self


@pytest.fixture
def shelf():
    shelf = Shelf()
    yield shelf
    for db in shelf.opened:
        db.close()


@pytest.fixture
def songs(shelf):
    shelf.add("slow jazz at night", title="Blue Hour", lyrics="la la river")
    shelf.add("Jamaican ska for a parade", tags="brass, 120 bpm")
    shelf.add("Chanson über das Café de l'Été", lyrics="Straßenbahn")
    shelf.add("jazz jazz jazz for a river boat")
    return shelf


@pytest.fixture(params=["with FTS5", "without FTS5"])
def any_songs(request, monkeypatch, songs):
    """The same takes where this SQLite has a word index, and where it has none."""
    if request.param == "without FTS5":
        monkeypatch.setattr(index, "_has_fts5", lambda db: False)
        songs.again()
    return songs


# -- words -------------------------------------------------------------------------------------


def test_the_newest_comes_first(any_songs):
    """Without a wish, what was made last stands first, with words and without."""
    assert any_songs.found("jazz") == ["jazz jazz jazz for a river boat", "slow jazz at night"]
    assert any_songs.found("jazz", 1) == ["jazz jazz jazz for a river boat"]
    assert [take.id for take in any_songs.library.recent()] == [
        take.id for take in any_songs.library.search(None)
    ]
    assert len(any_songs.found("  ")) == 4


def test_the_best_match_comes_first_if_wanted(songs):
    """ranked=True puts the take up front that is most about the words, however old."""
    songs.add("a long list of jazz and of many other things and words that no one asked for")

    assert songs.found("jazz", ranked=True)[0] == "jazz jazz jazz for a river boat"


def test_all_words_must_occur_anywhere(any_songs):
    """Words may stand in different texts of a take, in any order."""
    assert any_songs.found("river jazz") == [
        "jazz jazz jazz for a river boat",
        "slow jazz at night",
    ]
    assert any_songs.found("river hour") == ["slow jazz at night"]
    assert any_songs.found("river parade") == []


@pytest.mark.parametrize("text", ["jama*", "JAMAICAN", "brass", "ska parade", "120"])
def test_beginnings_letter_case_and_style(any_songs, text):
    """A star asks for a beginning; letter case does not count; the style is searched too."""
    assert any_songs.found(text) == ["Jamaican ska for a parade"]


@pytest.mark.parametrize("text", ["cafe", "CAFÉ", "ete", "uber", "l'été", "straßenbahn"])
def test_accents_do_not_count(songs, text):
    """A word is found with and without its accents."""
    assert songs.found(text) == ["Chanson über das Café de l'Été"]


@pytest.mark.parametrize("text", ["amaica", "maic*", "parad ska"])
def test_parts_of_words_are_found_where_no_word_is(any_songs, text):
    """What is no whole word is looked for inside of words."""
    assert any_songs.found(text) == ["Jamaican ska for a parade"]


@pytest.mark.parametrize("text", ["東京", "京の夜", "東京の夜", "夜"])
def test_scripts_without_blanks(shelf, text):
    """Words of a script that writes no blanks are found inside of its sentences."""
    shelf.add("東京の夜に雨が降る", title="雨")
    shelf.add("a waltz")

    assert shelf.found(text) == ["東京の夜に雨が降る"]


def test_lyrics_and_style_of_the_request_are_found(shelf):
    """What somebody asked for is found, also where the service gives none of it back."""
    shelf.add("one", model="minimax/music-2.6", minimax={"lyrics": "seagulls over Dover"})
    custom = {"customMode": True, "instrumental": False, "prompt": "lanterns of Leipzig"}
    shelf.add("two", suno={**custom, "style": "barrelhouse", "title": "Lanterns"})

    assert shelf.found("seagulls") == ["one"]
    assert shelf.found("leipzig") == ["two"]
    assert shelf.found("barrelhouse") == ["two"]


def test_notes_are_found_as_they_are_now(any_songs):
    """A note is found once it is written, and no more once it says something else."""
    take = any_songs.library.search("parade")[0]

    take.note = "trombones too loud"
    assert any_songs.found("trombones") == ["Jamaican ska for a parade"]
    take.note = "Perfect"
    assert any_songs.found("trombones") == []
    assert any_songs.found("perfect") == ["Jamaican ska for a parade"]
    take.note = None
    assert any_songs.found("perfect") == []


@pytest.mark.of_sqlite
def test_a_take_that_is_kept_twice_is_found_by_its_last_words(shelf):
    """Keeping a row again replaces its texts in the index; the old ones leave nothing behind."""
    take = shelf.add("a waltz", title="First")
    n = shelf.library.folder.database.read(
        lambda db: db.execute("SELECT n FROM takes WHERE id = ?", (take.id,)).fetchone()[0]
    )
    second = take.job.replace(tracks=(Track(0, title="Second", audio_url="https://x.org/b"),))

    shelf.journal.keep(n, second, {}, ()).result()

    assert shelf.found("first") == []
    assert shelf.found("second") == ["a waltz"]
    for table in ("words", "pieces"):
        shelf.db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize(
    "text",
    ['"', '""', '"jazz', "'", "-", "-jazz", "NEAR", "NEAR(a b)", "a NEAR/3 b", "(", ")", "jazz AND",
     "OR", "NOT jazz", "title:jazz", "{a b}: c", "^jazz", "*", "**", "jazz**", "+", "a+b", "%", "_",
     "\\", "\x00", "\ud800", "a\x00b", "😀", "…", "²", "१२", "'; DROP TABLE takes; --"],
    ids=repr,
)  # fmt: skip
def test_signs_of_the_search_syntax_are_just_text(any_songs, text):
    """Nothing that somebody types is an error, and nothing is lost by it."""
    any_songs.library.search(text)
    any_songs.library.search(text, ranked=True)

    assert len(any_songs.found(None)) == 4


@fuzzing(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(max_size=80) | st.text('"*-()^:{}+,AND ORNETjaz%_\\', max_size=40))
@example("a " * 500)
@example("x" * 1000)
def test_any_text_can_be_searched_for(any_songs, text):
    """No text is an error, whatever is in it."""
    for take in any_songs.library.search(text):
        assert take.id


@fuzzing(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text('"*-()^:{}+ANDORNETjaz ', min_size=1, max_size=30))
@pytest.mark.of_sqlite
def test_raw_syntax_is_taken_or_refused_in_words(songs, text):
    """With raw=True the text is FTS5 syntax; what is none is a LibraryError that says so."""
    try:
        songs.library.search(text, raw=True)
    except nb.LibraryError as error:
        said = str(error)
    else:
        said = "FTS5 syntax"
    assert "FTS5 syntax" in said


@pytest.mark.of_sqlite
def test_raw_syntax(songs):
    """raw=True knows NOT, columns and NEAR."""
    assert songs.found("jazz NOT night", raw=True) == ["jazz jazz jazz for a river boat"]
    assert songs.found("title : blue", raw=True) == ["slow jazz at night"]
    with pytest.raises(nb.LibraryError, match="FTS5 syntax"):
        songs.found('"jazz', raw=True)
    with pytest.raises(nb.LibraryError, match="FTS5 syntax"):
        songs.found("nothing : blue", raw=True)


@pytest.mark.parametrize("text", [7, b"jazz", ["jazz"], "x" * 1001], ids=["7", "b", "list", "long"])
def test_what_is_no_text_is_refused(songs, text):
    """A search for something else than a text of sensible length says what would be right."""
    with pytest.raises(nb.LibraryError, match="up to 1000 letters"):
        songs.library.search(text)


# -- filters -----------------------------------------------------------------------------------


def test_filters_find_what_they_name(shelf, monkeypatch):
    """Each filter, alone and with words, gives the takes of that kind and no others."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/lesson-1.ipynb")
    shelf.add("waltz one", model="suno/v5")
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson-2.ipynb")
    two = shelf.add("waltz two", model="minimax/music-2.6")
    three = shelf.add("waltz three", gateway="sandbox", model="sandbox/band")
    four = shelf.add("waltz four", gateway="udio")
    two.rating, two.tags = 3, ["demo", "Slow"]
    three.rating, three.tags = 5, ["demo"]
    expected = {
        ("model", "suno/v5"): ["one"],
        ("model", "suno"): [],
        ("provider", "suno"): ["one"],
        ("provider", "mini"): ["two"],
        ("gateway", "phaseo"): ["two", "one"],
        ("gateway", "sandbox"): ["three"],
        ("gateway", "udio"): ["four"],
        ("notebook", "lesson-1.ipynb"): ["one"],
        ("notebook", "lesson-2.ipynb"): ["four", "three", "two"],
        ("rating", 1): ["three", "two"],
        ("rating", 4): ["three"],
        ("tag", "demo"): ["three", "two"],
        ("tag", "slow"): ["two"],
        ("tag", "fast"): [],
        ("status", "kept"): ["four", "three", "two", "one"],
    }
    assert four.request.gpt_description_prompt == "waltz four"
    for (name, value), words in expected.items():
        for text in (None, "waltz", "altz"):
            takes = shelf.library.search(text, **{name: value})
            assert [_last_word(take) for take in takes] == words, (name, value, text)
    both = shelf.library.recent(rating=1, tag="demo", gateway="sandbox")
    assert [_last_word(take) for take in both] == ["three"]


def _last_word(take):
    request = take.request
    prompt = getattr(request, "gpt_description_prompt", None) or request.prompt
    return prompt.split()[-1]


def test_days_include_themselves(shelf):
    """since and until name days that count, as texts, dates and moments."""
    noon = datetime(2026, 11, 20, 12)
    for n in range(5):
        shelf.add(f"day {n}", at=noon + timedelta(days=n))

    def days(**words):
        with_words, alone = shelf.found("day", **words), shelf.found(None, **words)
        assert with_words == alone
        return [int(prompt[-1]) for prompt in alone]

    assert days(since="2026-11-22") == [4, 3, 2]
    assert days(until="2026-11-22") == [2, 1, 0]
    assert days(since="2026-11-21", until="2026-11-22") == [2, 1]
    assert days(since=date(2026, 11, 22), until=date(2026, 11, 22)) == [2]
    assert days(since=noon + timedelta(days=3)) == [4, 3]
    assert days(until=noon + timedelta(days=3)) == [2, 1, 0]
    assert days(until=noon.astimezone() + timedelta(days=3, seconds=1)) == [3, 2, 1, 0]
    assert days(since="2026-11-23T12:00", until="2026-11-24T11:59:59") == [3]
    assert days(since="2026-12-01") == days(until="2026-11-19") == []


def test_midnight_belongs_to_the_new_day(shelf):
    """The first moment of a day is its own, the last one too."""
    shelf.add("first", at=datetime(2026, 11, 22))
    shelf.add("last", at=datetime(2026, 11, 22, 23, 59, 59))
    shelf.add("next", at=datetime(2026, 11, 23))

    assert shelf.found(None, since="2026-11-22", until="2026-11-22") == ["last", "first"]


def test_many_ratings_are_found_like_few(shelf, monkeypatch):
    """Whichever index is quicker, the same takes come in the same order."""
    for n in range(12):
        shelf.add(f"waltz {n}").rating = 1 + n % 5
    few = shelf.found(None, rating=3)
    monkeypatch.setattr(index, "_FEW", 2)

    assert shelf.found(None, rating=3) == few
    assert [int(prompt.split()[1]) % 5 >= 2 for prompt in few] == [True] * 6


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"status": "done"}, "'kept'"),
        ({"status": None}, "'kept'"),
        ({"status": ["kept"]}, "'kept'"),
        ({"rating": 0}, "from 1 to 5"),
        ({"rating": 6}, "from 1 to 5"),
        ({"rating": "5"}, "from 1 to 5"),
        ({"rating": True}, "from 1 to 5"),
        ({"rating": [5]}, "from 1 to 5"),
        ({"gateway": "phasoe"}, "'phaseo', 'udio', 'sandbox'"),
        ({"gateway": 1}, "'phaseo', 'udio', 'sandbox'"),
        ({"model": 5}, "text"),
        ({"model": b"suno"}, "text"),
        ({"tag": ["demo"]}, "text"),
        ({"notebook": 1.0}, "text"),
        ({"provider": object}, "text"),
        ({"since": "yesterday"}, "2026-11-25"),
        ({"since": "2026-13-01"}, "2026-11-25"),
        ({"until": 1_795_000_000}, "2026-11-25"),
        ({"until": "9999-12-31"}, "2026-11-25"),
        ({"genre": "jazz"}, "model, gateway"),
    ],
    ids=repr,
)
def test_a_wrong_filter_is_refused_and_says_what_is_right(songs, words, named):
    """A filter that cannot match is a LibraryError that names what would."""
    for text in (None, "jazz"):
        with pytest.raises(nb.LibraryError) as caught:
            songs.library.search(text, **words)
        assert named in str(caught.value)


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", True, None])
def test_a_wrong_number_of_takes_is_refused(songs, n):
    """n is a whole number from 1."""
    with pytest.raises(nb.LibraryError, match="whole number from 1"):
        songs.library.recent(n)


@pytest.mark.parametrize("state", ["failed", "uncertain", "empty", "written_off"])
def test_what_is_no_take_is_found_by_its_status(songs, state):
    """With another status, attempts of that status are found, by words too, and no takes."""
    n = songs.order("jazz for nobody", model="suno/v5")
    songs.order("tango for nobody", model="suno/v5")
    if state == "written_off":
        songs.journal.write_off(n, 0.0).result()
    else:
        songs.journal.end(n, state, known="no").result()

    for words in ({}, {"model": "suno/v5"}):
        (attempt,) = songs.library.recent(status=state, **words)
        assert (attempt.state, attempt.prompt) == (state, "jazz for nobody")
    assert [each.prompt for each in songs.library.search("jazz", status=state)] == [
        "jazz for nobody"
    ]
    assert list(songs.library.search("tango", status=state)) == []
    assert "jazz for nobody" not in songs.found("jazz")


# -- an index that is given up and made anew -------------------------------------------------------


def _drop(db):
    db.execute("DROP TABLE words")


def _drop_pieces(db):
    db.execute("DROP TABLE pieces")


def _drop_data(db):
    db.execute("PRAGMA writable_schema = ON")
    db.execute("DELETE FROM sqlite_master WHERE name = 'words_data'")
    db.execute("PRAGMA writable_schema = OFF")


def _scramble(db):
    for n, (row,) in enumerate(db.execute("SELECT id FROM words_data").fetchall()):
        noise = hashlib.shake_128(f"{n}".encode()).digest(40)
        db.execute("UPDATE words_data SET block = ? WHERE id = ?", (noise, row))


def _fill_up(db):
    db.execute("UPDATE words_data SET block = ?", (b"\x00" * 7 + b"\xff" * 33,))


def _empty(db):
    db.execute("DELETE FROM words_data")


def _give_up(db):
    db.words.drop(db)


DAMAGES = [_drop, _drop_pieces, _drop_data, _scramble, _fill_up, _empty, _give_up]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.of_sqlite
def test_a_damaged_index_costs_only_itself(songs, damage, monkeypatch):
    """Keeping and finding go on by plain comparison, and the next opening makes the index anew."""
    songs.again().library.close()
    with (
        closing(connected(songs.library._home.folder / "journal.db", 5.0)) as db,
        db,
    ):
        damage(db)
    db.close()
    with monkeypatch.context() as patch:  # a kernel that had it open all the while
        patch.setattr("phaseo_nb.keeping.folder.prepare", lambda db: None)
        songs.again()
    assert songs.found("hour") == ["slow jazz at night"]
    songs.add("a polka about jazz", title="Krakow")
    songs.library.search("polka")[0].note = "squeaky"
    assert songs.found("krakow") == songs.found("squeaky") == ["a polka about jazz"]
    assert songs.found("jazz night") == ["slow jazz at night"]
    assert songs.found("jazz", ranked=True)

    songs.again()
    assert songs.found("jazz") == [
        "a polka about jazz",
        "jazz jazz jazz for a river boat",
        "slow jazz at night",
    ]
    assert songs.found("cafe") == ["Chanson über das Café de l'Été"]
    assert songs.found("squeaky", raw=True) == ["a polka about jazz"]
    for table in ("words", "pieces"):
        songs.db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.of_sqlite
def test_opening_mends_a_damaged_index(songs, damage):
    """An index that was damaged while nobody had the library open is whole after the opening."""
    songs.again().library.close()
    with (
        closing(connected(songs.library._home.folder / "journal.db", 5.0)) as db,
        db,
    ):
        damage(db)
    db.close()

    songs.again()
    assert songs.found("river", raw=True) == [
        "jazz jazz jazz for a river boat",
        "slow jazz at night",
    ]
    songs.add("a polka")
    assert index.is_indexed(songs.db)
    assert songs.found("olk") == ["a polka"]


@pytest.mark.of_sqlite
def test_an_index_comes_back_with_fts5(songs, monkeypatch):
    """What was kept without FTS5 is in the index once there is one again."""
    with monkeypatch.context() as patch:
        patch.setattr(index, "_has_fts5", lambda db: False)
        songs.again().add("a polka with Ärger")
        assert songs.found("polka") == ["a polka with Ärger"]
        assert songs.found("arger") == []  # by plain comparison, accents count

    assert songs.again().found("arger") == ["a polka with Ärger"]


def test_an_index_that_asks_for_too_much_memory_is_given_up(songs, monkeypatch):
    """SQLite's "out of memory", as a damaged index gives it, is damage like any other."""

    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(index, "_matching", broken)

    assert songs.found("hour") == ["slow jazz at night"]


@pytest.mark.of_sqlite
def test_filters_use_their_indices(songs):
    """None of the usual ways to look goes through all takes to find none."""
    plans = []

    def noting(db):
        class Noting:
            words = db.words

            def execute(self, statement, values=()):
                if statement.startswith("SELECT takes.n FROM"):
                    plan = db.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
                    plans.append([row[3] for row in plan])
                return db.execute(statement, values)

        for words in (
            {"model": "x"}, {"provider": "x"}, {"notebook": "x"}, {"tag": "x"}, {"rating": 5},
            {"since": "2026-11-25"}, {"status": "uncertain"}, {"status": "expired"},
        ):  # fmt: skip
            search.find(Noting(), None, search.make_filter(**words), limit=20)

    songs.library.folder.database.read(noting)

    assert len(plans) == 8
    assert not any(step.startswith("SCAN") for plan in plans for step in plan)


@pytest.mark.parametrize("prompt", ["NOT", "AND OR NEAR", "²³½ …", "東京の夜", "é" * 5, "a b"])
def test_opening_leaves_a_whole_index_alone(shelf, monkeypatch, prompt):
    """An index that is well is not made anew at each opening, whatever was kept last."""
    shelf.add(prompt)
    monkeypatch.setattr(index, "_discard", None)

    assert shelf.again().found(None) == [prompt]
