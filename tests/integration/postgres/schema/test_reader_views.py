from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import psycopg2
import pytest
from builders import START, messages, touchpoint
from integration.postgres.store import NOW, Store, send

from voc_stream.catalogue.label import Label
from voc_stream.catalogue.model import Experience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

# The worked example of the method: experience, expectation; only convenience has a stated
# importance and an ideal of its own.
WORKED_EXAMPLE = {
    "convenience": (5, 7),
    "product": (6, 7),
    "service": (6, None),
    "relationship": (4, None),
    "brand": (7, 7),
    "price": (7, 7),
}


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(postgres_url)) as connection:
        yield connection.cursor()


@pytest.fixture
def worked_example(store: Store, catalogue: Catalogue) -> Store:
    """A store whose catalogue has the six factors, each judged once."""
    ideals = {"convenience": 10.0}
    experiences = {
        name: Experience(
            label=Label(name, name),
            factor="convenience",
            kind="rating",
            importance={"convenience": 9.0, "product": 10.0, "brand": 5.0, "price": 5.0}.get(name),
            ideal=ideals.get(name, float(score)),
            key=True,
        )
        for name, (score, _) in WORKED_EXAMPLE.items()
    }
    changed = msgspec.structs.replace(
        catalogue,
        experience=experiences,
        churn=msgspec.structs.replace(
            catalogue.churn, attitude_experience=None, outcome_experience=None
        ),
    )
    with Store(store.url, changed) as opened:
        values = messages(
            touchpoint(name, experience=name, score=score, expectation=expectation)
            for name, (score, expectation) in WORKED_EXAMPLE.items()
        )
        send(opened.sink(), values)
        opened.chores().refresh(START)
    return store


def column(store: Store, name: str) -> dict[str, float | None]:
    return dict(
        store.ask(
            f"SELECT experience, {name} FROM rolling_satisfaction WHERE horizon = '1h' AND"
            f" scope_type = 'all'"
        )
    )


def test_worked_example_gives_the_numbers_of_the_method(worked_example: Store) -> None:
    """Satisfaction -2 and -1 and twice 0, weighted -18, gap -5, ratios 5/7 and 6/7.

    What was never expected has none.
    """
    assert column(worked_example, "satisfaction") == {
        "convenience": -2, "product": -1, "brand": 0, "price": 0,
        "service": None, "relationship": None
    }  # fmt: skip
    assert column(worked_example, "weighted_satisfaction")["convenience"] == -18
    gaps = column(worked_example, "gap")
    assert gaps.pop("convenience") == -5
    assert set(gaps.values()) == {0}
    ratios = column(worked_example, "satisfaction_ratio")
    assert [ratios[name] for name in ("convenience", "product", "price")] == pytest.approx(
        [5 / 7, 6 / 7, 1]
    )


def test_convenience_is_the_key_problem_however_much_the_product_matters(
    worked_example: Store,
) -> None:
    """Even at the greatest importance the product comes second; unknown values rank behind."""
    ranked = worked_example.ask(
        "SELECT experience FROM rolling_satisfaction WHERE horizon = '1h' AND scope_type = 'all'"
        " ORDER BY weighted_satisfaction LIMIT 2"
    )
    assert ranked == [("convenience",), ("product",)]


def test_one_answer_has_no_spread(worked_example: Store) -> None:
    """A standard deviation needs two, and the interval of one score is the whole scale."""
    for name, only in (("stddev", None), ("ci_low", 0), ("ci_high", 10)):
        assert set(column(worked_example, name).values()) == {only}


def test_an_expectation_of_nothing_has_no_ratio(store: Store, catalogue: Catalogue) -> None:
    """Division by zero is NULL, not an error."""
    overall = msgspec.structs.replace(catalogue.experience["overall"], expectation=0.0)
    changed = msgspec.structs.replace(
        catalogue, experience={**catalogue.experience, "overall": overall}
    )
    with Store(store.url, changed) as opened:
        opened.take_in(touchpoint(expectation=0))
        opened.chores().refresh(NOW)
        assert opened.ask(
            "SELECT DISTINCT satisfaction_ratio, satisfaction FROM rolling_satisfaction"
        ) == [(None, 7.0)]
