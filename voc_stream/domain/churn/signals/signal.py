"""Declares what a signal is.

Catalogues give signals multipliers by their names. The words of alerts and the table of the
semantics come from their declarations. A signal has no clock: it says how its weight goes on if
nothing happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from voc_stream.domain.churn.courses import Courses


Further = Literal["profile", "visits", "events"]
"""Facts beside the common ones: of the profile, how many orders, and the latest events."""


class Signal(NamedTuple):
    """One thing that raises the risk of leaving, or lowers it.

    Attributes:
        name: of the driver in `churn_risk`, and of its multiplier in the catalogue.
        bit: its place in a set of signals that is stored as an integer. A number is never given to
            another signal, not even when its own is gone.
        en: how an alert names it, in English.
        zh: the same in Chinese.
        active_when: for the table of the semantics; D is `signal_days`, recent is less than D days
            ago.
        courses: from the facts of a customer, how each thing that it speaks of weighs over time.
        group: `complaint`: each is a cause of leaving by itself. `judgement`: what one visit was
            worth, told in several ways, of which the strongest counts.
        reads: facts that few signals look at. They are read only for those whose multiplier is
            not 1; the others are no drivers.
        rises_from: the signal whose multiplier it has at weight 0; None: it is nothing then.
    """

    name: str
    bit: int
    en: str
    zh: str
    active_when: str
    courses: Courses
    group: Literal["complaint", "judgement"] | None = None
    rises_from: str | None = None
    reads: Further | None = None
