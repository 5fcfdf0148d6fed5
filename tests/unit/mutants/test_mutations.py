from __future__ import annotations

import pytest
from mutants.mutations import mutant_of, places


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("a <= b", {"edge": ["a < b"]}),
        ("a == b", {"negation": ["a != b"]}),
        ("a is not None", {"negation": ["a is None"]}),
        ("0 < a < b", {"edge": ["0 <= a < b", "0 < a <= b"], "constant": ["1 < a < b"]}),
        ("a + b", {"arithmetic": ["a - b"]}),
        ("a and b", {"logic": ["a or b"]}),
        ("if a:\n    b()", {"guard": ["if not a:\n    b()"]}),
        ("b if a else c", {"guard": ["b if not a else c"]}),
        ("max(a, b)", {"minimum or maximum": ["min(a, b)"]}),
        ("x = 0.5", {"constant": ["x = 1.5"]}),
    ],
)
def test_each_kind_of_mistake_is_made(source: str, mutants: dict[str, list[str]]) -> None:
    """Edges, negations, arithmetic, logic, guards, minimum and maximum, constants.

    One at a time.
    """
    found: dict[str, list[str]] = {}
    for number in range(places(source)):
        mutant = mutant_of(source, number)
        found.setdefault(mutant.kind, []).append(mutant.source)
    assert found == mutants


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: int | None = None) -> a | b: ...",
        "if TYPE_CHECKING:\n    x = 1",
        "x = True",
        "x = f'{a}' + b",
        "x = 'a' + b",
        "max",
    ],
)
def test_what_no_test_can_notice_is_left_alone(source: str) -> None:
    """Annotations, imports for type checkers, truth values and texts make no mutants."""
    assert places(source) == 0
