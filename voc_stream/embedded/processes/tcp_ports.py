"""Chooses TCP ports on 127.0.0.1."""

from __future__ import annotations

import socket

from voc_stream.errors import EmbeddedError

LOOPBACK = "127.0.0.1"


def choose_port(asked: int | None, usual: int, option: str) -> int:
    """The port to listen on.

    Args:
        asked: the port the user named, which must then be free; 0 takes any free one, None prefers
            the usual one.
        usual: the port that clients expect; 0 if there is none.
        option: the option that names the port, for the message.

    Raises:
        EmbeddedError: another program listens on the port asked for.
    """
    if asked:
        if not _is_free(asked):
            taken = f"{option} {asked}: another program listens on {LOOPBACK}:{asked}"
            raise EmbeddedError(
                f"{taken}; stop it, or give {option} another port (0 takes a free one)"
            )
        return asked
    if asked is None and usual and _is_free(usual):
        return usual
    return free_port()


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether a program accepts connections on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


def listens(process_id: int, port: int) -> bool:
    """Whether this process, and no other one, serves the port.

    A program that held the port before would answer, too. Ask this before an answer is taken for
    that of a program of ours that has not told who it is.
    """
    import psutil  # noqa: PLC0415  part of the extra

    try:
        connections = psutil.Process(process_id).net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections
    )


def _is_free(port: int) -> bool:
    # Binding alone would succeed beside a listener on every address.
    if answers(port):
        return False
    try:
        with socket.create_server((LOOPBACK, port)):
            return True
    except OSError:
        return False
