"""Answers what a worker asks its store beside batches and chores.

The worker's process has this and not the chores, whose code takes 50 MiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from voc_stream.pipeline.ports import Membership
from voc_stream.postgres.chores.transactions import ChoreTransactions
from voc_stream.postgres.corrections.take_over import take_over
from voc_stream.postgres.intake import outbox
from voc_stream.postgres.schema.installation import identity, read_ruling, why_to_wait
from voc_stream.postgres.session.connection import (
    DEADLINE_SECONDS,
    checked_out,
    engine_for,
    guarded,
)
from voc_stream.postgres.session.server_clock import read_clocks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import OutboxKind, OutboxMessage

TAKE_OVER_DEADLINE_SECONDS = 3600.0  # renaming an experience rewrites its part of every table


class PostgresWorkerStore:
    """What one worker asks; one connection at a time, and not for two threads at once.

    Attributes:
        transaction: begins a transaction.
    """

    def __init__(
        self, database_url: str, catalogue: Catalogue, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._engine = engine_for(database_url)
        self._name = str(uuid4())
        self._catalogue = catalogue
        self.transaction = ChoreTransactions(self._engine, catalogue, deadline_seconds)

    def close(self) -> None:
        """Give the connection back."""
        self._engine.dispose()

    def join(self) -> Membership:
        """Let this catalogue rule the database, if it is the newest or the first."""
        with self.transaction(ruled=False) as cursor:
            installation, ruling = identity(cursor), read_ruling(cursor)
        problem = why_to_wait(ruling, self._catalogue)
        if problem is not None or self._catalogue.digest in ("", ruling.digest if ruling else None):
            return Membership(installation, problem)
        with (
            checked_out(self._engine) as connection,
            guarded(connection, TAKE_OVER_DEADLINE_SECONDS),
            connection.cursor() as cursor,
        ):
            take_over(cursor, self._catalogue)
            installation, problem = (
                identity(cursor),
                why_to_wait(read_ruling(cursor), self._catalogue),
            )
            connection.commit()
        return Membership(installation, problem)

    def read_clocks(self) -> ClockReading:
        """What the clock of this machine, PostgreSQL's clock, and the stored times show now."""
        with self.transaction() as cursor:
            return read_clocks(cursor)

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """Take messages to send them, oldest first.

        Returns nothing while another worker has claimed messages of that kind, for a minute at
        most.
        """
        with self.transaction() as cursor:
            return outbox.claim(cursor, kind, limit, self._name)

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """Remove the messages that were sent; workers may take the other ones again."""
        with self.transaction() as cursor:
            outbox.finish(cursor, kind, sent, self._name, now)
