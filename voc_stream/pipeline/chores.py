"""What is done beside the stream, from time to time.

A chore says its name, how often, and what it does.

The timers loop over chores and know none by name (`kafka/worker/timers.py`). Those of the store are
declared in `postgres/chores/postgres_chores.py`, those of the worker itself in
`kafka/worker/own_chores.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import GaugeSample, Membership, OutboxKind, OutboxMessage

Done = TypeVar("Done")


class Circumstances(NamedTuple):
    """What a chore is told when its turn comes.

    Attributes:
        now: the time; of the machine's clock, which may be wrong where the chore needs none.
        events_wait: whether any events wait, so that the call should be short.
        in_backlog: whether more events wait than lie between two batches of a stream that keeps up.
    """

    now: datetime
    events_wait: bool
    in_backlog: bool


class Chore(NamedTuple, Generic[Done]):
    """Something to be done from time to time.

    Attributes:
        name: the label `timer` of its metrics. These names do not change.
        every_seconds: how long after its start it is due again.
        run: what it does. May raise: it is logged and counted, and the chore runs again.
        needs_clock: whether it waits while the clock of the machine is not to be believed.
    """

    name: str
    every_seconds: float
    run: Callable[[Circumstances], Done]
    needs_clock: bool = True


class ShowChores(Protocol):
    """Where the store's chores show what they found; for any thread."""

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Replace the gauges that are read from the tables."""

    def letters_deleted(self, count: int) -> None:
        """Count dead letters that were kept no longer."""


class ChoreStore(Protocol):
    """What the worker needs of its store besides batches.

    Blocking: call it from a thread. Every worker may call it at once.
    """

    def join(self) -> Membership:
        """Let the store follow this worker's catalogue, where it is the newest or the first.

        Raises StoreUnavailableError.
        """
        ...

    def read_clocks(self) -> ClockReading:
        """What the clock of this machine, PostgreSQL's, and those that are stored show now.

        Raises StoreUnavailableError.
        """
        ...

    def chores(
        self, show: ShowChores, evaluate_every: timedelta, keep_letters: timedelta | None
    ) -> Sequence[Chore[object]]:
        """The chores of the store.

        Args:
            show: where they show what they found.
            evaluate_every: how often alerts are evaluated, whichever worker does it.
            keep_letters: how long dead letters are kept; None for ever.
        """
        ...

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """Take messages to send them, oldest first.

        None while another worker has some of that kind, for a minute at most.
        """
        ...

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """Those that were sent are done with; all others that were taken may be taken again."""
        ...
