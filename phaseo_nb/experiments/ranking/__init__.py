"""From votes to a ranking: who is preferred, how surely, and what to compare next.

======================  ===================================================================
``_reading``            votes and ratings in all their forms → arrays
``_graph``              what hangs together
``_fitting``            strengths by highest likelihood (Bradley-Terry)
``_listeners``          how far they may be off, as votes of one listener resemble each other
``_quantiles``          normal and Student's t, several findings at once
``_suggesting``         the next pair
``_ranking``            :func:`rank` and :class:`Ranking`
``_words``, ``_picture``  what it says and how it looks
======================  ===================================================================
"""

from __future__ import annotations

from ._ranking import Chance, Place, Ranking, rank
from ._suggesting import suggest

__all__ = ["Chance", "Place", "Ranking", "rank", "suggest"]
