"""One migrated database for many examples."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import psycopg2

if TYPE_CHECKING:
    from voc_stream.catalogue import Catalogue


class Database(NamedTuple):
    """Where it is, and the catalogue of what is written to it."""

    url: str
    catalogue: Catalogue

    def clear(self) -> None:
        """Empty every table; the upkeep mirrors the catalogue anew."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'voc' AND tablename <> 'alembic_version'"
            )
            cursor.execute(f"TRUNCATE {', '.join(name for (name,) in cursor.fetchall())}")
