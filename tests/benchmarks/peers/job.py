"""The reduced job that every peer does, and what its tables must hold in the end.

Input: the JSON events of the benchmark mix (`voc_stream/simulator/load/benchmark_mix.py`: 1,000,000
customers, 300 sites, 5 % of the messages repeat one of the last thousand byte by byte), keyed by
customer, in the topics `repair-flow`, `callbacks` and `complaints` of 8 partitions.

Job: decode each message; count it only where its `event_id` was not counted before, ever; keep in
PostgreSQL

- `customer_count`: for each `customer_id` the number of its events;
- `experience_sum`: for each experience that a callback's answer scores, the number of scores, their
  sum in hundredths (a score of 7.5 is 750) and the sum of the squares of the hundredths.

The tables are made before the peer starts and are right when they equal `ReducedJob.tables`, which
a set and two dictionaries compute in the plainest way from the messages that were sent. Where a
peer remembers ids is its own affair: `seen_event` is there for those who do it in PostgreSQL. What
a peer is told is in its environment: KAFKA_BOOTSTRAP, TOPICS (with commas), GROUP, DATABASE_URL,
STATE_DIR (its own folder, which a restart finds again), AS_OF (the moment of the whole job).
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, Protocol

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voc_stream.postgres.session.cursor import Cursor

TOPICS = ("repair-flow", "callbacks", "complaints")
PARTITIONS = 8
DUPLICATE_SHARE = 0.05

# Half-filled pages let a row that changes often stay in its page; this helps every peer that
# updates rows.
TABLES = """
CREATE TABLE seen_event (event_id text PRIMARY KEY);
CREATE TABLE customer_count (
    customer_id text PRIMARY KEY, events bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE experience_sum (
    experience text PRIMARY KEY,
    n bigint NOT NULL, score_sum bigint NOT NULL, score_sq_sum bigint NOT NULL
) WITH (fillfactor = 50);
"""


class Tables(NamedTuple):
    """Both tables: events by customer, and (n, score_sum, score_sq_sum) by experience."""

    customers: dict[str, int]
    experiences: dict[str, tuple[int, int, int]]


class Progress(NamedTuple):
    """What is visible: events that are in the tables, and what they add up to in other tables."""

    events: int
    scores: int


class Found(Protocol):
    """How the tables that a peer wrote differ from what they must hold."""

    @property
    def is_right(self) -> bool:
        """Whether there is no difference at all."""

    @property
    def in_words(self) -> str:
        """The difference, for a table in a page."""


class Job(Protocol):
    """A job that peers do: its tables, how far they are filled, and whether they are right."""

    @property
    def goal(self) -> Progress:
        """What is visible in the end."""

    def make_tables(self, database_url: str) -> None:
        """Make the empty tables."""

    def progress(self, cursor: Cursor) -> Progress:
        """What is visible now."""

    def compare(self, database_url: str) -> Found:
        """What differs in the end; the peer is not running."""


class Difference(NamedTuple):
    """How tables differ from what they must hold.

    Attributes:
        lost: events that are not in the counts of their customers.
        counted_twice: events that the counts of customers have too many.
        wrong_customers: rows of `customer_count` that are wrong, missing or too many.
        wrong_experiences: rows of `experience_sum` that are.
    """

    lost: int
    counted_twice: int
    wrong_customers: int
    wrong_experiences: int

    @property
    def is_right(self) -> bool:
        """Whether there is no difference at all."""
        return not any(self)

    @property
    def in_words(self) -> str:
        """The difference, for a table in a page."""
        if self.is_right:
            return "right"
        events = f"{self.lost:,} events lost, {self.counted_twice:,} counted twice"
        return (
            f"**wrong**: {events}; {self.wrong_customers:,} customers and {self.wrong_experiences}"
            f" experiences wrong"
        )


class ReducedJob:
    """The job of this page, and the naive fold of what was sent."""

    def __init__(self, values: Iterable[bytes] = ()) -> None:
        self.messages = 0
        self._seen: set[str] = set()
        self._customers: Counter[str] = Counter()
        self._experiences: dict[str, tuple[int, int, int]] = {}
        for value in values:
            self.add(value)

    def add(self, value: bytes) -> None:
        """Take in one message as it was sent."""
        self.messages += 1
        event = json.loads(value)
        if event["event_id"] in self._seen:
            return
        self._seen.add(event["event_id"])
        self._customers[event["customer_id"]] += 1
        for answer in event.get("answers", []):
            if "score" in answer:
                hundredths = round(100 * answer["score"])
                n, total, squares = self._experiences.get(answer["item"], (0, 0, 0))
                self._experiences[answer["item"]] = (
                    n + 1,
                    total + hundredths,
                    squares + hundredths**2,
                )

    @property
    def goal(self) -> Progress:
        """Distinct events, the sum of all counts of customers; and scores, the sum of all `n`."""
        return Progress(len(self._seen), sum(n for n, _, _ in self._experiences.values()))

    def make_tables(self, database_url: str) -> None:
        """Make the empty tables."""
        with closing(psycopg2.connect(database_url)) as connection, connection:
            connection.cursor().execute(TABLES)

    def progress(self, cursor: Cursor) -> Progress:
        """The same sums, of what is in the tables."""
        cursor.execute(
            "SELECT (SELECT coalesce(sum(events), 0) FROM customer_count),"
            " (SELECT coalesce(sum(n), 0) FROM experience_sum)"
        )
        events, scores = cursor.fetchone() or (0, 0)
        return Progress(int(events), int(scores))

    def compare(self, database_url: str) -> Difference:
        """Compare what is in the tables with the fold."""
        with closing(psycopg2.connect(database_url)) as connection:
            return difference(read_tables(connection.cursor()), self.tables)

    @property
    def tables(self) -> Tables:
        """What must be in PostgreSQL."""
        return Tables(dict(self._customers), self._experiences)


def read_tables(cursor: Cursor) -> Tables:
    """What is in PostgreSQL."""
    cursor.execute("SELECT customer_id, events FROM customer_count")
    customers = dict(cursor.fetchall())
    cursor.execute("SELECT experience, n, score_sum, score_sq_sum FROM experience_sum")
    return Tables(
        customers, {experience: (n, total, squares) for experience, n, total, squares in cursor}
    )


def difference(found: Tables, expected: Tables) -> Difference:
    """Compare, row by row."""
    counts = [
        (found.customers.get(customer, 0), expected.customers.get(customer, 0))
        for customer in found.customers | expected.customers
    ]
    experiences = found.experiences | expected.experiences
    return Difference(
        lost=sum(max(0, wanted - count) for count, wanted in counts),
        counted_twice=sum(max(0, count - wanted) for count, wanted in counts),
        wrong_customers=sum(count != wanted for count, wanted in counts),
        wrong_experiences=sum(
            found.experiences.get(key) != expected.experiences.get(key) for key in experiences
        ),
    )
