from __future__ import annotations

import numpy as np
import pytest

from voc_stream.importance.relative_weights import relative_weights

# The survey of 30 departments in Chatterjee and Price, Regression Analysis by Example: percentages
# of favourable answers on rating, complaints, privileges, learning, raises, critical, advance.
ATTITUDE = """
43 51 30 39 61 92 45  63 64 51 54 63 73 47  71 70 68 69 76 86 48  61 63 45 47 54 84 35
81 78 56 66 71 83 47  43 55 49 44 54 49 34  58 67 42 56 66 68 35  71 75 50 55 70 66 41
72 82 72 67 71 83 31  67 61 45 47 62 80 41  64 53 53 58 58 67 34  67 60 47 39 59 74 41
69 62 57 42 55 63 25  68 83 83 45 59 77 35  77 77 54 72 79 77 46  81 90 50 72 60 54 36
74 85 64 69 79 79 63  65 60 65 75 55 80 60  65 70 46 57 75 85 46  50 58 68 54 64 78 52
50 40 33 34 43 64 33  64 61 52 62 66 80 41  53 66 52 50 63 80 37  40 37 42 58 50 57 49
63 54 42 48 66 75 33  66 77 66 63 88 76 72  78 75 58 74 80 78 49  48 57 44 45 51 83 38
85 85 71 71 77 74 55  82 82 39 59 64 78 39
"""
COEFFICIENTS = (0.613188, -0.073050, 0.320332, 0.081732, 0.038381, -0.217057)


def test_coefficients_are_those_of_the_regression() -> None:
    """Back on the scale of the answers they are those of least squares; weights add up to R²."""
    answers = np.array(ATTITUDE.split(), dtype=float).reshape(30, 7)
    found = relative_weights(np.corrcoef(answers, rowvar=False), len(answers))
    spread = answers.std(axis=0)
    coefficients = [
        one.beta * spread[0] / of_item for one, of_item in zip(found, spread[1:], strict=True)
    ]
    assert coefficients == pytest.approx(COEFFICIENTS, abs=5e-7)
    level = answers[:, 0].mean() - answers[:, 1:].mean(axis=0) @ coefficients
    assert level == pytest.approx(10.787076, abs=5e-7)
    assert sum(one.weight for one in found) == pytest.approx(0.732602, abs=5e-7)
