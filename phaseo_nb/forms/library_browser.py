"""The library's browser: find takes, hear them, rate and note them, compare two, export some.

The page of results is the widget's state, short enough to be saved with the notebook. Everything
else goes by messages: the page asks (``{"ask": …, "do": …}``), and each question has one answer,
audio as its buffers. A question may arrive on a thread of its own (ipykernel 7.0 to 7.3) and must
not hold up the others: what it asks for runs in a worker thread, watched over by the engine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
from concurrent.futures import Future
from typing import Any

import anywidget
import traitlets

from .. import cards
from ..engine import engine
from ..errors import LibraryError, PhaseoError
from ..keeping import Library, Takes
from ..phrases import excerpt, visible
from . import library_rows as rows
from .library_answers import ANSWERS, Answer, kept_take
from .look import WIDGET_VIEW, is_unproven, script, show_way_around, style

__all__ = ["LibraryBrowser"]

log = logging.getLogger("phaseo_nb")

MOST_SELECTED = 500
LONGEST_NOTE = 100_000
_NOT_SHOWN = "The library's browser is a widget, and widgets are not shown here. Its takes:"
_PARTS = ("library-parts", "library-take", "library-compare", "library-browser")


class LibraryBrowser(anywidget.AnyWidget):
    """Browse the library: search, filter, play, rate, note, compare two, export.

    What can be clicked can be written too: ``browser.code`` is the line that finds what is shown.
    Audio is fetched when somebody presses *Play*, and is not saved with the notebook. Where
    widgets are not shown, the takes stand there as a table.

    Parameters
    ----------
    library
        A library or its folder. Default: the one of ``nb.library()``.
    n
        Takes on a page, 1 to 50.

    Attributes
    ----------
    selected_ids : list of str
        Ids of the takes that are ticked; can be set.

    Raises
    ------
    LibraryError
        ``library`` is no library or ``n`` no number of takes. A library that is damaged is no
        error here: the browser says what is the matter.

    Examples
    --------
    >>> import phaseo_nb as nb
    >>> browser = nb.LibraryBrowser()
    >>> browser.find("jazz", rating=4)
    No take fits.
    >>> print(browser.code)
    nb.library().search('jazz', 12, rating=4)
    """

    selected_ids = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    _esm = "\n".join(map(script, _PARTS))
    _css = style("library-browser")

    def __init__(
        self, library: Library | str | os.PathLike[str] | None = None, *, n: int = 12
    ) -> None:
        given: Any = library
        size_of_page: Any = n
        if not isinstance(given, (Library, str, os.PathLike, type(None))):
            message = f"library = {library!r:.80} is no library. Give nb.library(…) or its folder."
            raise LibraryError(message)
        if not _is_count(size_of_page) or n > 50:
            message = f"n = {n!r:.80} is no number of takes. Give a whole number from 1 to 50."
            raise LibraryError(message)
        super().__init__()
        self._given = library
        self._library = library if isinstance(library, Library) else None
        place = library.shown if isinstance(library, Library) else library
        self._code_of_library = rows.code_of(place)
        self._n = n
        self._query = rows.Query()
        self._takes = Takes()
        self._lock = threading.RLock()
        self._latest = 0
        self._in_turn = asyncio.Lock()
        self.work: Future[None] | None = None
        self.on_msg(self._on_message)
        try:
            self.find()
        except LibraryError as error:
            self._shown = self._state([], wrong=rows.in_short(error))

    def __repr__(self) -> str:
        n = len(self._takes)
        return f"<LibraryBrowser {n} take{'' if n == 1 else 's'} of page {self._query.page}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        with self._lock:
            takes, wrong = self._takes, self._shown.get("wrong", "")
        said = f"{_NOT_SHOWN} {wrong}" if wrong else _NOT_SHOWN
        bundle = {
            "text/plain": f"{visible(said)}\n{takes!r}",
            "text/html": cards.remark(said) + takes._repr_html_(),
        }
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        shown = {WIDGET_VIEW: data[WIDGET_VIEW]} if WIDGET_VIEW in data else {}
        return {**bundle, **shown}, metadata

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        if is_unproven():
            show_way_around("nb.library().recent()")

    # -- in code -----------------------------------------------------------------------------------

    @property
    def library(self) -> Library:
        """The library that is shown, opened when first needed."""
        with self._lock:
            if self._library is None:
                from ..connecting import library

                self._library = library(self._given)  # type: ignore[arg-type]
            return self._library

    @property
    def takes(self) -> Takes:
        """The takes on the page that is shown."""
        return self._takes

    @property
    def selected(self) -> Takes:
        """The takes that are ticked, of whatever page; those deleted since are left out."""
        found = []
        for id in self.selected_ids:
            try:
                found.append(kept_take(self.library, id))
            except LibraryError:
                continue
        return Takes(found, empty="No take is selected.")

    @property
    def text(self) -> str | None:
        """The words that are searched for."""
        return self._query.text

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that hold, as :meth:`phaseo_nb.Library.search` takes them."""
        return dict(self._query.filters)

    @property
    def code(self) -> str:
        """The line of code that finds what is shown."""
        return self._query.code(self._code_of_library, self._n)

    def find(
        self, text: str | None = None, *, page: int = 1, ranked: bool = False, **filters: Any
    ) -> Takes:
        """Find takes, show them and return them.

        Parameters
        ----------
        text
            Words, as for :meth:`phaseo_nb.Library.search`.
        page
            Which page of them, from 1.
        ranked
            Best match first instead of newest first.
        **filters
            Any of ``model``, ``gateway``, ``provider``, ``notebook``, ``since``, ``until``,
            ``rating`` (at least) and ``tag``.

        Raises
        ------
        LibraryError
            A filter has a value that it cannot have, or the library cannot be read.
        """
        if not _is_count(page):
            message = f"page = {page!r:.80} is no page. Give a whole number from 1."
            raise LibraryError(message)
        if "status" in filters:
            message = "The browser shows what is kept. For the rest: nb.library().recent(status=…)."
            raise LibraryError(message)
        number = self._next()
        self._show(number, *self._look(rows.Query(text, page, ranked, filters)))
        return self._takes

    # -- what is shown -----------------------------------------------------------------------------

    @traitlets.validate("selected_ids")  # type: ignore[untyped-decorator,unused-ignore]
    def _check_selected(self, proposal: Any) -> list[str]:
        ids = list(dict.fromkeys(id for id in proposal["value"] if len(id) <= 200))
        return ids[:MOST_SELECTED]

    def _next(self) -> int:
        with self._lock:
            self._latest += 1
            return self._latest

    def _look(self, query: rows.Query) -> tuple[rows.Query, Takes, dict[str, Any]]:
        n, page = self._n, query.page
        found = self.library.search(query.text, n * page + 1, ranked=query.ranked, **query.filters)
        takes = found[n * (page - 1) : n * page]
        more = {"has_more": len(found) > n * page, "choices": rows.choices(self.library)}
        return query, takes, {**more, "takes": [rows.row_of(take) for take in takes]}

    def _show(self, number: int, query: rows.Query, takes: Takes, state: dict[str, Any]) -> bool:
        """Show what was found, unless something else was asked for meanwhile."""
        with self._lock:
            if number != self._latest:
                return False
            self._query, self._takes = query, takes
            self._shown = self._state(**state)
            return True

    def _state(self, takes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        query = self._query
        is_filtered = query.text is not None or bool(query.filters)
        said = "No take fits." if is_filtered else 'No takes yet. Make one: await nb.generate("…")'
        warning = self._library.warning if self._library is not None else None
        return {
            "takes": takes,
            "query": query.state(),
            "code": self.code,
            "empty": "" if takes else "No more takes." if query.page > 1 else said,
            "warning": visible(warning or ""),
            **more,
        }

    # -- what the page asks for --------------------------------------------------------------------

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        do = content.get("do") if isinstance(content, dict) else None
        if do not in ("find", "say", *ANSWERS):
            return
        number = self._next() if do == "find" else 0
        asked = {**content, "n": number}
        self.work = engine.submit(self._carry(content, lambda: self._answer(asked)))

    def _answer(self, asked: dict[str, Any]) -> Answer:
        own = {"find": self._find, "say": self._say}.get(asked["do"])
        return own(asked) if own is not None else ANSWERS[asked["do"]](self, asked)

    async def _carry(self, content: dict[str, Any], work: Any) -> None:
        try:
            if content["do"] == "say":  # one after the other: the last word about a take counts
                async with self._in_turn:
                    answer, buffers = await asyncio.to_thread(work)
            else:
                answer, buffers = await asyncio.to_thread(work)
        except (PhaseoError, ValueError) as error:
            answer, buffers = {"wrong": rows.in_short(error), "field": _field(error)}, []
        except Exception as error:
            log.exception("The library's browser could not do what was asked: %s", content["do"])
            words = f"This did not work ({type(error).__name__}); the log says more."
            answer, buffers = {"wrong": words}, []
        self.send({"answer": content.get("ask"), **answer}, buffers)

    def _find(self, asked: dict[str, Any]) -> Answer:
        is_shown = self._show(asked["n"], *self._look(rows.query_of(asked)))
        return {"late": not is_shown}, []

    def _say(self, asked: dict[str, Any]) -> Answer:
        """Keep what somebody says about a take: rating, note, tags; those that are given."""
        take = kept_take(self.library, asked.get("id"))
        note, tags = asked.get("note"), asked.get("tags")
        if isinstance(note, str) and len(note) > LONGEST_NOTE:
            message = f"note: {len(note):,} letters are too many. Give up to {LONGEST_NOTE:,}."
            raise ValueError(message)
        if tags is not None:
            take.tags = tuple(rows.tags_in(str(tags)))
        if note is not None:
            take.note = note
        if "rating" in asked:
            take.rating = asked["rating"]
        row = rows.row_of(take)
        with self._lock:
            shown = [row if old["id"] == take.id else old for old in self._shown["takes"]]
            self._shown = {**self._shown, "takes": shown}
        return rows.details(take), []


def _is_count(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 1


def _field(error: BaseException) -> str:
    """Return which filter a refusal is about."""
    words = re.match(r"(text|since|rating|gateway|model|tag) = ", excerpt(str(error)[:100], 100))
    return words[1] if words else ""
