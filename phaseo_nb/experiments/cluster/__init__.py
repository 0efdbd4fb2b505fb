"""A sweep on a cluster of dask.distributed: the same words, the same journal, many machines.

A task engine runs a lost task again, so a task of ours buys nothing: it takes up orders that stand
in the journal, and which of two workers has one is decided there. What travels is an
:class:`~phaseo_nb.experiments.cluster.assignment.Assignment`: names and numbers of rows, no key,
no password, no audio; what comes back is how many rows came to which end.

- ``assignment.py``: what a task is told; ``worker.py``: what a worker does with it
- ``shard.py``: bringing the rows of a shard to their ends
- ``planning.py``: from cells to rows, shard by shard
- ``hands.py``: the workers of a client; ``run.py``: the run as the notebook sees it
- ``analysis.py``: figures and pictures as tasks that calculate
"""
