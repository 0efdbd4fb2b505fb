"""A server that cannot prove who it is, or is not there: nothing is sent to it, nothing is lost."""

from __future__ import annotations

import shutil
import socket

import pytest
from fault_service.certificates import KINDS, Authority
from fault_service.playing import Player, ends_as, playing
from fault_service.rows import Row

import phaseo_nb as nb

ENDS = {"submit": "ConnectionFailed", "poll": "ConnectionFailed", "download": "AudioError"}
BEFORE = {"submit": 0, "poll": 1, "download": 3}
"""How many connections are made before a stage: the order, and two questions."""

ROWS = [
    Row(f"ok/{kind}-{stage}", way, end, at=stage)
    for kind in (*KINDS, "no-tls")
    for stage, end in ENDS.items()
    for way in ("phaseo", "udio")
]


@pytest.fixture(autouse=True)
def home():
    """Each row has a library of its own."""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with playing([], tmp_path_factory.mktemp("rows")) as (service, _):
        yield service


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_server_that_is_not_believed(row, service, authority, tmp_path, monkeypatch):
    """It gets no order and no question; once it is right again, the cell goes on."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    kind = row.fault.removeprefix("ok/").removesuffix(f"-{row.stage}")
    room = service.room(f"{row.fault}/{row.way}")

    def certificates(number):
        is_good = number < BEFORE[row.stage] or room.is_healed
        return authority.contexts["good"] if is_good else authority.contexts.get(kind)

    Player(service, row, tmp_path / "library", service.listen_tls(certificates)).play()


def test_the_message_names_what_helps(service, authority, tmp_path, monkeypatch):
    """Distrust names SSL_CERT_FILE, says why, and that nothing was paid."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    url = service.listen_tls(lambda number: authority.contexts["expired"])
    row = Row("ok/words", "phaseo", "ConnectionFailed", at="submit")

    words = str(Player(service, row, tmp_path / "library", url).run_cell())

    assert "SSL_CERT_FILE" in words
    assert "certificate has expired" in words
    assert "Nothing was created, nothing was paid." in words


def test_a_service_that_is_not_there(service, tmp_path):
    """Nobody listens: said after some tries, nothing paid; the cell works once it is there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        row = Row("ok/refused", "phaseo", "ConnectionFailed", at="submit")
        player = Player(service, row, tmp_path / "library", f"http://127.0.0.1:{port}")
        outcome = player.run_cell()
    assert ends_as(outcome) == row.end
    assert "after 3 attempts" in str(outcome)
    assert player.library.uncertain() == player.library.unfinished() == []

    service.listen(service.serve, port=port)

    assert isinstance(player.run_cell(), nb.Take)
    assert player.room.paid == 1
