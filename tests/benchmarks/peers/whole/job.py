"""The whole job: the tables of the project, compared with its oracle.

Input: the messages of the reduced job. Job: all that the project makes of them but alerts. That is
facts, customers, orders and their stages, complaints, the risk of leaving, the daily cube, and
rolling satisfaction of every scope and horizon.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import psycopg2
from benchmarks.peers.job import Progress
from benchmarks.peers.whole.check import assert_right, expected_of_peers
from benchmarks.peers.whole.tables import TABLES
from builders import automotive_catalogue
from comparison import assert_tables_equal, read_tables
from oracle import expected_tables

from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from comparison import Table

    from voc_stream.postgres.session.cursor import Cursor

FACTS = "SELECT count(*) FROM voc.touchpoint_event"
RISKS = "(SELECT count(*) FROM voc.churn_risk)"
PEER_SUMS = "(SELECT coalesce(sum(n), 0) FROM voc.peer_cube)"
MOST_CHARACTERS = 400


class Differences(NamedTuple):
    """What the comparison with the oracle said; empty if all is right."""

    report: str

    @property
    def is_right(self) -> bool:
        """Whether there is no difference at all."""
        return not self.report

    @property
    def in_words(self) -> str:
        """The difference, for a table in a page."""
        return "right" if self.is_right else f"**wrong**: {self.report[:MOST_CHARACTERS]}"


class WholeJob:
    """The job as a peer does it: rows of its own for sums, all as of one moment."""

    sums = PEER_SUMS

    def __init__(self, values: Sequence[bytes], as_of: datetime) -> None:
        self._values, self._as_of = values, as_of
        self._expected = expected_at(tuple(values), as_of)

    @property
    def goal(self) -> Progress:
        """Distinct events; sums of samples, and customers with a risk."""
        daily = expected_of_peers(self._expected)["experience_daily"]
        risks = len(self._expected["churn_risk"])
        return Progress(
            len(self._expected["touchpoint_event"]), sum(row["n"] for row in daily.values()) + risks
        )

    def make_tables(self, database_url: str) -> None:
        """Make the project's empty tables and views, and the two of the sums."""
        migrate(database_url)
        with closing(psycopg2.connect(database_url)) as connection, connection:
            connection.cursor().execute(TABLES)

    def progress(self, cursor: Cursor) -> Progress:
        """The same numbers, of what is in the tables."""
        cursor.execute(FACTS)
        (facts,) = cursor.fetchone() or (0,)
        if facts < self.goal.events:
            return Progress(int(facts), 0)
        cursor.execute(f"SELECT {self.sums} + {RISKS}")
        (sums,) = cursor.fetchone() or (0,)
        return Progress(int(facts), int(sums))

    def compare(self, database_url: str) -> Differences:
        """Compare all tables with the oracle."""
        return _differences(lambda: assert_right(database_url, self._expected, self._as_of))


class OurWholeJob(WholeJob):
    """The job as the project does it: its tables move on with time, so they are brought to now."""

    # Samples of the longest horizon: what is due later is in no horizon yet.
    sums = (
        "(SELECT coalesce(sum(n), 0) FROM voc.rolling_satisfaction WHERE horizon = '90d'"
        " AND scope_type IN ('all', 'employee'))"
    )

    @property
    def goal(self) -> Progress:
        """Distinct events; samples of two scopes, and customers with a risk."""
        samples = sum(
            row["n"]
            for (horizon, scope_type, *_), row in self._expected["rolling_satisfaction"].items()
            if horizon == "90d" and scope_type in ("all", "employee")
        )
        events = len(self._expected["touchpoint_event"])
        return Progress(events, samples + len(self._expected["churn_risk"]))

    def make_tables(self, database_url: str) -> None:
        """Make the empty tables."""
        migrate(database_url)

    def compare(self, database_url: str) -> Differences:
        """Refresh everything as of now, and compare all tables with the oracle."""
        now = datetime.now(UTC)
        with closing(PostgresChores(database_url, load_catalogue())) as chores:
            chores.refresh(now)
            chores.assess_churn(now, everyone=True)
        expected = expected_at(tuple(self._values), now)
        return _differences(lambda: assert_tables_equal(expected, read_tables(database_url)))


@lru_cache(maxsize=2)
def expected_at(values: tuple[bytes, ...], as_of: datetime) -> dict[str, Table]:
    """The oracle's tables."""
    return expected_tables(values, automotive_catalogue(), as_of)


def _differences(check: Callable[[], None]) -> Differences:
    try:
        check()
    except AssertionError as error:
        return Differences(" ".join(str(error).split()))
    return Differences("")
