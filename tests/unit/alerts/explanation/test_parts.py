from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voc_stream.alerts.explanation.groups import DIMENSIONS, Group
from voc_stream.alerts.explanation.mix import find_mixes
from voc_stream.alerts.explanation.parts import (
    department_of,
    explain_drop,
    main_explanation,
    show_largest,
)


def group(  # noqa: PLR0917  in the order of the fields
    dimension: str, value: str, scores: int, total: float, before: int, total_before: float
) -> Group:
    """A group whose scores lie a point above and below its mean."""

    def squares(number: int, points: float) -> float:
        return number + points**2 / number if number else 0.0

    return Group(
        dimension,
        value,
        scores,
        total,
        squares(scores, total),
        before,
        total_before,
        squares(before, total_before),
    )


GROUPS = st.lists(
    st.builds(
        lambda dimension, value, scores, mean, before, mean_before: group(
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
@example([group("site", "v-0", 1, 1.9, 19, 19 * 1.9), group("site", "v-0", 2, 2 * 1.9, 0, 0.0)])
def test_shares_of_a_dimension_and_its_mix_add_up_to_the_whole(groups: list[Group]) -> None:
    """The identity leaves nothing over and counts nothing twice."""
    found, mixes = explain_drop(groups), {mix.dimension: mix for mix in find_mixes(groups)}
    for dimension, mix in mixes.items():
        shares = [each.share for each in found if each.dimension == dimension]
        volumes = [each.volume_share for each in found if each.dimension == dimension]
        sizes = [1.0, *map(abs, shares), abs(mix.share)]
        assert sum(shares) + mix.share == pytest.approx(1, abs=1e-6 * max(sizes))
        assert sum(volumes) == pytest.approx(1)


def test_who_was_always_bad_explains_nothing() -> None:
    """A group is compared with its own past.

    So the one who fell is named, and not the one who is lowest.
    """
    found = explain_drop(
        [
            group("employee", "always", 20, 80.0, 200, 800.0),
            group("employee", "fell", 20, 120.0, 200, 1800.0),
        ]
    )
    most = main_explanation(found)
    assert most is not None
    assert (most.value, most.share) == ("fell", 1.0)


def test_who_gives_nearly_all_scores_is_not_named() -> None:
    """A department that all scores are about explains all of any drop, which tells nothing.

    But it is the one to tell.
    """
    found = explain_drop([group("department", "service", 40, 200.0, 400, 3200.0)])
    assert main_explanation(found) is None
    assert department_of(found) == "service"


def test_the_most_telling_dimension_is_named() -> None:
    """If an employee and a product explain the drop, it is the employee's."""
    groups = [
        group("product", "van", 15, 45.0, 100, 800.0),
        group("product", "car", 25, 200.0, 100, 800.0),
        group("employee", "ann", 15, 45.0, 100, 800.0),
        group("employee", "bob", 25, 200.0, 100, 800.0),
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
        group("employee", "ann", scores, 3.0 * scores, 100, 900.0),
        group("employee", "bob", 5, 45.0, 100, 900.0),
        group("employee", "cho", 4, 36.0, 100, 900.0),
        group("segment", "standard", 6 + scores, 54.0 + 3.0 * scores, 150, 1350.0),
        group("segment", "fleet", 3, 27.0, 150, 1350.0),
    ]
    most = main_explanation(explain_drop(groups))
    assert (most and most.value) == named
    assert max(explain_drop(groups), key=lambda each: each.share).share == 1.0


def test_a_drop_that_all_share_is_nobodys() -> None:
    """Nobody is blamed for what happened to all."""
    groups = [group("employee", name, 20, 100.0, 100, 800.0) for name in ("ann", "bob", "cho")]
    assert main_explanation(explain_drop(groups)) is None


def test_nothing_is_explained_without_a_drop_or_a_past() -> None:
    """No past and no drop leave nothing to explain."""
    assert explain_drop([group("employee", "ann", 10, 90.0, 100, 800.0)]) == []
    assert explain_drop([group("employee", "ann", 10, 20.0, 0, 0.0)]) == []


def test_an_employee_with_exactly_half_of_the_drop_is_named() -> None:
    """Half of the whole drop is enough; less is not."""

    def named(total: float) -> str | None:
        most = main_explanation(
            explain_drop(
                [
                    group("employee", "ann", 20, total, 200, 1600.0),
                    group("employee", "bob", 80, 560.0, 800, 6400.0),
                ]
            )
        )
        return most and most.value

    assert named(80.0) == "ann"
    assert named(80.1) is None


def test_a_group_is_named_only_beyond_two_and_a_half_standard_errors() -> None:
    """By hand: nine answers, of 900 before, with a standard deviation of 2.

    The error of each mean is 2/3 now and 1/15 before, so that of the fall is .67. The others did
    not fall.
    """

    def named(fall: float) -> str | None:
        def sums(number: int, mean: float) -> tuple[int, float, float]:
            return number, number * mean, number * mean**2 + 4.0 * (number - 1)

        groups = [
            Group("employee", "ann", *sums(9, 8.0 - fall), *sums(900, 8.0)),
            Group("employee", "bob", *sums(900, 8.0), *sums(90_000, 8.0)),
        ]
        most = main_explanation(explain_drop(groups))
        return most and most.value

    assert named(2.49 * math.sqrt(4 / 9 + 4 / 900)) is None
    assert named(2.53 * math.sqrt(4 / 9 + 4 / 900)) == "ann"


@pytest.mark.parametrize(
    ("dimension", "value"), [("segment", "most"), ("employee", "most"), ("product", "most")]
)
def test_who_gives_most_of_the_scores_is_not_named_for_what_all_share(
    dimension: str, value: str
) -> None:
    """Nine in ten answers are about the group, so is nine tenths of the drop.

    It fell no farther than the others did.
    """
    groups = [
        group(dimension, value, 90, 612.0, 900, 7200.0),
        group(dimension, "other", 10, 68.0, 100, 800.0),
    ]
    found = explain_drop(groups)
    assert found[0].share == pytest.approx(0.9)
    assert found[0].errors > 9
    assert found[0].errors_beyond == 0
    assert main_explanation(found) is None


def test_whom_nobody_can_be_compared_with_is_named_if_it_is_new_that_nobody_else_answers() -> None:
    """Bob stopped; since then Ann gives all answers, and they are worse than hers were."""
    groups = [
        group("employee", "ann", 20, 100.0, 200, 1600.0),
        group("employee", "bob", 0, 0.0, 200, 1600.0),
    ]
    most = main_explanation(explain_drop(groups))
    assert most is not None
    assert most.value == "ann"


def test_the_only_site_is_told_of() -> None:
    """A drop at all sites is its drop, and announced for it alone."""
    most = main_explanation(explain_drop([group("site", "s-1", 40, 200.0, 400, 3200.0)]))
    assert most is not None
    assert most.value == "s-1"


@pytest.mark.parametrize(("others", "told"), [(19, "service"), (20, None), (21, None)])
def test_the_department_is_that_of_more_than_half_of_the_scores(
    others: int, told: str | None
) -> None:
    """At exactly half it is nobody's: both departments would be told of the other's scores."""
    groups = [
        group("department", "service", 20, 60.0, 200, 1600.0),
        group("department", "", others, 8.0 * others, 200, 1600.0),
    ]
    assert department_of(explain_drop(groups)) == told


def test_each_mean_of_the_evidence_has_its_number_of_scores() -> None:
    """Who had too few scores before is compared with all, and so are the numbers."""
    found = explain_drop(
        [
            group("employee", "ann", 10, 20.0, 100, 800.0),
            group("employee", "new", 10, 20.0, 9, 18.0),
        ]
    )
    shown = {each["value"]: each for each in show_largest(found)}
    assert (shown["ann"]["n"], shown["ann"]["baseline_n"]) == (10, 100)
    assert (shown["new"]["n"], shown["new"]["baseline_n"]) == (10, 109)
    assert shown["new"]["baseline_mean"] == round(818 / 109, 2)


def test_only_those_that_fell_are_shown() -> None:
    """Who got better is no evidence of a drop."""
    found = explain_drop(
        [
            group("employee", "ann", 10, 20.0, 100, 800.0),
            group("employee", "bob", 10, 90.0, 100, 800.0),
        ]
    )
    assert [each["value"] for each in show_largest(found)] == ["ann"]
