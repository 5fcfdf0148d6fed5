"""Declares chores: what is done beside the stream, from time to time.

A chore says its name, how often it is due, and what it does. The timers loop over chores and know
none by name (`kafka/worker/timers.py`). The chores of the store are declared in
`postgres/chores/timetable.py`, those of the worker itself in `kafka/worker/own_chores.py`.
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
        now: the time of the machine's clock, which may be wrong if the chore needs no clock.
        events_wait: whether any events wait, so that the call should be short.
        in_backlog: whether more events wait than lie between two batches of a stream that keeps up.
    """

    now: datetime
    events_wait: bool
    in_backlog: bool


class Chore(NamedTuple, Generic[Done]):
    """Something to be done from time to time.

    Attributes:
        name: the label `timer` of its metrics. These names are a contract with dashboards and do
            not change: so `settle_sites`, `settle_details` and `readings` keep the old words for a
            refresh and for gauges.
        every_seconds: how long after its start it is due again.
        run: what it does. It may raise: the error is logged and counted, and the chore runs again.
        needs_clock: whether it waits while the clock of the machine is not to be believed.
    """

    name: str
    every_seconds: float
    run: Callable[[Circumstances], Done]
    needs_clock: bool = True


class Due(NamedTuple):
    """How often a chore is due, for whom it is enough to know that.

    Attributes:
        name, every_seconds, needs_clock: see `Chore`.
    """

    name: str
    every_seconds: float
    needs_clock: bool = True

    def done_by(self, run: Callable[[Circumstances], Done]) -> Chore[Done]:
        """The chore that does this."""
        return Chore(self.name, self.every_seconds, run, self.needs_clock)


class ShowChores(Protocol):
    """Where the store's chores show what they found; any thread may use it."""

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Replace the gauges that are read from the tables."""

    def letters_deleted(self, count: int) -> None:
        """Count dead letters that were kept no longer."""


class WorkerStore(Protocol):
    """What a worker asks its store besides batches and chores.

    Its calls block: make them from a thread. Every worker may make them at once.
    """

    def join(self) -> Membership:
        """Let the store follow this worker's catalogue, if it is the newest or the first.

        Raises StoreUnavailableError.
        """
        ...

    def read_clocks(self) -> ClockReading:
        """What the clock of this machine, PostgreSQL's clock, and the stored times show now.

        Raises StoreUnavailableError.
        """
        ...

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """Take messages to send them, oldest first.

        Returns nothing while another worker has claimed messages of that kind, for a minute at
        most.
        """
        ...

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """Remove the messages that were sent; workers may take the other ones again."""
        ...


class ChoreStore(WorkerStore, Protocol):
    """The same, with chores."""

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
