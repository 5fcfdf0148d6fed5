from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.explanation import (
    DIMENSIONS,
    Group,
    department_of,
    explain_drop,
    main_explanation,
    show_largest,
)

GROUPS = st.lists(
    st.builds(
        lambda dimension, value, scores, mean, before, mean_before: Group(
            dimension, f"v-{value}", scores, scores * mean, before, before * mean_before
        ),
        st.sampled_from(DIMENSIONS),
        st.integers(0, 3),
        st.integers(0, 50),
        st.floats(0, 10),
        st.integers(0, 500),
        st.floats(0, 10),
    ),
    max_size=12,
)


@given(GROUPS)
def test_shares_of_a_dimension_add_up_to_the_whole(groups: list[Group]) -> None:
    """Contribution analysis leaves nothing over and counts nothing twice."""
    found = explain_drop(groups)
    for dimension in DIMENSIONS:
        shares = [each.share for each in found if each.dimension == dimension]
        volumes = [each.volume_share for each in found if each.dimension == dimension]
        if shares:
            assert sum(shares) == pytest.approx(1, abs=1e-6 * max(1.0, *map(abs, shares)))
            assert sum(volumes) == pytest.approx(1)


def test_who_was_always_bad_explains_nothing() -> None:
    """A group is compared with its own past.

    So the one who fell is named, and not the one who is lowest.
    """
    found = explain_drop(
        [
            Group("employee", "always", 20, 80.0, 200, 800.0),
            Group("employee", "fell", 20, 120.0, 200, 1800.0),
        ]
    )
    most = main_explanation(found)
    assert most is not None
    assert (most.value, most.share) == ("fell", 1.0)


def test_who_gives_nearly_all_scores_is_not_named() -> None:
    """A department that all scores are about explains all of any drop, which tells nothing.

    But it is the one to tell.
    """
    found = explain_drop([Group("department", "service", 40, 200.0, 400, 3200.0)])
    assert main_explanation(found) is None
    assert department_of(found) == "service"


def test_the_most_telling_dimension_is_named() -> None:
    """If an employee and a product explain the drop, it is the employee's."""
    groups = [
        Group("product", "van", 15, 45.0, 100, 800.0),
        Group("product", "car", 25, 200.0, 100, 800.0),
        Group("employee", "ann", 15, 45.0, 100, 800.0),
        Group("employee", "bob", 25, 200.0, 100, 800.0),
    ]
    most = main_explanation(explain_drop(groups))
    assert most is not None
    assert (most.dimension, most.value) == ("employee", "ann")


@pytest.mark.parametrize(("scores", "named"), [(3, "ann"), (2, None)])
def test_a_segment_is_not_blamed_for_an_employee_with_few_scores(
    scores: int, named: str | None
) -> None:
    """Ann's customers are mostly of the standard segment.

    Where she has too few scores to be named, nobody is.
    """
    groups = [
        Group("employee", "ann", scores, 3.0 * scores, 100, 900.0),
        Group("employee", "bob", 5, 45.0, 100, 900.0),
        Group("employee", "cho", 4, 36.0, 100, 900.0),
        Group("segment", "standard", 6 + scores, 54.0 + 3.0 * scores, 150, 1350.0),
        Group("segment", "fleet", 3, 27.0, 150, 1350.0),
    ]
    most = main_explanation(explain_drop(groups))
    assert (most and most.value) == named
    assert max(explain_drop(groups), key=lambda each: each.share).share == 1.0


def test_a_drop_that_all_share_is_nobodys() -> None:
    """Nobody is blamed for what happened to all."""
    groups = [Group("employee", name, 20, 100.0, 100, 800.0) for name in ("ann", "bob", "cho")]
    assert main_explanation(explain_drop(groups)) is None


def test_nothing_is_explained_without_a_drop_or_a_past() -> None:
    """No past and no drop leave nothing to explain."""
    assert explain_drop([Group("employee", "ann", 10, 90.0, 100, 800.0)]) == []
    assert explain_drop([Group("employee", "ann", 10, 20.0, 0, 0.0)]) == []


def test_an_employee_with_exactly_half_of_the_drop_is_named() -> None:
    """Half is enough to be named.

    Of two who fell by the same, the one with fewer scores before gave more than the usual share.
    """
    groups = [
        Group("employee", "ann", 10, 50.0, 50, 400.0),
        Group("employee", "bob", 10, 50.0, 350, 2800.0),
    ]
    most = main_explanation(explain_drop(groups))
    assert most is not None
    assert (most.value, most.share) == ("ann", 0.5)
    less = [
        Group("employee", "ann", 10, 50.1, 50, 400.0),
        Group("employee", "bob", 10, 50.0, 350, 2800.0),
    ]
    assert main_explanation(explain_drop(less)) is None


@pytest.mark.parametrize(("others", "told"), [(19, "service"), (20, None), (21, None)])
def test_the_department_is_that_of_more_than_half_of_the_scores(
    others: int, told: str | None
) -> None:
    """At exactly half it is nobody's: both departments would be told of the other's scores."""
    groups = [
        Group("department", "service", 20, 60.0, 200, 1600.0),
        Group("department", "", others, 8.0 * others, 200, 1600.0),
    ]
    assert department_of(explain_drop(groups)) == told


def test_only_those_that_fell_are_shown() -> None:
    """Who got better is no evidence of a drop."""
    found = explain_drop(
        [
            Group("employee", "ann", 10, 20.0, 100, 800.0),
            Group("employee", "bob", 10, 90.0, 100, 800.0),
        ]
    )
    assert [each["value"] for each in show_largest(found)] == ["ann"]
