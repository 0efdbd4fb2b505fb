"""The magic in an IPython of this process: what is typed, what comes of it, what is refused."""

from __future__ import annotations

import inspect
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from wires import KEY, Wire

import phaseo_nb as nb
from phaseo_nb import connecting
from phaseo_nb.magic.options import OPTIONS
from phaseo_nb.magic.scanning import scan, split_body
from phaseo_nb.sandbox.scenarios import failed

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def ipython(tmp_path_factory):
    """One IPython without history for the module, gone afterwards."""
    main = sys.modules["__main__"]
    hooks = sys.displayhook, sys.excepthook
    folder = tmp_path_factory.mktemp("ipython")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder))
        config = Config()
        config.HistoryManager.enabled = False
        shell = InteractiveShell.instance(config=config)
        yield shell
        InteractiveShell.clear_instance()
    get_asyncio_loop().close()
    sys.modules["__main__"] = main
    sys.displayhook, sys.excepthook = hooks


@pytest.fixture
def bare(ipython, monkeypatch):
    """An IPython with the magic and nothing connected."""
    before = set(ipython.user_ns)
    ipython.user_ns["nb"] = nb
    monkeypatch.setattr("phaseo_nb.connecting._default", None)
    nb.load_ipython_extension(ipython)
    yield ipython
    nb.unload_ipython_extension(ipython)
    for name in set(ipython.user_ns) - before:  # reset() would collect all garbage, each time
        if not name.startswith("_"):
            del ipython.user_ns[name]


@pytest.fixture
def box():
    return nb.Sandbox(speed=50)


class Counting(httpx.AsyncBaseTransport):
    """A sandbox that remembers what was posted."""

    is_phaseo_nb_sandbox = True

    def __init__(self, box):
        self.inner = box.transport
        self.posts = []

    async def handle_async_request(self, request):
        if request.method == "POST":
            self.posts.append(request)
        return await self.inner.handle_async_request(request)


@pytest.fixture
def shell(bare, box):
    """An IPython with the magic, connected to a sandbox."""
    nb.connect("sandbox", transport=Counting(box))
    return bare


@pytest.fixture
def posts(shell):
    """What reached the sandbox."""
    return connecting.default_session().connection.transport.posts


def run(shell, cell):
    """Run a cell that should succeed; returns the value of its last line."""
    result = shell.run_cell(cell)
    assert result.success, result
    return result.result


def refused(shell, cell, capsys):
    """Run a cell that should fail; returns the one line that it left on stderr."""
    capsys.readouterr()
    result = shell.run_cell(cell)
    out, err = capsys.readouterr()
    assert type(result.error_in_exec) is UsageError, result
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("UsageError: ")
    return err.removeprefix("UsageError: ").strip()


# -- what is typed -------------------------------------------------------------------------------


def test_every_word_of_generate_has_its_option():
    """No word of generate() is missing, and no option fills a word that there is not."""
    words = set(inspect.signature(nb.generate).parameters) - {"prompt"}

    assert {option.word for option in OPTIONS if option.is_word} == words


def test_a_cell_is_the_prompt_and_its_lyrics(shell):
    """The body is the prompt, below a line of --- stand the lyrics, the take gets its name."""
    run(shell, "%%music --duration 2 --out waltz\n\nA slow waltz\n---\n[Verse]\nRound\n---\nend\n")

    request = shell.user_ns["waltz"].request
    assert (request.prompt, request.duration) == ("A slow waltz", 2)
    assert request.to_wire()["lyrics"] == "[Verse]\nRound\n---\nend"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-m sandbox/band -d 2 -f wav", {"model": "sandbox/band", "duration": 2, "format": "wav"}),
        ("--title \"Slow Harp\" --style='a, b'", {"title": "Slow Harp", "style": "a, b"}),
        ('--title "a \\"b\\" \\\\ c"', {"title": 'a "b" \\ c'}),
        ("--echo_upstream_request --no_show", {"echo_upstream_request": True, "show": False}),
        ("--instrumental", {"instrumental": True}),
        ("--vocals", {"instrumental": False}),
        ("--no-instrumental", {"instrumental": False}),
        ("--negative drums --voice f", {"negative": "drums", "voice": "f"}),
        ("--suno style_weight=0.5", {"suno": {"style_weight": 0.5}}),
        ("--suno a=true --suno b='1' --suno c=x", {"suno": {"a": True, "b": "1", "c": "x"}}),
        ('--suno {"a": {"b": [1, "}"]}}', {"suno": {"a": {"b": [1, "}"]}}}),
        ("--minimax {'a': True, 'b': None}", {"minimax": {"a": True, "b": None}}),
        ("--elevenlabs '{\"a\": 1}'", {"elevenlabs": {"a": 1}}),
        ("--provider suno", {"provider": "suno"}),
        ('--provider only=["suno","google"]', {"provider": {"only": ["suno", "google"]}}),
        ("--routing a=b --debug trace=true", {"routing": {"a": "b"}, "debug": {"trace": True}}),
        ("--take 2 --timeout 30.5", {"take": 2, "timeout": 30.5}),
        ("--timeout none --fresh", {"timeout": None, "fresh": True}),
        ("--lyrics la", {"lyrics": "la"}),
    ],
)
@pytest.mark.parametrize("kind", ["line", "cell"])
def test_options_become_the_words_of_generate(bare, monkeypatch, line, words, kind):
    """Texts become numbers, switches and objects; the rest reaches generate() as it was typed."""
    seen = {}

    async def generate(**given):
        seen.update(given)

    monkeypatch.setattr("phaseo_nb.magic.generate", generate)

    run(bare, f"%music {line} slow harp" if kind == "line" else f"%%music {line}\nslow harp")

    assert seen == {**words, "prompt": "slow harp"}


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("it's a 12\" waltz", "it's a 12\" waltz"),
        ("rock 'n' roll", "rock 'n' roll"),
        ('"slow harp"', "slow harp"),
        ('"slow --loud harp" -d 2', "slow --loud harp"),
        ('"slow" harp', '"slow" harp'),
        ('"Slow", he said', '"Slow", he said'),
        ("slow harp -d 2", "slow harp"),
        ("lo-fi - at -5 dB – quiet", "lo-fi - at -5 dB – quiet"),
        ("-d 2 -- --loud 'n proud", "--loud 'n proud"),
        ("{not} {{a}} field $HOME", "{not} {{a}} field $HOME"),
        ("🎻 waltz", "🎻 waltz"),
    ],
)
def test_the_prompt_of_a_line_is_prose(line, prompt):
    """Apostrophes, quotes, dashes and braces inside a prompt stay as they are."""
    assert scan(line).text == prompt


def test_braces_in_a_cell_are_left_alone(shell):
    """Without --interpolate nothing is filled in, also where IPython would by itself."""
    shell.user_ns["mood"] = "sad"

    take = run(shell, "%%music --title {mood} -d 2\na {mood} harp {{x}} $mood {")

    assert take.request.prompt == "a {mood} harp {{x}} $mood {"


def test_interpolate_fills_names_in(shell):
    """With --interpolate the user's variables are filled in, in prompt, lyrics and options."""
    shell.user_ns.update(mood="sad", n=2)

    take = run(
        shell,
        "%%music --interpolate --duration {n} --title {mood}\na {mood} harp {{x}}\n---\n{mood} la",
    )

    assert take.request.prompt == "a sad harp {x}"
    assert take.request.duration == 2
    assert take.request.to_wire()["lyrics"] == "sad la"


def test_interpolate_sees_the_variables_of_a_function(shell):
    """In a function its own names are filled in."""
    run(
        shell,
        "def make(mood):\n    take = %music --interpolate -d 2 {mood} waltz\n    return take\n"
        "made = make('sad')",
    )

    assert shell.user_ns["made"].request.prompt == "sad waltz"


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{moood} harp", "there is no variable 'moood'. Did you mean {mood}?"),
        ("{nothing} harp", "there is no variable 'nothing'"),
        ("{mood.upper()} harp", "'{mood.upper()}' is not the name of a variable"),
        ("{mood[0]} harp", "is not the name of a variable"),
        ("{mood!r} harp", "is not the name of a variable"),
        ("{__import__('os')} harp", "is not the name of a variable"),
        ("{} harp", "is not the name of a variable"),
        ("{mood harp", "is not the name of a variable"),
        ("mood} harp", "is not the name of a variable"),
        ("{bad} harp", "bad cannot be written as text (ZeroDivisionError)"),
    ],
)
def test_what_cannot_be_filled_in_is_said(bare, capsys, home, prompt, said):
    """Nothing is evaluated; an unknown name, and more than a name, is one clear line."""

    class Bad:
        def __str__(self):
            return str(1 / 0)

    bare.user_ns.update(mood="sad", bad=Bad())

    assert said in refused(bare, f"%%music --interpolate\n{prompt}", capsys)
    assert not home.exists()


# -- where it stands -----------------------------------------------------------------------------


def test_the_result_is_a_value(shell):
    """A line can be assigned, and what a cell made is the cell's value."""
    run(shell, "take = %music -d 2 slow harp")
    again = run(shell, "%%music -d 2\nslow harp")

    assert shell.user_ns["take"] is again


@pytest.mark.parametrize(
    "cell",
    [
        "# a remark\n\n%%music -d 2 --out take\nslow harp",
        "\n\n%%music -d 2 --out take\nslow harp",
        "take = %music -d 2 slow harp",
        "x = 1\n%music -d 2 --out take slow harp\ny = 2",
        "for _ in range(2):\n    take = %music -d 2 slow harp",
        "if True:\n    try:\n        %music -d 2 --out take slow harp\n    finally:\n        pass",
        "def make():\n    %music -d 2 --out take slow harp\nmake()",
        "run = get_ipython().run_cell_magic\nrun('music', '-d 2 --out take', 'slow harp')",
        "get_ipython().run_line_magic('music', '-d 2 --out take slow harp')",
        "%%time\n%music -d 2 --out take slow harp",
        "%%capture\n%music -d 2 --out take slow harp",
        "%%capture\n%%music -d 2 --out take\nslow harp",
        "é = '🎻'\ntake = %music -d 2 slow harp",
        "é = '🎻'; take = get_ipython().run_line_magic('music', '-d 2 slow harp')",
    ],
)
def test_it_works_wherever_a_magic_may_stand(shell, cell):
    """At the top, below remarks, in loops, functions, other magics and from code."""
    run(shell, cell)

    assert shell.user_ns["take"].request.prompt == "slow harp"


@pytest.mark.parametrize(
    "cell",
    [
        "%%music -d 2\nslow harp",
        "%music slow harp",
        "take = %music slow harp",
        "for x in 1, 2:\n    %music slow harp",
    ],
)
def test_calls_at_the_top_level_are_awaited(bare, cell):
    """What a cell can await becomes an await."""
    assert "await get_ipython()" in bare.transform_cell(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "def f():\n    %music slow harp",
        "class A:\n    x = %music slow harp",
        "text = '''\nget_ipython().run_line_magic('music', 'x')\n'''",
        "get_ipython().run_line_magic('musical', 'x')",
        "get_ipython().run_line_magic('music', text)",
        "other.run_line_magic('music', 'x')",
        "%%music?",
        "def broken(:\n    %music x",
        "# %%music\nprint('music')",
    ],
)
def test_everything_else_is_left_as_it_is(bare, cell):
    """Functions, texts, other code and help are not touched."""
    with_magic = bare.transform_cell(cell)
    nb.unload_ipython_extension(bare)

    assert with_magic == bare.transform_cell(cell)


def test_without_autoawait_it_waits_by_itself(shell):
    """Where the user has switched await off, the plain magic does the work."""
    shell.autoawait = False
    try:
        assert "await" not in shell.transform_cell("%music slow harp")
        assert isinstance(run(shell, "%music -d 2 slow harp"), nb.Take)
    finally:
        shell.autoawait = True


# -- what it does --------------------------------------------------------------------------------


def test_the_same_again_is_free(shell, posts):
    """The magic and generate() are the same request: the second is the kept take."""
    first = run(shell, "%%music -d 2\nslow harp\n")
    second = run(shell, 'await nb.generate("slow harp", duration=2)')

    assert second is first
    assert len(posts) == 1


def test_estimate_costs_nothing_and_starts_nothing(shell, posts, capsys):
    """--estimate gives the price and what the provider ignores; no job is started."""
    nb.connect("phaseo", api_key=KEY, transport=(wire := Wire()).transport)

    cost = run(shell, "%%music --estimate --model suno/v4.5 --duration 8\nslow harp")

    assert cost == nb.Cost(usd=0.06, is_estimate=True)
    said = capsys.readouterr().out
    assert "about $0.06. No job was started." in said
    assert "duration: suno decides the length itself" in said
    assert [post for post in wire.posts if "prompt" in post] == []
    assert list(nb.library().recent()) == []


def test_estimate_says_what_is_kept_already(shell, posts, capsys):
    """What is in the library is free, unless --fresh asks for one more."""
    run(shell, "%music -d 2 slow harp")
    capsys.readouterr()

    run(shell, "%music --estimate -d 2 slow harp")
    assert "in your library already" in capsys.readouterr().out
    run(shell, "%music --estimate --fresh -d 2 slow harp")
    assert "in your library already" not in capsys.readouterr().out
    assert len(posts) == 1


def test_estimate_can_be_kept_and_quiet(shell, capsys):
    """--out names the price, --no-show leaves the card away."""
    run(shell, "%music --estimate --no-show --out price -d 2 slow harp\nNone")

    assert shell.user_ns["price"].usd == 0
    assert capsys.readouterr().out == ""


def test_form_opens_prefilled_and_sends_nothing(bare, home, monkeypatch):
    """--form hands the same words to the form, and the prompt may be left to it."""
    opened = []

    class Form:
        def __init__(self, **words):
            opened.append(words)

    monkeypatch.setattr(nb, "MusicForm", Form, raising=False)

    form = run(bare, "%%music --form --duration 4 --suno style_weight=0.5 --out form\nslow harp")
    run(bare, "%music --form")

    assert opened[0] == {"prompt": "slow harp", "duration": 4, "suno": {"style_weight": 0.5}}
    assert opened[1] == {}
    assert bare.user_ns["form"] is form
    assert not home.exists()


def test_a_ready_request_and_a_session_are_named(shell, box):
    """--request and --session take the names of variables."""
    shell.user_ns["wish"] = nb.MusicRequest(model="sandbox/band", prompt="slow harp", duration=2)
    shell.user_ns["there"] = nb.connect("sandbox", transport=box.transport)

    take = run(shell, "%music --request wish --session there")

    assert take.request == shell.user_ns["wish"]


def test_no_show_shows_nothing(shell, capsys):
    """With --no-show a cell leaves no output, and the take all the same."""
    run(shell, "%%music --no-show --out take -d 2\nslow harp")

    assert shell.user_ns["take"].request.prompt == "slow harp"
    assert "<Take" not in capsys.readouterr().out


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--modl x harp", "There is no option '--modl'. Did you mean --model?"),
        ("--durations 8 harp", "Did you mean --duration?"),
        ("—model x harp", "There is no option '—model'. Did you mean --model?"),
        ("--xyzzy harp", "There is no option '--xyzzy'. %music? lists them;"),
        ("-d8 harp", "There is no option '-d8'"),
        ("-x harp", "There is no option '-x'"),
        ("--model:x harp", "Did you mean --model?"),
        ("--duration eight harp", "--duration: 'eight' is not a whole number"),
        ("--duration 1e3 harp", "is not a whole number"),
        ("--duration ８ harp", "is not a whole number"),
        ("--duration 2.5 harp", "is not a whole number"),
        (f"--duration {'9' * 5000} harp", "(5000 characters) is not a whole number"),
        ("--timeout soon harp", "'soon' is no number of seconds"),
        ("--timeout nan harp", "is no number of seconds"),
        ("--model", "--model needs a value"),
        ("--model --duration 2 harp", "--model needs a value"),
        ("--suno", "--suno needs a value, such as key=value"),
        ("--suno weight harp", "--suno: 'weight' cannot be read"),
        ("--suno [1] harp", "cannot be read"),
        ("--suno {1:2} harp", "cannot be read"),
        ("--suno {b'a':2} harp", "cannot be read"),
        ("--suno {'a':{1,2}} harp", "cannot be read"),
        ("--suno {'a':{b'a':2}} harp", "cannot be read"),
        ("--suno {'a':open('x')} harp", "cannot be read"),
        ("x" * 100_000, "The line has 100000 characters, more than 10000"),
        ('--suno {"a": 1 harp', "misses a closing '}'"),
        (f"--suno {'[' * 5000} harp", "misses a closing ']'"),
        (f"--suno {{'a': {'[' * 2000}{']' * 2000}}} harp", "cannot be read"),
        ("--suno a=1 --suno a=2 harp", "'a' is given twice"),
        ("--🎻 harp", "There is no option"),
        ("--provider suno --provider only=1 harp", "--provider: give one name"),
        ("--model a --model b harp", "--model: say it once"),
        ("--instrumental --vocals harp", "--instrumental and --vocals: say it once"),
        ("--fresh true harp", "--fresh is a switch and takes no value"),
        ("--fresh=1 harp", "--fresh is a switch and takes no value"),
        ('--title "Slow Harp', 'A quote (") is opened and never closed'),
        ("--title 'Slow'Harp waltz", "a quote closes in the middle of a word"),
        ("'n roll", "A quote (') is opened and never closed"),
        ("--title Slow Harp -d 2 waltz", "'Harp' and 'waltz' both look like the prompt"),
        ("--out 1x harp", "--out: '1x' cannot be the name of a variable"),
        ("--out class harp", "--out: 'class' cannot be the name"),
        ("--out a.b harp", "--out: 'a.b' cannot be the name"),
        ("--session nobody harp", "--session: 'nobody' is no variable"),
        ("--request nb", "--request: 'nb' holds none"),
        ("--form --estimate harp", "--form and --estimate do not go together"),
        ("", "The prompt is empty"),
        ("   ", "The prompt is empty"),
        ('""', "The prompt is empty"),
        ("--", "The prompt is empty"),
        ("-d 2", "The prompt is empty"),
        ("slow\0harp", "NUL"),
    ],
)
def test_a_mistake_on_the_line_is_one_clear_line(bare, capsys, home, line, said):
    """What cannot be read is said in one line without traceback; nothing is even connected."""
    assert said in refused(bare, f"%music {line}", capsys)
    assert not home.exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--timeout 0 harp", "Seconds greater than 0"),
        ("--suno style_weight=9 -m suno/v4.5 harp", "suno.styleWeight = 9 was not sent"),
        ("--take 0 harp", "A take is a number from 1"),
        ("--take 2 --fresh harp", "give one of the two"),
        ("--format flac harp", "format = 'flac' was not sent"),
        ("--voice x harp", "voice = 'x' was not sent"),
    ],
)
def test_a_broken_rule_is_one_clear_line(shell, capsys, posts, line, said):
    """What the request's rules refuse is said in the same way, and nothing is sent."""
    assert said in refused(shell, f"%music {line}", capsys)
    assert posts == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%music", "The prompt is empty. Write what it should sound like below the line %%music."),
        ("%%music -d 2\n \n", "The prompt is empty"),
        ("%%music slow harp\nx", "The prompt goes below %%music, not behind it: 'slow harp'"),
        ("%%music --title Slow Harp\nx", "'Harp' is too much. A value of several words needs"),
        ("%%music\nslow harp\n---\n", "There is nothing below the line of ---"),
        ("%%music --lyrics la\nslow harp\n---\nla", "below --- and in --lyrics as well"),
        ("%%music --modl x\nslow harp", "Did you mean --model?"),
        ("%%music -d 2\nslow\0harp", "NUL"),
    ],
)
def test_a_mistake_in_a_cell_is_one_clear_line(bare, capsys, home, cell, said):
    """The same holds for what stands below the line."""
    assert said in refused(bare, cell, capsys)
    assert not home.exists()


@pytest.mark.parametrize("place", ["%music {} harp", "def f():\n    %music {} harp\nf()"])
@pytest.mark.parametrize("option", ["--api-key", "--api_key", "--apikey", "--token", "--key"])
def test_a_key_is_not_taken(bare, capsys, home, option, place):
    """A key as an option is refused, with where it belongs, and is not repeated."""
    for text in (f"{option} phaseo_v1_sk_abc_secret", f"{option}=phaseo_v1_sk_abc_secret"):
        line = refused(bare, place.format(text), capsys)
        assert "a cell is saved with its notebook" in line
        assert "nb.login()" in line
        assert "secret" not in line
    assert not home.exists()


def test_errors_of_every_kind_are_one_line(shell, box, capsys):
    """Settings, budgets, refusals and failed jobs end as one line, awaited and not."""
    box.script("waltz", outcome=failed("SENSITIVE_WORD_ERROR"))
    for cell in ("%music -m suno/v4.5 a waltz", "def f():\n    %music -m suno/v4.5 a waltz\nf()"):
        assert "SENSITIVE_WORD_ERROR" in refused(shell, cell, capsys)

    wire = Wire()
    nb.connect("phaseo", api_key=KEY, transport=wire.transport, budget_usd=0.01)
    assert "No model was named" in refused(shell, "%music harp", capsys)
    assert "0.06" in refused(shell, "%music -m suno/v4.5 harp", capsys)
    assert "0.06" in refused(shell, "def f():\n    %music -m suno/v4.5 harp\nf()", capsys)
    assert wire.posts == []


def test_a_service_cannot_write_control_characters(shell, box, capsys):
    """Line breaks and escapes in a service's words do not reach the terminal."""
    box.script("waltz", outcome=failed("bad\x1b[31m\nword"))

    line = refused(shell, "%music -m suno/v4.5 a waltz", capsys)

    assert "\x1b" not in line


@pytest.mark.parametrize("text", ["x" * 9000, '"' * 8999, "'" * 8999, "{" * 9000], ids="xqab")
@pytest.mark.parametrize("before", ["--title ", "--suno ", "--suno a=", "--", "--out ", "--take "])
def test_floods_are_refused_shortly(bare, capsys, home, before, text):
    """However much is typed in the wrong place, the answer is one short line."""
    line = refused(bare, f"%music --fresh --estimate --form {before}{text}", capsys)

    assert len(line) < 400
    assert not home.exists()


@given(st.text(alphabet=st.one_of(st.sampled_from("-—=\"'{}[]\\ \tamdx"), st.characters())))
def test_no_line_breaks_the_reading(line):
    """Any line at all is either read or refused by one line."""
    try:
        options, _ = scan(line)
    except UsageError as error:
        said = str(error)
    else:
        assert all(option in OPTIONS for option, _ in options)
        said = ""

    assert "\n" not in said
    assert len(said) < 400


@given(st.text())
def test_no_body_is_lost(body):
    """Without a border the whole body is the prompt, outer blanks aside."""
    if all(line.strip() != "---" for line in body.split("\n")):
        assert split_body(body) == (body.strip(), None)


# -- in and out ----------------------------------------------------------------------------------


def hooks(shell):
    return (
        len(shell.input_transformers_cleanup),
        len(shell.input_transformers_post),
        len(shell.Completer.custom_matchers),
        shell.find_line_magic("music") is not None,
        shell.find_cell_magic("music") is not None,
        "MusicMagics" in shell.magics_manager.registry,
    )


def test_loading_twice_is_harmless_and_unloading_removes_everything(bare):
    """What is loaded is there once, and nothing of it stays."""
    loaded = hooks(bare)
    nb.load_ipython_extension(bare)
    assert hooks(bare) == loaded

    nb.unload_ipython_extension(bare)
    nb.unload_ipython_extension(bare)
    assert hooks(bare) == (*(n - 1 for n in loaded[:3]), False, False, False)


def test_load_ext_loads_it(shell, capsys):
    """%load_ext, %reload_ext and %unload_ext do what they say."""
    nb.unload_ipython_extension(shell)

    run(shell, "%load_ext phaseo_nb")
    run(shell, "%reload_ext phaseo_nb")
    assert isinstance(run(shell, "%music -d 2 slow harp"), nb.Take)
    run(shell, "%unload_ext phaseo_nb")

    assert shell.find_line_magic("music") is None


@pytest.mark.parametrize("asked", ["%music?", "%%music?"])
def test_the_help_is_of_use(bare, capsys, asked):
    """The help shows an example, and every option."""
    run(bare, asked)

    said = capsys.readouterr().out
    assert "A slow waltz for accordion and double bass" in said
    assert all(option.flag in said for option in OPTIONS)


# -- completion ----------------------------------------------------------------------------------


def completions(shell, text):
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [text[: c.start] + c.text for c in found]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("%music --du", ["%music --duration"]),
        ("%%music --no", ["%%music --no-show"]),
        ("%%music -d 2 --echo_up", ["%%music -d 2 --echo-upstream-request"]),
        ("take = %music --format w", ["take = %music --format wav"]),
        ("%music -f o", ["%music -f ogg"]),
        ("%music --model=eleven", ["%music --model=eleven-labs/music"]),
        ("%music --model sandbox/", ["%music --model sandbox/band"]),
        ("%music --voice ", ["%music --voice f", "%music --voice m"]),
        ("%music --provider s", ["%music --provider suno"]),
        ("%music --session th", ["%music --session there"]),
        ("%music --request wi", ["%music --request wish"]),
        ("x = 1\n%music --du", ["x = 1\n%music --duration"]),
    ],
)  # fmt: skip
def test_options_and_their_values_complete(shell, typed, completed):
    """Options, models, formats, voices, providers and variables of the right kind complete."""
    shell.user_ns["there"] = nb.connect("sandbox")
    shell.user_ns["wish"] = nb.MusicRequest(model="sandbox/band", prompt="x")

    assert completions(shell, typed) == completed


def test_models_are_those_of_the_gateway(bare):
    """At udioapi.pro its models are offered, not Phaseo's; nothing is asked over the network."""
    nb.connect("udio", api_key="a-key-for-udio", transport=Wire().transport)

    assert completions(bare, "%music -m chirp-v5") == [
        "%music -m chirp-v5-5",
        "%music -m chirp-v5",
    ]


def test_an_option_that_is_said_is_not_offered_again(bare):
    """What can be given once is not offered twice."""
    assert completions(bare, "%music -d 2 --du") == []


def test_prompts_and_other_code_are_left_to_ipython(bare):
    """Below the line and outside of the magic nothing of ours appears."""
    for text in ("%%music\n--du", "x --du", "%%time --du"):
        assert not [found for found in completions(bare, text) if found.endswith("--duration")]
