"""Says which installation a database is, and which catalogue rules it.

One database has one catalogue. If it had two, workers would cut each other's key experiences and
thresholds. The catalogue with the highest `version` rules; workers with another one wait. Every
transaction of a worker reads `installation`, which holds a lock of it. The transaction that lets
another catalogue rule holds that lock alone. So no worker ever writes by a catalogue that no longer
rules.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import errors

from voc_stream.pipeline.ports import OtherCatalogueError

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

IDENTITY_LENGTH = 12


class Ruling(NamedTuple):
    """The trade, the version and the digest of the catalogue that rules a database."""

    trade: str
    version: int
    digest: str

    def __str__(self) -> str:
        return f"{self.trade}, version {self.version}, {self.digest[:IDENTITY_LENGTH]}"


def make_installation(cursor: Cursor) -> None:
    """Give the database its id, if it has none. `init` does so under its lock."""
    cursor.execute(
        "INSERT INTO installation (installation_id) SELECT gen_random_uuid() WHERE NOT EXISTS"
        " (SELECT FROM installation)"
    )


def identity(cursor: Cursor) -> str:
    """A few letters and digits that tell this database from any other and from a restored copy."""
    cursor.execute("SELECT installation_id FROM installation")
    made = [installation_id for (installation_id,) in cursor]
    cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
    parts = [*made, *cursor.fetchone(), _system_identifier(cursor)]  # type: ignore[misc]  # this database is always there
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:IDENTITY_LENGTH]


def _system_identifier(cursor: Cursor) -> object:
    """PostgreSQL's id of its data folder, which a restored dump does not have.

    Returns None if the role may not ask.
    """
    cursor.execute("SAVEPOINT asking")
    try:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        (found,) = cursor.fetchone()  # type: ignore[misc]  # always one row
    except errors.InsufficientPrivilege:
        found = None
    cursor.execute("ROLLBACK TO asking; RELEASE asking")
    return found


def read_ruling(cursor: Cursor) -> Ruling | None:
    """The catalogue that rules; None if none rules yet."""
    cursor.execute(
        "SELECT trade, catalogue_version, catalogue_digest FROM installation WHERE catalogue_digest"
        " IS NOT NULL"
    )
    return next((Ruling(*row) for row in cursor), None)


def why_to_wait(ruling: Ruling | None, catalogue: Catalogue) -> str | None:
    """Why a worker must wait with this catalogue; None if it rules or may come to rule."""
    if (
        ruling is None
        or catalogue.digest in ("", ruling.digest)
        or catalogue.version > ruling.version
    ):
        return None
    ours = Ruling(catalogue.trade, catalogue.version, catalogue.digest)
    return (
        f"another catalogue rules this database ({ruling}) than the one given ({ours}): set"
        f" VOC_CATALOGUE to the same one everywhere,"
        f" or raise `version` in the new one above {ruling.version} to let it take over"
    )


def require_catalogue(cursor: Cursor, catalogue: Catalogue) -> None:
    """Raise OtherCatalogueError if another catalogue rules.

    The catalogue that rules stays so until the end of the transaction.
    """
    ruling = read_ruling(cursor)
    if ruling is None or catalogue.digest in ("", ruling.digest):
        return
    raise OtherCatalogueError(
        why_to_wait(ruling, catalogue)
        or f"the catalogue given is newer than the one that rules ({ruling}): it takes over when a"
        f" worker with it starts"
    )
