"""Prompts as experiments: sweep, listen blind, rank, report.

- ``sweep.py``: :class:`Sweep`; ``grid.py``, ``filling.py``, ``reading.py`` and ``wording.py`` make
  its cells of words and rows, ``compiling.py`` checks them, ``planning.py`` counts and prices them,
  ``running.py`` and ``purse.py`` buy them, ``cells.py`` says what became of them, ``grid_card.py``
  and ``live_grid.py`` show it
- ``results.py``: what came of it; ``result_rows.py`` its rows, ``exporting.py`` files of them,
  ``results_grid.py`` and ``embedding.py`` players side by side, ``diff.py`` compares two requests,
  ``report/`` writes the page that tells it all
- ``described.py``, ``asked.py``, ``plots/``: what tracks sound like in numbers and pictures
- ``comparison.py``, ``listening/``, ``votes.py``: blind listening tests
- ``ranking/``: from votes to an order with intervals
- ``records.py``: what the library keeps of all this
"""
