"""Begins the transactions of chores.

They are short, each on a connection of the pool, and the worker's catalogue must rule.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from voc_stream.postgres.schema.installation import require_catalogue
from voc_stream.postgres.session.connection import checked_out, guarded, require_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor


class ChoreTransactions:
    """Begins transactions.

    A call gives the cursor of a new transaction, which is committed unless the body raises.

    Attributes:
        catalogue: must rule the database, else OtherCatalogueError is raised.
        deadline_seconds: how long a transaction may take, if the call says nothing else.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, catalogue: Catalogue, deadline_seconds: float
    ) -> None:
        self._engine = engine
        self.catalogue = catalogue
        self.deadline_seconds = deadline_seconds

    @contextmanager
    def __call__(
        self, deadline_seconds: float | None = None, *, ruled: bool = True
    ) -> Iterator[Cursor]:
        """Begin a transaction; without `ruled`, whichever catalogue rules.

        Raises StoreUnavailableError.
        """
        seconds = self.deadline_seconds if deadline_seconds is None else deadline_seconds
        with (
            checked_out(self._engine) as connection,
            guarded(connection, seconds),
            connection.cursor() as cursor,
        ):
            require_tables(cursor)
            if ruled:
                require_catalogue(cursor, self.catalogue)
            yield cursor
            connection.commit()
