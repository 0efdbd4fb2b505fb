"""Where a form and what it makes are shown: outputs of its cell, or inside the form itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import cards
from ..phrases import excerpt
from .code import code_of
from .look import WIDGET_VIEW, is_unproven, show_way_around
from .places import BLANK, Shelf, WidgetPlace, outputs_stay_live

if TYPE_CHECKING:
    from .music_form import MusicForm

N_PLACES = 10
"""Live lines and players that a form shows at a time; older takes are in the library."""

_RELOADED = (
    "The page was loaded anew: what is made now appears here in the form. Run the cell again to "
    "have it below, as part of the notebook. Everything is in your library in any case."
)


class Showing:
    """The places of one form.

    Players belong below the form, as outputs of its cell: there they are saved with the notebook.
    A page that was loaded anew cannot find these places any more (their names are not saved), and
    Voilà's outputs stand still; then the players are inside the form.
    """

    def __init__(self, form: MusicForm) -> None:
        self._form = form
        self._n_shown = self._n_drawn = 0
        self._is_inside = False
        self.outside: Shelf | None = None

    @property
    def shelf(self) -> Shelf | None:
        """Where live lines and players go; ``None`` where nobody looks."""
        if self.outside is None and not outputs_stay_live():
            self.outside = self._inside()
        return self.outside

    def _inside(self) -> Shelf:
        self._is_inside = True
        places = [WidgetPlace() for _ in range(N_PLACES)]
        parts = self._form._parts
        self._form.children = [*parts.children, *(place.widget for place in places)]
        return Shelf(list(places))

    def rendered(self) -> None:
        """Note that a page has drawn the form; more often than it was shown is a reload."""
        self._n_drawn += 1
        if self._n_drawn > self._n_shown > 0 and self.outside is not None and not self._is_inside:
            before, self.outside = self.outside, self._inside()
            self.outside.take_over(before)
            self._form._parts.say(_RELOADED)

    def show(self) -> None:
        """Show the form in the running cell, with places for what it will make."""
        from IPython.display import display

        from ..live import can_watch

        def put(bundle: dict[str, Any], **more: Any) -> Any:
            return display(bundle, raw=True, **more)  # type: ignore[no-untyped-call]

        self._n_shown += 1
        put(self.bundle())
        if is_unproven():
            show_way_around("await nb.generate(…)")
        if can_watch() and outputs_stay_live():
            self._is_inside = False
            self.outside = Shelf([put(BLANK, display_id=True) for _ in range(N_PLACES)])

    def bundle(self) -> dict[str, Any]:
        """Return the form as an output: the widget, and what stands for it without widgets."""
        return {
            "text/plain": repr(self._form),
            "text/html": self._twin(),
            WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self._form.model_id},
        }

    def _twin(self) -> str:
        draft = self._form.draft()
        lines = ["This form works where widgets are shown and its kernel runs: run the cell again."]
        code = "await nb.generate(…)" if draft.request is None else code_of(draft)
        return cards.note_card([*lines, f"The same in code: {excerpt(code, 400)}"], heading="Form")
