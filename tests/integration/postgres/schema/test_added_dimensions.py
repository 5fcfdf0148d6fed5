"""An upgrade brings dimensions into tables that are full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy
from alembic import command
from builders import START, callback, customer, message, repair_step, touchpoint
from integration.postgres.schema.test_migrate import ask
from integration.postgres.store import NOW, Store

from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.schema.migrate import _alembic_config, migrate
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

BEFORE = "0015"
EVENTS: list[Event] = [
    customer("p-1", segment="gold", region="north"),
    touchpoint("t-1", score=7, channel="kiosk"),
    callback("c-1", mode="web", answers=[{"item": "overall", "score": 9}]),
    repair_step("r-1", stage="delivery", edge="exit", channel="counter"),
]
_CONTRIBUTED = "'s-1', '', '', '', 'gold', 'north', 1, '{overall}'"
_QUEUED = (
    "moment, site_id, department, employee_id, product, segment, region, weight, experience, value"
)
BY_OLD_DIMENSIONS = (
    "SELECT day::text, experience, site_id, segment, sum(n)::int, sum(score_sum)::int"
    " FROM voc.experience_daily WHERE experience = 'overall' GROUP BY 1, 2, 3, 4"
)


def fill(connection: sqlalchemy.Connection) -> None:
    """What the version before had stored of EVENTS: one score is merged, one waits in a queue."""
    for number, event in enumerate(EVENTS):
        insert(
            connection,
            "touchpoint_event",
            {
                **{name: event.get(name) for name in ("event_id", "type", "occurred_at")},
                **{name: event.get(name) for name in ("customer_id", "site_id", "order_id")},
                "channel": event.get("channel"),
                "body": message(event).decode(),
                "topic": "t",
                "partition": 0,
                "offset": number,
            },
        )
    state = {
        "order_id": "o-1",
        "customer_id": ["u-1", START.isoformat(), "r-1"],
        "segment": "gold",
        "region": "north",
    }
    insert(
        connection,
        "repair_order",
        {"order_id": "o-1", "version": 1, "fold_state": json.dumps(state), "customer_id": "u-1"},
    )
    sums = {f"bin_{number}": int(number == 7) for number in range(11)}
    sums |= {"n": 1, "score_sum": 700, "score_sq_sum": 490_000, "expectation_n": 0}
    sums |= {"expectation_sum": 0, "importance_n": 0, "importance_sum": 0}
    key = {"day": START.date(), "experience": "overall", "site_id": "s-1", "segment": "gold"}
    others = dict.fromkeys(("department", "employee_id", "product"), "")
    insert(connection, "experience_cube", {**key, **others, **sums})
    connection.exec_driver_sql(
        f"INSERT INTO contribution ({_QUEUED})"
        f" VALUES ('{START.isoformat()}', {_CONTRIBUTED}, '{{900}}')"
    )


def insert(connection: sqlalchemy.Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(sqlalchemy.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def test_added_dimensions_leave_what_was_stored_and_rebuild_fills_them(
    new_database: Callable[[], str], catalogue: Catalogue
) -> None:
    """Merged or waiting, scores count on under '', until they are counted anew from the events."""
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), BEFORE)
        fill(connection)
    migrate(url)
    with Store(url, catalogue) as store:
        store.chores().refresh(NOW)
    assert ask(url, BY_OLD_DIMENSIONS) == [
        (START.date().isoformat(), "overall", "s-1", "gold", 2, 1600)
    ]
    assert ask(
        url, "SELECT DISTINCT channel, mode, region FROM voc_bi.experience_daily ORDER BY 3"
    ) == [
        ("", "", ""),
        ("", "", "north"),
    ]
    [(state,)] = ask(url, "SELECT fold_state FROM voc.repair_order")
    assert REPAIR_ORDER.decode(state).profile == ("gold", "north")
    rebuild(url, catalogue, lambda *_: None)
    assert ask(
        url,
        "SELECT channel, mode, region, score_sum::int FROM voc.experience_daily"
        " WHERE experience = 'overall' ORDER BY 1",
    ) == [("", "web", "north", 900), ("kiosk", "", "north", 700)]
    with Store(url, catalogue) as store:
        store.assert_as_expected(
            [message(event) for event in EVENTS],
            names=["experience_daily", "repair_order", "customer"],
        )
