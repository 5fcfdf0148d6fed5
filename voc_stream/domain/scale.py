"""Says what the numbers of a measure mean, and how people are shown them.

Tables store every measure on the scale of its kind: a share from 0 to 10, like scores, and an NPS
from -1 to 1. People read percent and NPS points. This is the one place that says which is which;
alerts, commands, dashboards and metrics show what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Experience

IntervalOf = Literal["bounded mean", "share", "nps", "mean"]
"""The 95 % intervals that `domain/estimates/intervals.py` has."""


class Scale(NamedTuple):
    """One way to show the numbers of a measure.

    Attributes:
        name: what they are; it never changes.
        times: what a stored number is multiplied by to be shown.
        decimals: how many are worth showing.
        unit: of a value, for columns and axes.
        value: of a value in a sentence, in English and Chinese; `{}` is the number.
        difference: of a difference in a sentence.
        brief_difference: of a difference in a table.
        interval: which interval its mean has.
        sign: of a value: `+` if it may lie below nothing.
    """

    name: str
    times: float
    decimals: int
    unit: str
    value: tuple[str, str]
    difference: tuple[str, str]
    brief_difference: str
    interval: IntervalOf = "mean"
    sign: str = ""

    @property
    def difference_unit(self) -> str:
        """The unit of a difference.

        >>> SCALES["share"].difference_unit
        'percentage points'
        """
        return self.difference[0].removeprefix("{} ")


SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            name="points",
            times=1,
            decimals=2,
            unit="points",
            value=("{} of 10", "{} 分"),
            difference=("{} points", "{} 分"),
            brief_difference="{} pt",
            interval="bounded mean",
        ),
        Scale(
            name="share",
            times=10,
            decimals=1,
            unit="%",
            value=("{} %", "{}%"),
            difference=("{} percentage points", "{} 个百分点"),
            brief_difference="{} pp",
            interval="share",
        ),
        Scale(
            name="nps",
            times=100,
            decimals=0,
            unit="NPS",
            value=("NPS {}", "NPS {}"),
            difference=("{} NPS points", "{} 个 NPS 点"),
            brief_difference="{}",
            interval="nps",
            sign="+",
        ),
        Scale(
            name="minutes",
            times=1,
            decimals=1,
            unit="min",
            value=("{} min", "{} 分钟"),
            difference=("{} minutes", "{} 分钟"),
            brief_difference="{} min",
        ),
        Scale(
            name="percent",
            times=1,
            decimals=1,
            unit="%",
            value=("{} %", "{}%"),
            difference=("{} percentage points", "{} 个百分点"),
            brief_difference="{} pp",
        ),
        Scale(
            name="count",
            times=1,
            decimals=2,
            unit="times",
            value=("{} times", "{} 次"),
            difference=("{} times", "{} 次"),
            brief_difference="{}",
        ),
    )
}
"""The scales by name; `percent` is a ratio, stored as it is shown; `share` counts yes and no."""


def scale_of(experience: Experience) -> Scale:
    """The scale on which an experience is measured.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> experiences = load_catalogue().experience
    >>> [scale_of(experiences[key]).name for key in ("overall", "reached", "on_time_delivery")]
    ['points', 'share', 'share']
    >>> [scale_of(experiences[key]).name for key in ("recommendation", "promise_moves")]
    ['nps', 'count']
    """
    if experience.unit != "score":
        return SCALES[experience.unit]
    if experience.kind in ("rating", "nps"):
        return SCALES["nps" if experience.kind == "nps" else "points"]
    return SCALES["share"]


def show(scale: Scale, stored: float) -> tuple[str, str]:
    """A stored value for people, in English and Chinese.

    >>> show(SCALES["share"], 8.46), show(SCALES["nps"], 1 / 3)
    (('84.6 %', '84.6%'), ('NPS +33', 'NPS +33'))
    """
    number = _number(scale, stored, scale.sign)
    return scale.value[0].format(number), scale.value[1].format(number)


def show_interval(scale: Scale, low: float | None, high: float | None) -> str:
    """Both ends of an interval of stored values, without their unit; '' if it is not known.

    >>> show_interval(SCALES["share"], 7.5, 8.46), show_interval(SCALES["nps"], -0.1, 1 / 3)
    ('75.0 to 84.6', '-10 to +33')
    """
    if low is None or high is None:
        return ""
    return f"{_number(scale, low, scale.sign)} to {_number(scale, high, scale.sign)}"


def show_difference(scale: Scale, stored: float) -> tuple[str, str]:
    """A difference of stored values for people, without a sign, in English and Chinese.

    >>> show_difference(SCALES["nps"], 0.21), show_difference(SCALES["points"], -1.2)
    (('21 NPS points', '21 个 NPS 点'), ('1.20 points', '1.20 分'))
    """
    number = _number(scale, abs(stored))
    return scale.difference[0].format(number), scale.difference[1].format(number)


def show_signed(scale: Scale, stored: float) -> str:
    """A difference of stored values for a table, with its sign.

    >>> show_signed(SCALES["share"], -0.54), show_signed(SCALES["nps"], 0.2)
    ('-5.4 pp', '+20')
    """
    return scale.brief_difference.format(_number(scale, stored, "+"))


def _number(scale: Scale, stored: float, sign: str = "") -> str:
    # Adding zero makes zero of a number that is rounded to nothing from below.
    rounded = round(stored * scale.times, scale.decimals) + 0.0
    return f"{rounded:{sign}.{scale.decimals}f}"
