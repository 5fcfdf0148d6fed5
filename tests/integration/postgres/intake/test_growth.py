"""One complaint, order or customer of a great many events.

An event more costs about what it cost at a thousand.

VOC_TEST_GROWTH is how many (20,000); 1,000,000 is the full size, which `make test-chaos` takes.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from datetime import timedelta
from typing import TYPE_CHECKING

from builders import (
    START,
    at,
    callback,
    complaint,
    customer,
    messages,
    repair_step,
    retraction,
    touchpoint,
)
from integration.postgres.store import NOW, send
from integration.postgres.waiting import waiting
from msgspec.structs import replace

from voc_stream.events.decode import decode_stored
from voc_stream.postgres.rolling import churn_risk as churn

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders import Event
    from integration.postgres.store import Store

GROWTH = int(os.environ.get("VOC_TEST_GROWTH", "20000"))
FEW = 1_000
ROUNDS = 5
# What a busy machine adds to either measurement by chance; what grows with the key is hundreds of
# times as much.
TIMES, SECONDS = 5.0, 0.25
STATE_BYTES = 1_500


def fill(store: Store, event: Event, first: int, last: int) -> None:
    """Store so many events like this one, each a second later than the one before.

    Fold nothing: see `refold`.
    """
    body = messages([event])[0].decode()
    stored = decode_stored(body, {})
    store.ask(
        """
        INSERT INTO touchpoint_event (event_id, type, occurred_at, customer_id, site_id, order_id,
            body, topic, partition, "offset", is_scored, is_contact)
        SELECT 'seed-' || lpad(n::text, 8, '0'), b ->> 'type',
               %s::timestamptz + n * interval '1 second', b ->> 'customer_id',
               b ->> 'site_id', b ->> 'order_id',
               b || jsonb_build_object(
                   'event_id', 'seed-' || lpad(n::text, 8, '0'),
                   'occurred_at',
                   to_char((%s::timestamptz + n * interval '1 second') AT TIME ZONE 'UTC',
                           'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
               'test.events', 9, n, %s, %s
        FROM (SELECT %s::jsonb AS b) one, generate_series(%s::int, %s::int) n
        """,
        START,
        START,
        stored.is_scored(),
        stored.is_contact("follow_up"),
        body,
        first,
        last - 1,
    )


def seconds_of(store: Store, events: Callable[[int], list[Event]]) -> float:
    """The shortest time of a batch of one event, of some.

    What was at hand before is read once in the first of them. A busy machine lengthens some, and
    what grows with the key lengthens all.
    """
    sink, taken = store.sink(), []
    for number in range(ROUNDS):
        values = messages(events(number))
        began = time.perf_counter()
        assert send(sink, values).accepted == len(values)
        taken.append(time.perf_counter() - began)
    sink.close()
    return min(taken)


def assert_no_more(small: float, large: float) -> None:
    assert large < max(TIMES * small, SECONDS), (
        f"{large:.3f} s, and {small:.3f} s with {FEW} events"
    )


def test_a_complaint_with_any_number_of_steps(store: Store) -> None:
    """Its row stays small, and a step costs the same.

    A reopening that is told late finds what follows it by index.
    """
    acknowledged = complaint(action="acknowledged")
    taken = []
    for first, last in ((0, FEW), (FEW, GROWTH)):
        fill(store, acknowledged, first, last)
        # As the fold of all of them leaves it.
        step = complaint(f"k-{last}", action="acknowledged", occurred_at=at(seconds=last - 1))
        send(store.sink(), messages([complaint(f"k-first-{last}", action="acknowledged"), step]))
        middle = last // 2
        taken.append(
            seconds_of(
                store,
                lambda n, last=last, middle=middle: [  # type: ignore[misc]  # mypy infers no lambda's defaults
                    complaint(
                        f"k-{last}-{n}", action="reopened", occurred_at=at(seconds=middle + n)
                    )
                ],
            )
        )
        assert store.one("SELECT acknowledged_at FROM complaint") == START + timedelta(
            seconds=middle + ROUNDS
        )
        assert store.one("SELECT length(fold_state::text) FROM complaint") < STATE_BYTES
    assert_no_more(*taken)


def test_an_order_with_any_number_of_contacts(store: Store) -> None:
    """The same of calls about an order whose delivery is told late."""
    call = callback(order_id="o-1")
    taken = []
    for first, last in ((0, FEW), (FEW, GROWTH)):
        fill(store, call, first, last)
        send(
            store.sink(),
            messages(
                [
                    callback(f"c-first-{last}", order_id="o-1"),
                    callback(f"c-{last}", order_id="o-1", occurred_at=at(seconds=last - 1)),
                ]
            ),
        )
        middle = last // 2
        taken.append(
            seconds_of(
                store,
                lambda n, last=last, middle=middle: [  # type: ignore[misc]
                    repair_step(
                        f"r-{last}-{n}",
                        stage="delivery",
                        edge="exit",
                        occurred_at=at(seconds=middle + n),
                    )
                ],
            )
        )
        assert store.one("SELECT followed_up_at FROM repair_order") == START + timedelta(
            seconds=middle + ROUNDS
        )
        assert store.one("SELECT length(fold_state::text) FROM repair_order") < STATE_BYTES
    assert_no_more(*taken)


def test_what_a_large_row_does_not_rest_on_is_taken_out_at_once(store: Store) -> None:
    """One of very many steps or calls is taken back without reading the others.

    The row says nothing of it.
    """
    taken = []
    for first, last in ((0, FEW), (FEW, GROWTH)):
        fill(store, complaint(action="acknowledged", order_id="o-1"), first, last)
        ends = [(f"k-first-{last}", at()), (f"k-{last}", at(seconds=last))]
        send(
            store.sink(),
            messages(
                [
                    complaint(key, action="acknowledged", order_id="o-1", occurred_at=when)
                    for key, when in ends
                ]
            ),
        )
        chores = store.chores()
        rounds = []
        for number in range(ROUNDS):
            send(
                store.sink(),
                messages([retraction(f"x-{last}-{number}", f"seed-{last // 2 + number:08}")]),
            )
            began = time.perf_counter()
            chores.take_back(NOW)
            rounds.append(time.perf_counter() - began)
        taken.append(sorted(rounds)[ROUNDS // 2])
    assert_no_more(*taken)
    assert (
        store.one("SELECT count(*) FROM touchpoint_event WHERE event_id LIKE 'seed-%%'")
        == GROWTH - 2 * ROUNDS
    )


def test_a_customer_with_any_number_of_scores(store: Store) -> None:
    """A profile costs its batch the same, however long the history is.

    Each piece of the move is as long as the first, in time and memory.
    """
    fill(store, touchpoint(), 0, GROWTH)
    send(store.sink(), messages([touchpoint("t-first"), customer("p-0", segment="silver")]))
    # The rows say what the fold of all would: they all count under the first segment.
    store.ask(
        "UPDATE customer SET fold_state = (fold_state::jsonb - 'move')::text, version = version + 1"
    )
    store.ask("DELETE FROM customer_move")
    store.ask("ANALYZE touchpoint_event")
    taken = seconds_of(
        store, lambda n: [customer(f"p-{n + 1}", segment=f"s-{n}", occurred_at=at(seconds=n + 1))]
    )
    assert taken < SECONDS
    chores, pieces = store.chores(), []
    tracemalloc.start()
    while store.ask("SELECT customer_id FROM customer_move"):
        began = time.perf_counter()
        chores.move_histories.some()
        pieces.append(time.perf_counter() - began)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(pieces) >= GROWTH // 2_000
    assert max(pieces[len(pieces) // 2 :]) < max(
        TIMES * sorted(pieces)[len(pieces) // 2], 4 * SECONDS
    )
    assert peak < 32 * 1024 * 1024
    assert chores.refresh(NOW)
    # What was stored here and never counted is taken back as if it had been.
    counted = dict(store.ask("SELECT segment, sum(n) FROM experience_daily GROUP BY 1"))
    assert counted == {f"s-{ROUNDS - 1}": GROWTH + 1, "silver": -GROWTH}


def test_a_customer_with_any_number_of_orders_and_complaints(store: Store) -> None:
    """The risk is assessed from the few of them that decide, found by index."""
    send(
        store.sink(),
        messages(
            [
                repair_step("r-1", stage="delivery", edge="exit", promised_at=at(hours=-1)),
                callback(
                    "c-1",
                    order_id="o-1",
                    answers=[{"item": "overall", "score": 2}],
                    occurred_at=at(hours=1),
                ),
                complaint("k-1", severity="major"),
                complaint("k-2", complaint_id="q-2", action="resolved"),
            ]
        ),
    )
    taken, risks = [], []
    for first, last in ((1, FEW), (FEW, GROWTH)):
        _multiply(store, "repair_order", "order_id", first, last)
        _multiply(store, "complaint", "complaint_id", first, last)
        store.ask("ANALYZE repair_order; ANALYZE complaint")
        chores = store.chores()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with chores.transaction() as cursor:
                churn.reassess(cursor, ["u-1"], store.catalogue, NOW)
            taken.append(time.perf_counter() - began)
        risks.append(store.ask("SELECT drivers FROM churn_risk"))
    assert_no_more(sorted(taken[:ROUNDS])[ROUNDS // 2], sorted(taken[ROUNDS:])[ROUNDS // 2])
    assert risks[0] == risks[1]
    assert {driver["driver"] for driver in risks[0][0][0]} >= {
        "open_complaint_major",
        "broken_promise",
        "low_outcome",
    }


def test_a_customer_with_any_number_of_latest_events(store: Store) -> None:
    """The risk reads the latest of them by index, and so few orders that it knows their band."""
    churn_model = store.catalogue.churn
    multipliers = dict.fromkeys(("contacts_3", "failures_8", "visits_8", "compensation"), 1.5)
    catalogue = replace(store.catalogue, churn=replace(churn_model, multipliers=multipliers))
    send(store.sink(), messages([repair_step("r-1"), complaint("k-1", compensation=5)]))
    taken, risks = [], []
    for first, last in ((1, FEW), (FEW, GROWTH)):
        fill(store, touchpoint(score=2), first, last)
        _multiply(store, "repair_order", "order_id", first, last)
        store.ask("ANALYZE repair_order; ANALYZE touchpoint_event")
        chores = store.chores()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with chores.transaction() as cursor:
                churn.reassess(cursor, ["u-1"], catalogue, NOW)
            taken.append(time.perf_counter() - began)
        risks.append(store.ask("SELECT drivers FROM churn_risk"))
    assert_no_more(sorted(taken[:ROUNDS])[ROUNDS // 2], sorted(taken[ROUNDS:])[ROUNDS // 2])
    assert risks[0] == risks[1]
    # The complaint is older than the 200 latest events.
    drivers = {driver["driver"] for driver in risks[0][0][0]}
    assert drivers == {"base", "contacts_3", "failures_8", "visits_8"}


def test_a_customer_with_any_number_of_visits(store: Store) -> None:
    """A visit that is told late is compared with its neighbours, and with no others.

    It lies in the middle of all: its order and the one before it are all that it may change.
    """
    taken = []
    for first, last in ((0, FEW), (FEW, GROWTH)):
        store.ask(
            "INSERT INTO customer_moment SELECT 'u-1', kind, %s::timestamptz - n * interval '9 s'"
            " + CASE kind WHEN 'visit' THEN interval '0' ELSE interval '5 s' END, 'seed-' || n,"
            " 's-1', '', '', '', '', '', '', '' FROM generate_series(%s::int, %s::int) n,"
            " unnest(ARRAY['visit', 'delivered']) kind",
            START,
            first,
            last - 1,
        )
        store.ask("DELETE FROM increment")
        middle = last // 2
        taken.append(
            seconds_of(
                store,
                lambda n, last=last, middle=middle: [  # type: ignore[misc]
                    repair_step(
                        f"r-{last}-{n}",
                        order_id=f"o-{last}-{n}",
                        stage="delivery",
                        edge="exit",
                        occurred_at=at(seconds=7 - 9 * (middle + n)),
                    )
                ],
            )
        )
        # Each of them came back, as did those before them: only the new ones count.
        within = ("fixed_first_time", "visited_again_180d")
        weights = [one.weight for one in waiting(store) if one.experience in within]
        assert (sum(weights), len(weights)) == (2 * ROUNDS, 2 * ROUNDS)
    assert_no_more(*taken)


def _multiply(store: Store, table: str, key: str, first: int, last: int) -> None:
    """Copy the rows of a table, all of the same customer, with other keys."""
    names = ", ".join(
        f'"{name}"'
        for (name,) in store.ask(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped",
            table,
        )
        if name != key
    )
    store.ask(
        f"INSERT INTO {table} ({key}, {names}) SELECT {key} || '-' || n, {names} FROM {table},"
        f" generate_series(%s::int, %s::int) n"
        f" WHERE {key} IN ('o-1', 'q-1', 'q-2')",
        first,
        last - 1,
    )
