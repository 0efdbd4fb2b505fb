"""Prompts as experiments: sweep, listen blind, rank, report.

- ``sweep/``: a grid of requests: planned, bought, stopped and resumed by its name
- ``results/``: what came of it: players side by side, tables, files, differences
- ``described/``, ``plots/``: what tracks sound like, in numbers and in pictures
- ``listening/``: blind listening tests, and the votes that come of them
- ``ranking/``: from votes to an order with intervals
- ``report/``: the page that tells it all
- ``records.py``: what the library keeps of this; ``files.py``: files written whole or not at all
"""
