from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import complaint, customer, event_lists, messages
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.churn_model.fitted import put_model
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW
from psycopg2.errors import UniqueViolation

from voc_stream.postgres.churn_model.activation import RULE, activate

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store


def activated(store: Store, version: str) -> None:
    with store.chores().transaction() as cursor:
        activate(cursor, version, store.catalogue, NOW)


@settings(in_one_database, max_examples=15)
@given(
    st.lists(event_lists(8), min_size=1, max_size=3),
    st.sampled_from([timedelta(hours=1), timedelta(days=100), timedelta(days=400)]),
)
def test_the_active_model_decides_risks(
    store: Store, rounds: list[list[Event]], passed: timedelta
) -> None:
    """Its numbers take the place of the catalogue's for all customers, also when time passes."""
    store.clear()
    values = [
        value
        for number, events in enumerate(rounds)
        for value in messages(
            {**event, "event_id": f"{number}-{event['event_id']}"} for event in events
        )
    ]
    store.take_in(*map(json.loads, values))
    chores = store.chores()
    chores.assess_churn(NOW)
    model = put_model(store)
    activated(store, model["version"])
    for as_of in (NOW, NOW + passed):
        chores.assess_churn(as_of)
        store.assert_as_expected(values, as_of, names=["churn_risk"], fitted=model)


def test_a_candidate_decides_nothing(store: Store) -> None:
    """Until the gate lets it, the catalogue does."""
    event = complaint(severity="major")
    store.take_in(event)
    put_model(store)
    store.chores().assess_churn(NOW)
    store.assert_as_expected(messages([event]), names=["churn_risk"])


def test_activation_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """In the log, in the topic of alerts, by the metric, and to everybody who counts by version."""
    store.take_in(customer(annual_value=1000))
    chores = store.chores()
    chores.assess_churn(NOW)
    assert "voc_churn_model_info" not in {each.metric for each in chores.gauges(NOW)}
    with caplog.at_level(logging.INFO):
        activated(store, put_model(store)["version"])
    assert "churn model fitted-2026-01-01 decides risks" in caplog.text
    (message,) = chores.claim_messages("alert", 10)
    said = json.loads(message.value)
    assert (said["rule"], said["state"], said["evidence"]["before"]) == (RULE, "ended", "tarp-2")
    info = [each for each in chores.gauges(NOW) if each.metric == "voc_churn_model_info"]
    assert [each.labels for each in info] == [("fitted-2026-01-01",)]
    chores.assess_churn(NOW)
    assert store.one("SELECT model_version FROM voc_bi.churn_risk") == "fitted-2026-01-01"


def test_one_model_decides(store: Store) -> None:
    """A new one replaces the other; two at once are refused by the table."""
    activated(store, put_model(store)["version"])
    activated(store, put_model(store, version="fitted-2026-02-01")["version"])
    assert store.ask("SELECT version, state FROM churn_model ORDER BY 1") == [
        ("fitted-2026-01-01", "replaced"),
        ("fitted-2026-02-01", "active"),
    ]
    with pytest.raises(UniqueViolation):
        store.ask("UPDATE churn_model SET state = 'active'")
