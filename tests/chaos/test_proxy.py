"""The fault proxy does what the recipes rely on.

Each fault is seen by a real client of a real server.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg2
import pytest
from chaos.postgres_wire import ClientMessages, statement_of
from chaos.proxy import CommitCut, FaultProxy
from end_to_end.harness import wait_until

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENCE_SECONDS = 0.2


@contextmanager
def echo_server() -> Iterator[tuple[str, int]]:
    """A server that says again what it hears, on one thread a connection."""
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=repeat, args=[connection], daemon=True).start()

        def repeat(connection: socket.socket) -> None:
            with connection:
                try:
                    while data := connection.recv(1 << 16):
                        connection.sendall(data)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host, port = listening.getsockname()
        yield host, port
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A proxy before an echo server."""
    with echo_server() as target, FaultProxy(target) as running:
        yield running


@contextmanager
def client_of(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, proxy.port), timeout=5) as client:
        yield client


def said_again(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    heard = b""
    while len(heard) < len(text):
        piece = client.recv(1 << 16)
        if not piece:
            break
        heard += piece
    return heard


def test_hands_on_what_it_is_not_told_to_disturb(proxy: FaultProxy) -> None:
    """Every byte arrives, in order, both ways."""
    text = bytes(range(256)) * 4096
    with client_of(proxy) as client:
        client.settimeout(20)
        sender = threading.Thread(target=client.sendall, args=[text])
        sender.start()
        heard = b""
        while len(heard) < len(text):
            heard += client.recv(1 << 16)
        sender.join()
    assert heard == text


def test_delay_and_rate(proxy: FaultProxy) -> None:
    """A piece takes the delay each way, and no longer than its size over the rate."""
    with client_of(proxy) as client:
        proxy.delay_seconds = 0.1
        started = time.monotonic()
        assert said_again(client, b"hello") == b"hello"
        assert time.monotonic() - started >= 0.2
        proxy.delay_seconds, proxy.bytes_per_second = 0.0, 5000.0
        started = time.monotonic()
        assert said_again(client, b"x" * 500) == b"x" * 500
        assert time.monotonic() - started >= 0.2


def test_reset(proxy: FaultProxy) -> None:
    """An established connection ends with a reset; new ones work."""
    with client_of(proxy) as client:
        said_again(client, b"hello")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with client_of(proxy) as client:
        assert said_again(client, b"again") == b"again"


def test_black_hole(proxy: FaultProxy) -> None:
    """Old and new connections stay open and hear nothing.

    When the silence ends, all that was said arrives.
    """
    with client_of(proxy) as old:
        said_again(old, b"hello")
        proxy.black_hole()
        with client_of(proxy) as new:
            for client in (old, new):
                client.settimeout(SILENCE_SECONDS)
                client.sendall(b"anybody?")
                with pytest.raises(TimeoutError):
                    client.recv(1)
            proxy.heal()
            for client in (old, new):
                client.settimeout(5)
                assert client.recv(100) == b"anybody?"


def test_cut_after_bytes(proxy: FaultProxy) -> None:
    """All but the last of so many bytes of the server arrive, then a reset; once."""
    with client_of(proxy) as client:
        proxy.cut_after_bytes(6)
        client.sendall(b"0123456789")
        heard = b""
        try:
            while piece := client.recv(100):
                heard += piece
        except ConnectionResetError:
            heard += b", then a reset"
    assert heard in (
        b"01234, then a reset",
        b", then a reset",
    )  # a reset may overtake what was sent before it
    with client_of(proxy) as client:
        assert said_again(client, b"0123456789") == b"0123456789"
    assert proxy.cuts == 1


@pytest.mark.parametrize("kind", CommitCut)
def test_cut_at_commit(postgres_url: str, kind: CommitCut) -> None:
    """A COMMIT after the marked statement fails for the client.

    Returns what became of it is what the kind says. Others are left alone.
    """
    server = urlsplit(postgres_url)
    assert server.port
    table = f"cut_{kind.name.lower()}"
    with (
        FaultProxy((LOOPBACK, server.port), speaks_postgres=True) as proxy,
        closing(psycopg2.connect(postgres_url)) as direct,
        closing(
            psycopg2.connect(postgres_url.replace(f":{server.port}/", f":{proxy.port}/"))
        ) as connection,
    ):
        direct.autocommit = True
        observer = direct.cursor()
        observer.execute(f"CREATE TABLE {table} (number int)")
        proxy.cut_commits([kind], marker=f"INTO {table}".encode())
        connection.cursor().execute("SELECT 1")
        connection.commit()
        connection.cursor().execute(f"INSERT INTO {table} VALUES (1)")
        with pytest.raises(psycopg2.OperationalError):
            connection.commit()
        assert proxy.cuts == 1

        def count() -> int:
            observer.execute(f"SELECT count(*) FROM {table}")
            [(number,)] = observer.fetchall()
            return int(number)

        if kind is not CommitCut.LATE:
            assert count() == (1 if kind is CommitCut.ANSWER_LOST else 0)
        else:
            assert count() == 0
            wait_until(lambda: count() == 1, 5, "the COMMIT arrives late")
        observer.execute(f"DROP TABLE {table}")


def test_messages_are_whole_however_the_bytes_arrive() -> None:
    """Encryption request, start-up message and statements are told apart.

    They may come byte by byte or all at once.
    """
    encryption = (8).to_bytes(4) + (80877103).to_bytes(4)
    start_up = (13).to_bytes(4) + (196608).to_bytes(4) + b"user\x00"
    commit = b"Q" + (11).to_bytes(4) + b"COMMIT\x00"
    whole = encryption + start_up + commit + commit
    assert list(ClientMessages().feed(whole)) == [encryption, start_up, commit, commit]
    one_by_one = ClientMessages()
    messages = [
        message
        for number in range(len(whole))
        for message in one_by_one.feed(whole[number : number + 1])
    ]
    assert [statement_of(message) for message in messages] == [None, None, b"COMMIT", b"COMMIT"]
