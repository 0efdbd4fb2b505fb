"""What can be ordered for a take of udioapi.pro: more of it, a cover, a cover image; credits."""

from __future__ import annotations

import json
import struct
import zlib

import httpx
import pytest
from fake_gateway import sine_wav
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from journals import rows
from wires import KEY as PHASEO_KEY
from wires import Wire

import phaseo_nb as nb
from phaseo_nb.keeping.records import dump_answer, load_answer

pytestmark = pytest.mark.usefixtures("quick")

KEY = "udio-key-0123456789abcdef"
SOUND = "https://cdn.example.org/{}.wav"
IMAGE = "https://img.example.org/{}.png"


def png(size=2):
    """A grey square, written by hand after the PNG specification."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * size) * size)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


class Service:
    """udioapi.pro as its pages show it: jobs are done when first asked for."""

    def __init__(self):
        self.posts = []
        self.image = httpx.Response(200, content=png())
        self.answers = {}
        self.on_post = lambda path: None
        self.n_images = 1

    @property
    def transport(self):
        return httpx.MockTransport(self.handle)

    def handle(self, request):
        path = request.url.path
        if request.url.host == "cdn.example.org":
            return httpx.Response(200, content=sine_wav())
        if request.url.host == "img.example.org":
            return self.image
        if request.method == "POST":
            self.posts.append((path, json.loads(request.content)))
            self.on_post(path)
        if path in self.answers:
            answer = self.answers[path]
            if isinstance(answer, Exception):
                raise answer
            return answer
        return httpx.Response(200, json=self.usual(path, request.url.params))

    def usual(self, path, params):
        number = len(self.posts)
        if path == "/api/v2/cover/generate":
            return {"code": 200, "msg": "success", "data": {"taskId": "gen1bksv"}}
        if path == "/api/v2/cover/status":
            images = [IMAGE.format(n) for n in range(self.n_images)]
            return {"code": 200, "msg": "success", "data": {"status": "SUCCESS", "images": images}}
        if path == "/api/v2/credits":
            return {"code": 200, "message": "success", "data": {"credits": 90, "used_credits": 10}}
        if path == "/api/v2/feed":
            tracks = [self.track(params["workId"], n) for n in range(2)]
            return {"code": 200, "data": {"type": "SUCCESS", "response_data": tracks}}
        return {"code": 200, "message": "success", "workId": f"gen{number}bksv"}

    lyrics = "[Verse] salt"

    def track(self, work_id, n):
        facts = {"title": f"Tide {n}", "prompt": self.lyrics, "tags": "shanty", "duration": 1.0}
        facts |= {"id": f"{work_id}-{n}", "model_name": "chirp-v4-5", "status": "complete"}
        url = SOUND.format(f"{work_id}-{n}")
        return {**facts, "audio_url": url, "extra_message": "All generated successfully."}


@pytest.fixture
def service():
    return Service()


def connect(service, **more):
    return nb.connect("udio", api_key=KEY, transport=service.transport, model="chirp-v4-5", **more)


def make(**words):
    return nb.run(nb.generate("a waltz", show=False, **words))


def run(awaitable):
    return nb.run(awaitable)


@pytest.fixture
def take(service):
    connect(service)
    return make()


# -- extend --------------------------------------------------------------------------------------


def test_a_take_is_gone_on_from(service, take):
    """The order names job, track and place; what comes is a take with its own sound."""
    longer = run(take.extend(at=0.75, track=1, lyrics="once more", style="shanty", show=False))

    path, body = service.posts[-1]
    assert path == "/api/v2/extend"
    assert body == {
        "origin_task_id": "gen1bksv",
        "extend_audio_index": 1,
        "extensionStartTime": 0.75,
        "custom_mode": True,
        "prompt": "once more",
        "style": "shanty",
    }
    assert isinstance(longer, nb.Take)
    assert longer.job.id == "gen2bksv"
    assert longer.track.format == "wav"
    assert longer.model == "chirp-v4-5"


def test_without_words_the_service_goes_on_by_itself(service, take):
    """Nothing to sing is said as custom_mode off, and nothing else is made up."""
    run(take.extend(show=False))

    assert service.posts[-1][1] == {
        "origin_task_id": "gen1bksv",
        "extend_audio_index": 0,
        "custom_mode": False,
    }


def test_the_same_extension_again_is_free(service, take):
    """It is found in the library by its wish; another place or fresh=True is another order."""
    first = run(take.extend(at=1.0, show=False))

    again = run(take.extend(at=1.0, show=False))
    other = run(take.extend(at=0.5, show=False))
    fresh = run(take.extend(at=1.0, fresh=True, show=False))

    assert again is first
    assert other is not first
    assert fresh.number == 2
    assert len(service.posts) == 4


def test_an_extension_can_be_extended(service, take):
    """A verb works on what a verb made."""
    longer = run(take.extend(at=1.0, show=False))

    run(longer.extend(at=0.5, show=False))

    assert service.posts[-1][1]["origin_task_id"] == "gen2bksv"


def test_a_place_behind_the_end_is_refused(take, service):
    """There is nothing to go on from, so nothing is bought."""
    with pytest.raises(nb.RequestRejected, match=r"The track ends after 1\.0 s"):
        run(take.extend(at=60.0, show=False))

    assert len(service.posts) == 1


# -- cover ---------------------------------------------------------------------------------------


def test_a_cover_keeps_words_and_title_of_the_track(service, take):
    """With a style alone, lyrics, title and model are those of what is covered."""
    run(take.cover(style="bossa nova", track=1, show=False))

    path, body = service.posts[-1]
    assert path == "/api/v2/upload-cover/generate"
    assert body == {
        "upload_url": SOUND.format("gen1bksv-1"),
        "model": "chirp-v4-5",
        "custom_mode": True,
        "prompt": "[Verse] salt",
        "style": "bossa nova",
        "title": "Tide 1",
    }


def test_a_cover_by_a_prompt_alone_is_not_custom(service, take):
    """What it should sound like goes out as the prompt of the simple mode."""
    run(take.cover("as a slow waltz", voice="f", negative="drums", show=False))

    body = service.posts[-1][1]
    assert (body["custom_mode"], body["prompt"]) == (False, "as a slow waltz")
    assert (body["gender"], body["tags"]) == ("female", "drums")


def test_an_instrumental_stays_one(service):
    """Of music without singing no words are sung in the cover."""
    connect(service)
    take = make(instrumental=True)

    run(take.cover(style="bossa nova", show=False))

    body = service.posts[-1][1]
    assert body["make_instrumental"] is True
    assert "prompt" not in body


@pytest.mark.parametrize("prompt", [None, "as if heard through a wall"])
def test_a_cover_of_what_has_no_words_needs_none(service, prompt):
    """Where nothing is known that is sung, the style describes the cover in the simple mode."""
    service.lyrics = ""
    connect(service)
    take = make()

    run(take.cover(prompt, style="bossa nova", show=False))

    body = service.posts[-1][1]
    wanted = ", ".join(filter(None, ("bossa nova", prompt)))
    assert (body["custom_mode"], body["prompt"]) == (False, wanted)
    assert "style" not in body


def test_another_recording_can_be_covered(service, take):
    """A public address of one's own is sent as it is."""
    run(take.cover("as a waltz", url="https://my.example.com/tune.mp3", show=False))

    assert service.posts[-1][1]["upload_url"] == "https://my.example.com/tune.mp3"


# -- cover image ---------------------------------------------------------------------------------


def test_cover_images_are_kept_and_bought_once(service, take):
    """They come as files with their format, and are shown from the library the second time."""
    service.n_images = 2

    pictures = run(take.cover_image(show=False))
    again = run(take.cover_image(show=False))

    assert service.posts[-1] == ("/api/v2/cover/generate", {"taskId": "gen1bksv"})
    assert len(service.posts) == 2
    assert [picture.format for picture in pictures] == ["png", "png"]
    assert pictures[0].path.read_bytes() == png()
    assert [picture.path for picture in again] == [picture.path for picture in pictures]


def test_a_picture_shows_itself(service, take):
    """Its value in a cell is the image with words for those who cannot see it."""
    picture = run(take.cover_image(show=False))[0]

    html = picture._repr_html_()

    assert picture._repr_png_() == png()
    assert picture._repr_jpeg_() is None
    assert 'src="data:image/png;base64,iVBOR' in html
    assert 'alt="Cover image of job gen1bksv"' in html
    assert repr(picture).startswith("<Picture png ")


@pytest.mark.parametrize(
    ("content", "format"),
    [(b"\xff\xd8\xff\xe0" + b"j" * 60, "jpeg"), (b"RIFF\x40\0\0\0WEBPVP8 " + b"w" * 60, "webp")],
)
def test_the_format_is_what_is_in_it(service, take, content, format):
    """The address ends in .png; the first bytes decide."""
    service.image = httpx.Response(200, content=content)

    picture = run(take.cover_image(show=False))[0]

    assert picture.format == format
    assert (picture._repr_jpeg_() == content) is (format == "jpeg")
    assert f"data:image/{format};base64," in picture._repr_html_()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a web page or text"),
        (b"<html>sign in</html>", "a web page or text"),
        (b"GIF89a" + bytes(99), "neither PNG nor JPEG nor WebP"),
        (sine_wav(), "neither PNG nor JPEG nor WebP"),
        (b"", "an empty file"),
        (png() + bytes(10_000_001), "larger than 10 MB"),
    ],
    ids=["svg", "page", "gif", "sound", "empty", "large"],
)
def test_what_is_no_picture_is_not_kept(service, take, content, words):
    """Whatever the service calls it; the order stays open, and is not bought again."""
    service.image = httpx.Response(200, content=content, headers={"content-type": "image/png"})

    with pytest.raises(nb.AudioError, match=words):
        run(take.cover_image(show=False))

    service.image = httpx.Response(200, content=png())
    assert run(take.cover_image(show=False))[0].format == "png"
    assert len(service.posts) == 2


@pytest.mark.parametrize(
    "address",
    ["http://img.example.org/0.png", "https://127.0.0.1/0.png", "file:///etc/passwd", "//x/0.png"],
)
def test_pictures_come_from_public_hosts_only(service, take, address):
    """An address from an answer is fetched by the guarded download."""
    data = {"status": "SUCCESS", "images": [address]}
    service.answers["/api/v2/cover/status"] = httpx.Response(200, json={"code": 200, "data": data})

    with pytest.raises(nb.AudioError, match=r"picture address .* was not fetched"):
        run(take.cover_image(show=False))


def test_a_second_order_elsewhere_is_refused_with_a_way_out(service, take):
    """The service makes them once; its refusal leaves nothing behind in the journal."""
    service.answers["/api/v2/cover/generate"] = httpx.Response(
        200, json={"code": 400, "msg": "duplicate"}
    )

    with pytest.raises(nb.ProviderRefused, match="once per job"):
        run(take.cover_image(show=False))

    assert nb.library().unfinished() == []
    assert nb.library().uncertain() == []


# -- like any job --------------------------------------------------------------------------------

VERBS = {
    "extend": lambda take: take.extend(at=0.5, show=False),
    "cover": lambda take: take.cover("as a waltz", show=False),
    "cover_image": lambda take: take.cover_image(show=False),
}
each_verb = pytest.mark.parametrize("verb", VERBS)


@each_verb
def test_it_is_in_the_journal_before_it_is_sent(service, take, home, verb):
    """Another process would find the order as `submitting`, of its kind, when it goes out."""
    seen = []

    def look(path):
        seen.extend(rows(home, "SELECT state, kind, price FROM takes ORDER BY n DESC LIMIT 1"))

    service.on_post = look
    run(VERBS[verb](take))

    state, kind, price = seen[0]
    assert (state, kind) == ("submitting", "picture" if verb == "cover_image" else "music")
    assert json.loads(price)["credits"] == (1 if verb == "cover_image" else 10)


@each_verb
def test_an_open_end_is_never_bought_again_by_itself(service, take, verb):
    """No answer leaves it uncertain, and the same verb says so instead of sending again."""
    paths = {"extend": "extend", "cover": "upload-cover/generate", "cover_image": "cover/generate"}
    service.answers[f"/api/v2/{paths[verb]}"] = httpx.ReadTimeout("no answer")

    for _ in range(2):
        with pytest.raises(nb.UncertainSubmission):
            run(VERBS[verb](take))

    assert len(service.posts) == 2
    assert len(nb.library().uncertain()) == 1
    word = "Cover image of job gen1bksv" if verb == "cover_image" else ""
    assert word in repr(nb.library().uncertain()[0])


@each_verb
def test_what_is_open_can_be_sent_again(service, take, verb):
    """The journal's copy of the request goes to the same route with the same body."""
    service.answers["/api/v2/extend"] = httpx.ReadTimeout("no answer")
    service.answers["/api/v2/upload-cover/generate"] = httpx.ReadTimeout("no answer")
    service.answers["/api/v2/cover/generate"] = httpx.ReadTimeout("no answer")
    with pytest.raises(nb.UncertainSubmission):
        run(VERBS[verb](take))

    service.answers.clear()
    made = nb.library().uncertain()[0].submit_again().result(20)

    assert service.posts[-1] == service.posts[-2]
    assert made.pictures if verb == "cover_image" else made.track.has_audio


@each_verb
def test_a_budget_holds_for_it(service, verb):
    """A price in credits is unknown in dollars: with a budget it is not sent."""
    connect(service)
    take = make()

    connect(service, budget_usd=1.0)

    with pytest.raises(nb.BudgetExceeded, match="price of this request is unknown"):
        run(VERBS[verb](take))
    assert len(service.posts) == 1


@each_verb
def test_takes_of_elsewhere_are_refused_before_the_network(verb):
    """Of another gateway nothing can be ordered; the error says where it works."""
    nb.connect("phaseo", api_key=PHASEO_KEY, transport=Wire().transport)
    take = make(model="suno/v4.5")

    with pytest.raises(nb.RequestRejected, match=r"only udioapi\.pro can do this"):
        run(VERBS[verb](take))


@each_verb
def test_imported_takes_are_refused(service, take, tmp_path, verb):
    """Their job may be of another account."""
    file = nb.library().export(tmp_path / "out.zip")
    other = nb.Library(tmp_path / "other")
    other.import_(file)

    with pytest.raises(nb.RequestRejected, match="It was imported"):
        run(VERBS[verb](other.recent()[0]))
    assert len(service.posts) == 1


@each_verb
@pytest.mark.parametrize("gateway", ["sandbox", "phaseo"])
def test_nothing_is_bought_where_the_notebook_is_no_longer_connected(service, take, verb, gateway):
    """Whoever has connected elsewhere since does not pay at the old place without knowing."""
    more = {"api_key": "phaseo_v1_sk_abcdef_xyz"} if gateway == "phaseo" else {}
    nb.connect(gateway, **more)

    with pytest.raises(nb.SettingsError, match=f"connected to {gateway} now, so nothing was sent"):
        run(VERBS[verb](take))
    assert len(service.posts) == 1

    connect(service)
    run(VERBS[verb](take))
    assert len(service.posts) == 2


@each_verb
def test_without_a_connection_the_way_to_one_is_shown(service, take, home, verb):
    """A take read from a library by a kernel that is not connected says how to connect."""
    nb.library().close()
    found = nb.Library(home).recent()[0]

    with pytest.raises(nb.SettingsError, match=r'nb\.connect\("udio"\)'):
        run(VERBS[verb](found))


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (lambda take: take.extend(at=-1), "at least 0"),
        (lambda take: take.extend(at="end"), "must be a number"),
        (lambda take: take.extend(track=2), "from 0 to 1"),
        (lambda take: take.extend(track=True), "from 0 to 1"),
        (lambda take: take.extend(style="shanty"), "`lyrics=`"),
        (lambda take: take.extend(lyrics="x" * 5001), "At most 5000"),
        (lambda take: take.cover(), "`style=`, `prompt=` or `lyrics=`"),
        (lambda take: take.cover("a", url="http://192.168.0.2/x.mp3"), "no private address"),
        (lambda take: take.cover("a", url=7), "must be text"),
        (lambda take: take.cover("a", style_weight=2), "at most 1"),
        (lambda take: take.cover("a", voice="x"), "one of"),
    ],
)
def test_mistakes_are_found_before_the_network(service, take, order, words):
    """What breaks a rule is refused with what would be right; nothing is sent."""
    with pytest.raises(nb.RequestRejected, match=words):
        run(order(take))

    assert len(service.posts) == 1


def test_a_track_that_came_to_nothing_cannot_be_gone_on_from(service):
    """The reason of the service is passed on."""
    bad = {"status": "error", "fail_message": "Does Not Meet Guidelines", "audio_url": ""}
    tracks = [service.track("gen1bksv", 0), {**service.track("gen1bksv", 1), **bad}]
    feed = {"code": 200, "data": {"type": "SUCCESS", "response_data": tracks}}
    service.answers["/api/v2/feed"] = httpx.Response(200, json=feed)
    connect(service)
    take = make()

    with pytest.raises(nb.RequestRejected, match="Does Not Meet Guidelines"):
        run(take.extend(track=1))


def test_a_picture_is_fetched_after_a_restart(service, take):
    """A kernel that ends between order and picture loses nothing: the next one fetches it."""
    wait = {"code": 200, "data": {"status": "IN_PROGRESS"}}
    service.answers["/api/v2/cover/status"] = httpx.Response(200, json=wait)
    with pytest.raises(nb.JobTimeout):
        run(take.cover_image(timeout=0.2, show=False))
    nb.library().close()

    service.answers.clear()
    connect(service)
    made = nb.resume(show=False)[0].result(20)

    assert [picture.format for picture in made.pictures] == ["png"]
    assert len(service.posts) == 2


# -- in the library ------------------------------------------------------------------------------


def test_lists_and_counts_show_music_only(service, take):
    """A picture is no take: lists, search, counts and proposals of what could go pass it by."""
    run(take.cover_image(show=False))
    library = nb.library()

    assert [found.id for found in library.recent()] == [take.id]
    assert [found.id for found in library.recent(since="2000-01-01")] == [take.id]
    assert [found.id for found in library.search("waltz")] == [take.id]
    assert list(library.search("cover")) == []
    assert ": 1 take," in repr(library)
    assert library.make_room("1GB").ids == (take.id,)


def test_pictures_are_named_as_what_they_are(service, take):
    """Check-up, disk and spending count them under their own name."""
    run(take.cover_image(show=False))
    library = nb.library()

    checkup, use = library.doctor(), library.disk_use()

    assert checkup.is_well
    assert "Looked at 1 take, 1 recording and 1 cover image (" in repr(checkup)
    assert (use.n_pictures, use.picture_bytes) == (1, len(png()))
    assert "Cover images: 1 kB in 1\n" in repr(use)
    kinds = {row["kind"]: row for row in library.spending(by="kind")}
    assert (kinds["picture"]["jobs"], kinds["picture"]["credits"]) == (1, 1.0)


def test_a_quota_is_of_audio(service, take):
    """Pictures neither fill it nor are proposed."""
    library = nb.library()
    library.set_quota(len(sine_wav()))

    run(take.cover_image(show=False))

    assert library.disk_use().over_bytes == 0
    assert len(library.make_room(None)) == 0


def test_a_picture_is_found_by_its_own_name_and_goes_like_a_take(service, take):
    """`get` gives it as what it is; deleting hides it; the music is still found by its job."""
    run(take.cover_image(show=False))
    library = nb.library()

    found = library.get("cover:gen1bksv")

    assert repr(found) == '<Take 1 of "Cover image of job gen1bksv": 1 picture, png>'
    assert library.get("gen1bksv") is take
    library.delete(found)
    with pytest.raises(nb.LibraryError):
        library.get("cover:gen1bksv")


def test_answers_of_before_pictures_are_still_read():
    """A row that was written before tracks knew of pictures has music in it."""
    facts = {"id": "gen1", "status": "completed", "tracks": [{"index": 0, "title": "Tide"}]}

    answer = load_answer(json.dumps(facts))

    assert answer.tracks == (nb.Track(0, title="Tide"),)
    assert load_answer(dump_answer(answer)) == answer


def test_exports_take_music_along(service, take, tmp_path):
    """A whole library goes out without pictures; asking for one by name says why not."""
    run(take.cover_image(show=False))
    longer = run(take.extend(at=0.5, show=False))
    library = nb.library()

    other = nb.Library(tmp_path / "other")
    other.import_(library.export(tmp_path / "all.zip"))

    wanted = [longer.request.to_wire(), take.request.to_wire()]
    assert sorted(map(str, (found.request.to_wire() for found in other.recent()))) == sorted(
        map(str, wanted)
    )
    with pytest.raises(nb.LibraryError, match="an order of cover images"):
        library.export(tmp_path / "one", "cover:gen1bksv")


# -- in a cell -----------------------------------------------------------------------------------


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


def cell(shell, code):
    with capture_output() as shown:
        shell.run_cell(code).raise_error()
    return [output.data for output in shown.outputs]


@each_verb
def test_a_cell_shows_what_came_once(service, take, shell, verb):
    """The live line becomes player or picture, and the value of the cell adds nothing to it."""
    calls = {"extend": "extend(at=0.5)", "cover": 'cover("as a waltz")'}
    shell.push({"take": take})

    outputs = cell(shell, f"await take.{calls.get(verb, 'cover_image()')}")

    html = "".join(output.get("text/html", "") for output in outputs)
    wanted = "data:image/png" if verb == "cover_image" else "<audio"
    assert html.count(wanted) == (1 if verb == "cover_image" else 2)
    assert len(outputs) == 1


def test_credits_in_a_cell_are_a_plain_call(service, shell):
    """`nb.credits()` needs no await, also where a loop runs already."""
    connect(service)
    shell.push({"nb": nb})

    assert shell.run_cell("left = nb.credits(); left").result == nb.Credits(left=90, used=10)


# -- credits -------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_client_and_a_session_tell_credits(service):
    """The same figures from either."""
    session = connect(service)
    async with nb.MusicClient("udio", api_key=KEY, transport=service.transport) as client:
        assert await client.credits() == nb.Credits(left=90, used=10)

    assert await session.credits() == nb.Credits(left=90, used=10)


def test_a_gateway_without_credits_says_so():
    """Phaseo counts in dollars; nobody is asked."""
    nb.connect("phaseo", api_key=PHASEO_KEY, transport=httpx.MockTransport(None))

    with pytest.raises(nb.SettingsError, match="US dollars, not in credits"):
        nb.credits()


# -- with the sandbox ----------------------------------------------------------------------------


def test_the_sandbox_answers_every_verb():
    """Made, gone on from, covered and pictured, offline; the pictures carry their mark."""
    nb.connect("udio", transport=nb.Sandbox(speed=20).transport)
    take = nb.run(nb.generate("slow harp", lyrics="la la", show=False))
    before = nb.credits()

    longer = run(take.extend(at=2.0, lyrics="once more", show=False))
    waltz = run(longer.cover(style="waltz", show=False))
    pictures = run(take.cover_image(show=False))

    assert [longer.track.sandbox, waltz.track.sandbox, pictures[0].sandbox] == [True] * 3
    assert "SANDBOX" in pictures[0]._repr_html_()
    assert before.left - nb.credits().left == 21
