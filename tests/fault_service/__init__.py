"""A music service on loopback that goes wrong on purpose, and counts what was paid.

It speaks both services, the Phaseo gateway and udioapi.pro, over real sockets, byte by byte where
a fault needs it, and does one thing wrong at one stage: when an order comes in (``submit``), when
somebody asks how a job stands (``poll``), or when its audio is fetched (``download``). Everything
else it does well, so whatever a client makes of it is about that one fault.

How to choose a fault
---------------------
By the path in front of the service's own, so any client can that has a base URL::

    http://127.0.0.1:PORT/<fault>/v1              the Phaseo wire: POST /music/generate …
    http://127.0.0.1:PORT/<fault>                 udioapi.pro's:   POST /api/v2/generate …
    http://127.0.0.1:PORT/<fault>/<anything>/v1   the same fault, in a room with books of its own

The name of a fault begins with its stage: ``submit-429-seconds``, ``poll-html-502``,
``download-cut``. As it stands it happens once in each room, at the first visit to its stage; with
``-always`` behind it, at every visit. ``ok`` is no fault at all.

At ``submit``, most faults come after the order was taken: the job exists, is paid for, and only
the answer is lost. Those that come before say ``"pays": false`` in the list below.

What it serves besides
----------------------
``GET /__faults``
    ``[{"name", "stage", "wires", "pays", "about"}, …]``: every fault there is (``pays`` is null
    away from submit; ``wires`` are ``"phaseo"``, ``"udio"`` or both).
``GET /__paid``
    ``{room: n}``: how many jobs were created, that is paid, in each room that was visited; a room
    is the path in front of ``/v1`` or ``/api`` without its first slash. More than one for one
    order is an order paid twice.
``GET /__books``
    ``{room: {"paid", "submits", "polls", "downloads"}}``: the same with all visits.
``GET /__heal/<room>``
    The room has no fault any more, as if the service had been repaired.

The jobs
--------
An order at the Phaseo wire is ``in_progress`` when it is asked for first and ``completed`` then,
with one track; ``minimax/…`` models answer with the audio at once, and 404 to whoever asks later.
At udioapi.pro there are two tracks. Every track is a WAV unlike any other (:func:`sound_of`), one
second long, titled ``Tide <n>``, with ``Range`` and an ``ETag``. Any key will do. A body of an
order must be a JSON object; nothing else of it is looked at but ``model``.

How to start it
---------------
From a shell in ``tests/``: ``python -m fault_service --port 0`` prints its address, such as
``http://127.0.0.1:40123``, as its first line, and runs until it is interrupted. From Python::

    with FaultService() as service:
        base_url = f"{service.url}/submit-reset-after/v1"
        ...
        assert service.room("submit-reset-after").paid == 1

Connections are closed after every answer. A thread each, for dozens of clients, not thousands.
"""

from __future__ import annotations

from .faults import FAULTS, STAGES, Fault
from .music import Room, sound_of
from .server import FaultService

__all__ = ["FAULTS", "STAGES", "Fault", "FaultService", "Room", "sound_of"]
