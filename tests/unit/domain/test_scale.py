"""Numbers are shown as people read them, and no number changes its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.scale import (
    SCALES,
    Scale,
    scale_of,
    show,
    show_difference,
    show_signed,
)

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

STORED = st.floats(-100, 100)


@pytest.mark.parametrize(
    ("experience", "scale"),
    [
        ("overall", "points"),
        ("reached", "share"),
        ("on_time_delivery", "share"),
        ("recommendation", "nps"),
        ("complaint_minutes_to_resolve", "minutes"),
        ("promise_moves", "count"),
    ],
)
def test_each_kind_of_measure_has_its_scale(
    catalogue: Catalogue, experience: str, scale: str
) -> None:
    """A share is no score, although both are stored from 0 to 10."""
    assert scale_of(catalogue.experience[experience]) is SCALES[scale]


@given(st.sampled_from(list(SCALES.values())), STORED)
def test_english_and_chinese_show_the_same_number(scale: Scale, stored: float) -> None:
    """A reader of either language is told the same."""
    for (english, chinese), in_words, expected in (
        (show(scale, stored), scale.value, stored * scale.times),
        (show_difference(scale, stored), scale.difference, abs(stored * scale.times)),
    ):
        before, after = in_words[0].split("{}")
        number = english.removeprefix(before).removesuffix(after)
        assert chinese == in_words[1].format(number)
        assert float(number) == pytest.approx(expected, abs=0.51 * 10**-scale.decimals)


@given(st.sampled_from(list(SCALES.values())), STORED)
def test_a_difference_has_its_sign_in_a_table_and_none_in_a_sentence(
    scale: Scale, stored: float
) -> None:
    """A sentence says "lower by 5"; a table says "-5". Nothing is shown as minus zero."""
    signed = show_signed(scale, stored)
    before, after = scale.brief_difference.split("{}")
    number = signed.removeprefix(before).removesuffix(after)
    assert number[0] == ("-" if float(number) < 0 else "+")
    assert show_difference(scale, stored)[0] == scale.difference[0].format(number[1:])
    assert show_difference(scale, stored) == show_difference(scale, -stored)
