from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from benchmarks import history
from benchmarks.load import Load, messages

from voc_stream.pipeline.ports import Batch, Message, Partition, StoredPosition
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

NEW = Partition("test", 0)


@pytest.fixture
def cursor(database_url: str) -> Iterator[Cursor]:
    with closing(
        psycopg2.connect(database_url, options="-c search_path=voc -c timezone=UTC")
    ) as connection:
        connection.autocommit = True
        yield connection.cursor()


def value(cursor: Cursor, query: str) -> int:
    cursor.execute(query)
    [(found,)] = cursor.fetchall()
    return int(found)


def test_each_customer_has_the_rows_of_its_kind(database_url: str, cursor: Cursor) -> None:
    """Customers are numbered as the mix names them.

    All have a profile and a risk, every fourth an order; nothing waits to be merged.
    """
    history.add_customers(database_url, cursor, 230)
    assert (
        value(
            cursor,
            "SELECT count(*) FROM customer WHERE customer_id ~ '^c-0000[0-2][0-9]{2}$' AND segment"
            " IS NOT NULL",
        )
        == 230
    )
    assert value(cursor, "SELECT count(*) FROM churn_risk JOIN customer USING (customer_id)") == 230
    assert (
        value(
            cursor,
            "SELECT count(*) FROM repair_order JOIN customer USING (customer_id) WHERE delivered_at"
            " IS NOT NULL",
        )
        == 58
    )
    rest = (
        "touchpoint_event",
        "increment",
        "churn_pending",
        "stream_position",
        "rolling_sum",
        "pane",
    )
    assert [value(cursor, f"SELECT count(*) FROM {table}") for table in rest] == [0] * len(rest)


def test_the_engine_goes_on_from_the_rows(
    database_url: str, cursor: Cursor, catalogue: Catalogue
) -> None:
    """The multiplied rows are ones that the engine itself could have written.

    It loads, folds and saves them.
    """
    history.add_customers(database_url, cursor, 40)
    now = datetime.now(UTC)
    values = [
        message.value
        for message in messages(Load(events=400, customers=40), now - timedelta(hours=1), 1.0)
    ]
    with (
        closing(PostgresSink(database_url, catalogue)) as sink,
        closing(PostgresChores(database_url, catalogue)) as chores,
    ):
        sink.start_at(NEW, StoredPosition("log", 0), None)
        decoded = decode_messages(
            [Message(offset, each) for offset, each in enumerate(values)], now, catalogue
        )
        [result] = sink.process([Batch(NEW, StoredPosition("log", 0), decoded)], now)
        assert chores.refresh(now)
        assert chores.assess_churn(now)
    assert result.accepted == 400
    assert value(cursor, "SELECT count(*) FROM customer") == 40
    assert value(cursor, "SELECT count(*) FROM customer WHERE version > 1") > 0
    assert (
        value(
            cursor,
            "SELECT count(*) FROM repair_order WHERE order_id LIKE 'case-%'"
            " AND fold_state::json ->> 'profile' IS NOT NULL",
        )
        > 0
    )


def test_days_are_those_before_today(
    database_url: str, cursor: Cursor, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each day has its events, its part of the cube and, as long as they are kept, its panes.

    The horizons are summed from them.
    """
    monkeypatch.setattr(history, "EVENTS_A_DAY", 200)
    history.add_days(database_url, cursor, 5, sites=3, customers=50)
    assert value(cursor, "SELECT count(*) FROM touchpoint_event") == 1_000
    assert (
        value(
            cursor,
            "SELECT count(DISTINCT occurred_at::date) FROM touchpoint_event WHERE occurred_at <"
            " current_date",
        )
        == 5
    )
    assert (
        value(
            cursor,
            "SELECT count(DISTINCT day) FROM experience_cube WHERE day BETWEEN current_date - 5 AND"
            " current_date - 1",
        )
        == 5
    )
    days = (
        "SELECT count(DISTINCT start::date) FROM pane WHERE start < current_date AND resolution ="
    )
    assert [value(cursor, f"{days} {resolution}") for resolution in (5, 60, 1440)] == [3, 5, 5]
    with closing(PostgresChores(database_url, catalogue)) as chores:
        assert chores.refresh(datetime.now(UTC))
    answers = (
        "SELECT sum(n) FROM rolling_sum WHERE scope_type = 'all' AND experience = 'overall' AND"
        " horizon ="
    )
    one_day = value(
        cursor,
        "SELECT sum(n) FROM experience_cube WHERE experience = 'overall' AND day = current_date -"
        " 1",
    )
    assert value(cursor, f"{answers} '7d'") == 5 * one_day
