from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from real_data import needs_survey, survey

from voc_stream.importance.relative_weights import Products, relative_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

BETAS = (0.1157, 0.0500, 0.3344, 0.0412, 0.3296, 0.1061, 0.0303, -0.0342, 0.0349)
WEIGHTS = (0.0914, 0.0742, 0.1489, 0.0788, 0.1523, 0.0648, 0.0511, 0.0254, 0.0298)


@needs_survey
def test_a_real_survey_is_divided_as_johnson_divides_it() -> None:
    """Overall and nine items of 1,811 customers: R squared .716729, and no weight is negative."""
    found = relative_weights(correlations_of(survey()), len(survey()))
    assert [one.beta for one in found] == pytest.approx(BETAS, abs=5e-5)
    assert [one.weight for one in found] == pytest.approx(WEIGHTS, abs=5e-5)
    assert sum(one.weight for one in found) == pytest.approx(0.716729, abs=5e-7)
    assert all(0 < one.low < one.weight < one.high < 1 for one in found)


@needs_survey
def test_intervals_of_a_real_survey_are_those_of_a_bootstrap() -> None:
    """The delta method takes answers for normal; these are not, and it is off by a third at most.

    The errors of 300 samples with replacement are themselves known to within 5 %.
    """
    answers, random = survey(), np.random.default_rng(1)
    samples = [answers[random.integers(0, len(answers), len(answers))] for _ in range(300)]
    spread = np.std(
        [[one.weight for one in relative_weights(correlations_of(each), 1)] for each in samples],
        axis=0,
    )
    found = relative_weights(correlations_of(answers), len(answers))
    errors = np.array([(one.high - one.weight) / 1.959964 for one in found])
    assert (errors / spread > 0.67).all()
    assert (errors / spread < 1.5).all()


def test_correlations_come_from_sums() -> None:
    """They are those of numpy, also of large numbers."""
    random = np.random.default_rng(2)
    first = random.integers(0, 1001, 500)
    second = (first + random.integers(0, 400, 500)) // 2
    sums = Products(
        500, *(int(each.sum()) for each in (first, second, first**2, second**2, first * second))
    )
    assert sums.correlation == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-12)
    assert sums._replace(second=500, second_squares=500, products=sums.first).correlation is None


def test_an_answer_twice_shares_its_weight() -> None:
    """Equal answers get equal weights, however singular the correlations are."""
    same = np.array([[1.0, 0.6, 0.6], [0.6, 1.0, 1.0], [0.6, 1.0, 1.0]])
    first, second = relative_weights(same, 1000)
    assert first.weight == pytest.approx(second.weight)
    assert first.weight + second.weight == pytest.approx(0.36, abs=1e-6)


def correlations_of(answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of all columns with all."""
    found: Any = np.corrcoef(answers.T)
    return np.asarray(found, np.float64)
