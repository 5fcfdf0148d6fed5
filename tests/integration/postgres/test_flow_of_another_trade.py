"""The stages of a trade are those of its catalogue: events in, tables and alerts out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import callback, event_lists, message, messages, repair_step
from comparison import assert_tables_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.alerting.judging import judged
from integration.postgres.bank import BANK, bank_catalogue, in_a_bank
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, Store, send
from oracle import expected_tables
from oracle.orders import moments_of_orders, order_rows, stage_rows
from oracle.reading import read_events

from voc_stream.events.decode import Refusal, decode
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TABLES = ("repair_order", "repair_stage")


class Branch(Store):
    """A store of a bank, with the catalogue that the oracle reads."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        catalogue, self.toml = bank_catalogue(folder)
        super().__init__(url, catalogue)


@pytest.fixture
def branch(shared_database: str, tmp_path: Path) -> Iterator[Branch]:
    with Branch(shared_database, tmp_path) as opened:
        opened.clear()
        yield opened


def step(order_id: str, stage: str, edge: str, moment: datetime, **fields: object) -> Event:
    names = {"order_id": order_id, "stage": stage, "edge": edge}
    event_id = f"{order_id}-{stage}-{edge}"
    return repair_step(event_id, occurred_at=moment.isoformat(), **names, **fields)


def assert_tables(store: Store, expected: dict[str, Any], names: tuple[str, ...] = ()) -> None:
    actual = store.tables()
    wanted = {name: expected[name] for name in names or expected}
    assert_tables_equal(wanted, {name: actual[name] for name in wanted})


@settings(in_one_database, max_examples=10)
@given(st.data(), event_lists(24))
def test_the_tables_of_a_bank_are_the_oracles(
    branch: Branch, data: st.DataObject, events: list[Event]
) -> None:
    """Four stages of its own, whatever the order and the batches; a stage it has not is refused."""
    branch.clear()
    values = data.draw(st.permutations(messages(in_a_bank(events))), "log")
    sink, rest = branch.sink(0), values
    while rest:
        size = data.draw(st.integers(1, len(rest)), "size")
        send(sink, rest[:size])
        rest = rest[size:]
    branch.chores().refresh(NOW)
    branch.move_histories()
    branch.chores().refresh(NOW)
    branch.chores().assess_churn(NOW)
    expected = expected_tables(values, branch.toml, NOW, NOW)
    for row in expected["churn_risk"].values():
        del row["as_of"]
    assert_tables(branch, expected)


def test_a_visit_of_a_bank_ends_with_the_signing_and_is_followed_by_the_call(
    branch: Branch,
) -> None:
    """Delivered, on time and followed up are said of its own stages; the rest says nothing."""
    start = NOW - 2 * DAY
    branch.take_in(
        step("o-1", "ticket", "enter", start, promised_at=(start + HOUR).isoformat()),
        step("o-1", "ticket", "exit", start + 5 * MINUTE),
        step("o-1", "call", "exit", start + 30 * MINUTE),
        step("o-1", "signing", "exit", start + 50 * MINUTE),
        step("o-1", "call", "enter", start + 51 * MINUTE),
    )
    assert branch.ask(
        "SELECT current_stage, delivered_at, on_time, followed_up_at FROM repair_order"
    ) == [("call", start + 50 * MINUTE, True, None)]
    branch.take_in(step("o-2", "signing", "exit", start), callback("c-1", order_id="o-2"))
    branch.take_in(step("o-1", "call", "exit", start + DAY) | {"event_id": "again"})
    # The delivery is told to be later: which contact comes after it is read from the events.
    branch.take_in(step("o-1", "call", "exit", start + 25 * HOUR) | {"event_id": "once-more"})
    branch.take_in(step("o-1", "signing", "exit", start + DAY) | {"event_id": "signed-again"})
    assert branch.ask(
        "SELECT delivered_at, on_time, followed_up_at FROM repair_order WHERE order_id = 'o-1'"
    ) == [(start + DAY, False, start + 25 * HOUR)]


def test_another_stage_is_refused_with_those_that_there_are(branch: Branch) -> None:
    """The dead letter says what would be right; the workshop's stages are none of a bank."""
    result = branch.take_in(repair_step(stage="reception"))
    assert (result.accepted, result.rejected) == (0, 1)
    ((reason, detail),) = branch.ask("SELECT reason, detail FROM dead_letter")
    assert reason == "unknown_stage"
    assert detail.endswith("use one of: ticket, counter, signing, call")


def test_a_trade_without_orders_takes_no_steps(tmp_path: Path) -> None:
    """Without [flow] the advice is to declare it."""
    begin, end = BANK.index("[flow]"), BANK.index("[churn]")
    without = BANK[:begin] + BANK[end:].partition('\n[experience."on_time_delivery"]')[0]
    catalogue, _ = bank_catalogue(tmp_path, without)
    assert decode(message(repair_step(stage="counter")), NOW, catalogue) == Refusal(
        "unknown_stage",
        "stage: 'counter' is no stage of the catalogue; it has no stages;"
        " declare them under [flow]",
    )


def test_orders_stuck_at_the_counter_are_found_under_its_name(branch: Branch) -> None:
    """Twenty visits took 12 minutes there, three take longer: the alert has the bank's labels."""
    for number in range(20):
        done = NOW - (3 * number + 1) * MINUTE
        branch.take_in(
            step(f"w-{number}", "counter", "enter", done - 12 * MINUTE),
            step(f"w-{number}", "counter", "exit", done),
        )
    branch.take_in(
        *[
            step(f"o-{place}", "counter", "enter", NOW - (20 + place) * MINUTE)
            for place in range(3)
        ],
        step("p-1", "counter", "enter", NOW, promised_at=(NOW + 6 * MINUTE).isoformat()),
    )
    branch.chores().refresh(NOW)
    rules = ("VocRepairStageStuck", "VocPromiseAtRisk")
    promise, stuck = sorted(
        judged(branch, rules, NOW).findings, key=lambda finding: finding.subject.rule
    )
    assert stuck.subject.experience == "stage_minutes.counter"
    assert stuck.evidence["stage"] == "counter"
    assert "Counter at s-1: 3 of 4" in stuck.summary
    assert "柜台" in stuck.summary
    assert promise.evidence["order_ids"] == ["p-1"]


def test_the_gauge_of_promises_names_the_stage_that_ends_the_visit(branch: Branch) -> None:
    """It is no delivery everywhere."""
    at = (NOW - HOUR).isoformat()
    branch.take_in(step("o-1", "signing", "exit", NOW - DAY, promised_at=at))
    branch.chores().refresh(NOW)
    samples = {sample[:2] for sample in branch.chores().gauges(NOW)}
    assert ("voc_on_time_delivery_ratio", ("s-1", "signing")) in samples


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return f"version = 2\n{text}"


@pytest.mark.parametrize(
    "changes",
    [
        # In the middle: places after it are others now.
        [("signing = {", 'advice = { en = "Advice", zh = "咨询" }\nsigning = {')],
        # Gone, and what it measured with it.
        [
            ('counter = { en = "Counter", zh = "柜台" }\n', ""),
            (
                BANK[
                    BANK.index('\n[experience."stage_minutes.counter"]') : BANK.index(
                        '\n[experience."stage_minutes.signing"]'
                    )
                ],
                "",
            ),
        ],
        # Other stages end the visit and follow it up.
        [('delivered = "signing"', 'delivered = "counter"')],
        [
            ('follow_up = "call"', 'follow_up = "signing"'),
            ('= "signing"\nfollow', '= "counter"\nfollow'),
        ],
    ],
    ids=["added", "removed", "delivered", "follow-up"],
)
@settings(in_one_database, max_examples=3)
@given(event_lists(24, min_size=8), event_lists(8))
def test_another_flow_loses_nothing_and_rebuild_restates_all(
    branch: Branch,
    changes: list[tuple[str, str]],
    before: list[Event],
    after: list[Event],
) -> None:
    """What was stored under the old flow stays; with `rebuild` the tables are those of the new."""
    branch.clear()
    old, old_toml = branch.catalogue, branch.toml
    values = messages(in_a_bank(before))
    branch.take_in(*in_a_bank(before))
    try:
        new, new_toml = bank_catalogue_of(branch, changes)
        branch.catalogue = new
        chores = branch.chores()
        chores.refresh(NOW)
        later = [event | {"event_id": f"later-{event['event_id']}"} for event in in_a_bank(after)]
        branch.take_in(*later)
        rebuild(branch.url, new, lambda *_: None)
        events = sorted(
            [
                *read_events(values, old_toml, NOW),
                *read_events(messages(later), new_toml, NOW),
            ],
            key=lambda event: (event["occurred_at"], event["event_id"]),
        )
        assert branch.one("SELECT count(*) FROM touchpoint_event") == len(events)
        stages = stage_rows(events)
        orders = order_rows(events, stages, moments_of_orders(events, new_toml), new_toml)
        assert_tables(branch, {"repair_order": orders, "repair_stage": stages}, TABLES)
    finally:
        branch.catalogue, branch.toml = old, old_toml


def bank_catalogue_of(
    branch: Branch, changes: list[tuple[str, str]]
) -> tuple[Catalogue, dict[str, Any]]:
    """Another catalogue, beside the branch's own."""
    return bank_catalogue(branch.folder, changed(BANK, *changes))
