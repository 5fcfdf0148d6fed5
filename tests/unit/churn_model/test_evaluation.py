from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.churn_model.evaluation import EvaluationError, evaluate
from voc_stream.churn_model.outcome import Told

GROUPS = st.lists(
    st.integers(1, 40).flatmap(
        lambda customers: st.builds(
            Told,
            st.integers(1, 99).map(lambda percent: percent / 100),
            st.just(customers),
            st.integers(0, customers),
        )
    ),
    min_size=1,
    max_size=8,
)


def one_by_one(told: list[Told]) -> list[tuple[float, int]]:
    return [
        (risk, int(number < left)) for risk, customers, left in told for number in range(customers)
    ]


@given(GROUPS)
def test_counts_give_what_customers_one_by_one_give(told: list[Told]) -> None:
    """Brier score, log loss and AUC, by their definitions."""
    people = one_by_one(told)
    found = evaluate(told)
    assert (found.customers, found.left) == (len(people), sum(came for _, came in people))
    assert found.brier.value == pytest.approx(
        sum((risk - came) ** 2 for risk, came in people) / len(people)
    )
    losses = [-math.log(risk if came else 1 - risk) for risk, came in people]
    assert found.log_loss.value == pytest.approx(sum(losses) / len(losses))
    left = [risk for risk, came in people if came]
    stayed = [risk for risk, came in people if not came]
    if not left or not stayed:
        assert found.auc is None
        return
    assert found.auc is not None
    wins = sum((one > other) + (one == other) / 2 for one in left for other in stayed)
    assert found.auc.value == pytest.approx(wins / len(left) / len(stayed))


@given(GROUPS, st.randoms())
def test_the_order_of_groups_and_their_division_do_not_matter(
    told: list[Told], random: object
) -> None:
    """Counts of several servers are added up by whoever reads them."""
    parts = [
        part
        for risk, customers, left in told
        for part in (Told(risk, left, left), Told(risk, customers - left, 0))
    ]
    random.shuffle(parts)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert evaluate(parts) == evaluate(told)


def test_true_risks_have_no_calibration_error_and_false_ones_theirs() -> None:
    """Twice too bold at the top: the tenth says so, and the error is its share."""
    told = [Told(0.1, 900, 90), Told(0.8, 100, 40)]
    found = evaluate(told)
    assert found.calibration_error.value == pytest.approx(0.04)
    assert [round(tenth.came, 3) for tenth in found.tenths] == [0.1] * 9 + [0.4]
    assert [round(tenth.stated, 3) for tenth in found.tenths] == [0.1] * 9 + [0.8]
    assert found.lift is not None
    assert found.lift.value == pytest.approx(0.4 / 0.13)
    assert evaluate([Told(0.1, 900, 90), Told(0.8, 100, 80)]).calibration_error.value == 0.0


def test_intervals_hold_the_true_auc() -> None:
    """Of 400 samples of 300 customers at least 92 of 100 intervals hold it."""
    random = np.random.default_rng(3)
    risks = np.array([0.05, 0.1, 0.2, 0.4])
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    left, stayed = shares * risks, shares * (1 - risks)
    below = (np.cumsum(stayed) - stayed / 2) / stayed.sum()
    true = float(left @ below / left.sum())
    held = 0
    for _ in range(400):
        customers = random.multinomial(300, shares)
        told = [
            Told(float(risk), int(n), int(random.binomial(n, risk)))
            for risk, n in zip(risks, customers, strict=True)
        ]
        auc = evaluate(told).auc
        assert auc is not None
        held += auc.low is not None and auc.high is not None and auc.low <= true <= auc.high
    assert held / 400 >= 0.92


def test_nothing_told_is_no_figure() -> None:
    """No data is no zero."""
    with pytest.raises(EvaluationError, match="wait for a horizon to be over"):
        evaluate([Told(0.5, 0, 0)])
