"""What the page for operators advises to ask for the customers who were seen last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from documentation import read

if TYPE_CHECKING:
    from integration.postgres.store import Store

PAGE = Path(__file__).parents[4] / "docs/howto/operate.md"
ALL = "SELECT * FROM voc_bi.customer ORDER BY last_seen_at DESC LIMIT 20"
CUSTOMERS = 20_000


@pytest.fixture
def advised() -> str:
    """The statement of the page."""
    [statement] = re.findall(
        r"```sql\n(SELECT \* FROM voc_bi\.customer.*?);\n```", read(PAGE), re.DOTALL
    )
    return str(statement)


@pytest.fixture
def seen(store: Store) -> Store:
    """Many customers, each seen twice; every minute another one, and the last one a minute ago."""
    store.ask(
        "INSERT INTO customer_state (customer_id, version, fold_state)"
        " SELECT 'c-' || n, 1, json_build_object('said', repeat('x', 400))::text"
        f" FROM generate_series(1, {CUSTOMERS}) n"
    )
    store.ask(
        "INSERT INTO touchpoint_event (event_id, type, occurred_at, customer_id, body, topic,"
        ' partition, "offset", is_scored, is_contact)'
        f" SELECT 'e-' || n, 'touchpoint', now() - ({2 * CUSTOMERS} + 1 - n) * interval '1 minute',"
        f" 'c-' || 1 + n * 7 %% {CUSTOMERS}, '{{}}', 't', 0, n, false, false"
        f" FROM generate_series(1, {2 * CUSTOMERS}) n"
    )
    for table in ("customer_state", "touchpoint_event"):
        store.vacuum(table)
    return store


def test_the_advised_question_has_the_answer_of_the_slow_one(seen: Store, advised: str) -> None:
    """Of all customers, those who were seen last are named, in their order."""
    found = seen.ask(advised)
    assert len(found) == 20
    assert found == seen.ask(ALL)


def test_the_advised_question_does_not_read_every_customer(seen: Store, advised: str) -> None:
    """The events of a time are found by an index, and their customers by the primary key.

    Of so few events reading a whole index costs about the same; of millions it does not.
    """
    asked = f"SET LOCAL enable_indexonlyscan = off; EXPLAIN {advised}"
    plan = "\n".join(line for (line,) in seen.ask(asked))
    assert "on touchpoint_event_occurred_at" in plan, plan
    assert "using customer_state_pkey" in plan, plan
    assert "Seq Scan on customer_state" not in plan, plan
