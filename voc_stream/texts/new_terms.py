"""Says which terms are new: more complaints say them than chance would explain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.statistics import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_COMPLAINTS = 3
"""So many complaints must say a term: one that fewer say may be a name, and cannot be new."""
FALSE_DISCOVERIES = 0.05


class Term(NamedTuple):
    """A term of a month.

    Attributes:
        n: complaints that say it.
        n_before: those of the time before.
        p_value: how probable at least n are if nothing has changed.
        is_new: whether it is believed that something has.
    """

    n: int
    n_before: int
    p_value: float
    is_new: bool


def new_terms(
    said: Mapping[str, tuple[int, int]], complaints: int, complaints_before: int
) -> dict[str, Term]:
    """Judge the terms that enough complaints say.

    Of all complaints that say a term, the share of this month is binomial if nothing has changed.
    Of all terms that are called new, 5 % are wrong on average (Benjamini and Hochberg).

    Args:
        said: by term, how many complaints of the month and of the time before say it.
        complaints: how many complaints the month has.
        complaints_before: how many the time before has; without any, nothing can be compared.

    >>> found = new_terms({"battery": (8, 1), "late": (9, 27)}, 50, 150)
    >>> found["battery"].is_new, found["late"].is_new, round(found["battery"].p_value, 6)
    (True, False, 0.000107)
    """
    if not complaints or not complaints_before:
        return {}
    share = complaints / (complaints + complaints_before)
    tried = sorted(term for term, (n, _) in said.items() if n >= LEAST_COMPLAINTS)
    p_values = [binomial_tail(said[term][0], sum(said[term]), share) for term in tried]
    new = benjamini_hochberg(p_values, FALSE_DISCOVERIES)
    return {
        term: Term(*said[term], p_value, is_new)
        for term, p_value, is_new in zip(tried, p_values, new, strict=True)
    }


def binomial_tail(count: int, trials: int, share: float) -> float:
    """The probability of at least `count` in so many trials, each of this probability.

    >>> binomial_tail(2, 2, 0.5), binomial_tail(0, 5, 0.1), round(binomial_tail(1, 2, 0.5), 12)
    (0.25, 1.0, 0.75)
    """
    if count <= 0:
        return 1.0
    terms = (
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(number + 1)
            - math.lgamma(trials - number + 1)
            + number * math.log(share)
            + (trials - number) * math.log1p(-share)
        )
        for number in range(count, trials + 1)
    )
    return min(1.0, math.fsum(terms))
