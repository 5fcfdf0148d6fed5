"""What `make bench-churn` measures: whether the risk of leaving orders real customers rightly.

The visits are CDNOW's, a shop of 1997: every tenth of the customers who began in its first quarter.
They are public (Fader and Hardie; `CDNOW_sample.txt`, brucehardie.com/datasets) and not in this
repository. Customers are assessed 39 weeks after the first of them came, by the packaged model. Who
does not come within the next 39 weeks has left.

A file of visits knows nothing of what the shop did to reach them. So that is played: nobody is
called, every other customer was called in vain at some time in the half year before, or all
profiles are exported every month. Before, any event ended a silence; now, only an act of the
customer does.

The AUC is the chance that of two customers the one who left has the greater risk, and half that
if both have the same. Its interval, and that of the difference, is DeLong's (1988).
"""

from __future__ import annotations

import argparse
import math
import os
import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import machine

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.churn.facts import CustomerFacts
from voc_stream.domain.churn.hazard import assess
from voc_stream.domain.churn.risk_model import risk_model
from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = "CDNOW_sample.txt"
PAGE = machine.ROOT / "docs" / "reference" / "churn.md"
BEGIN = datetime(1997, 1, 1, tzinfo=UTC)
AS_OF = BEGIN + timedelta(weeks=39)
END = AS_OF + timedelta(weeks=39)
HALF_A_YEAR, A_MONTH = timedelta(days=180), timedelta(days=30)
SEED = 1997
QUANTILE = 1.959964


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As the page shows it.

        >>> str(Estimate(0.5, 0.45, 0.55))
        '0.500 [0.450, 0.550]'
        """
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Comparison(NamedTuple):
    """The AUC of two orders of the same customers, and how much the second is better."""

    before: Estimate
    after: Estimate
    gain: Estimate


def read_visits(path: Path) -> dict[str, list[datetime]]:
    """The moments of the visits of each customer: the second and the third column of the file."""
    visits: dict[str, list[datetime]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            _, customer_id, day = line.split()[:3]
            visits[customer_id].append(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC))
    return visits


def compare(
    before: Sequence[float], after: Sequence[float], has_left: Sequence[bool]
) -> Comparison:
    """The AUC of two risks of the same customers, of whom some have left.

    >>> found = compare([1, 1, 1, 1], [1, 2, 3, 4], [False, False, True, True])
    >>> found.before.value, found.after.value, found.gain.value
    (0.5, 1.0, 0.5)
    """
    first, second = (_placements(risks, has_left) for risks in (before, after))
    gain = tuple(
        [one - other for one, other in zip(second[part], first[part], strict=True)]
        for part in (0, 1)
    )
    return Comparison(*(_estimate(*parts) for parts in (first, second, gain)))


def _placements(
    risks: Sequence[float], has_left: Sequence[bool]
) -> tuple[list[float], list[float]]:
    """Of each who left the share of the others with less risk, and of each other the reverse."""
    gone = sorted(risk for risk, left in zip(risks, has_left, strict=True) if left)
    there = sorted(risk for risk, left in zip(risks, has_left, strict=True) if not left)
    order = [risk for risk, left in zip(risks, has_left, strict=True) if left]
    others = [risk for risk, left in zip(risks, has_left, strict=True) if not left]
    return (
        [_rank(risk, there) for risk in order],
        [1 - _rank(risk, gone) for risk in others],
    )


def _rank(risk: float, others: Sequence[float]) -> float:
    """The share of others below a risk, equals counting half; `others` ascend."""
    return (bisect_left(others, risk) + bisect_right(others, risk)) / (2 * len(others))


def _estimate(of_gone: Sequence[float], of_there: Sequence[float]) -> Estimate:
    value = sum(of_gone) / len(of_gone)
    error = math.sqrt(sum(_variance(part) / len(part) for part in (of_gone, of_there)))
    return Estimate(value, value - QUANTILE * error, value + QUANTILE * error)


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def played(customers: Sequence[str]) -> dict[str, Mapping[str, datetime]]:
    """What the shop did last to reach each customer, by what it does."""
    dice = random.Random(SEED)
    called = {
        customer: AS_OF - dice.random() * HALF_A_YEAR
        for customer in customers
        if dice.random() < 0.5
    }
    exported = AS_OF - A_MONTH / 2
    return {
        "nothing": {},
        "calls every other customer in vain within half a year": called,
        "exports all profiles every month": dict.fromkeys(customers, exported),
    }


def risks(last: Mapping[str, datetime]) -> list[float]:
    """The risk of each customer who was seen last at that moment, by the packaged model."""
    model = risk_model(load_catalogue())
    return [
        assess(CustomerFacts(customer, at, None, None, None, (), ()), model, AS_OF).risk
        for customer, at in last.items()
    ]


def measured(visits: Mapping[str, Sequence[datetime]]) -> tuple[int, int, dict[str, Comparison]]:
    """How many customers there are, how many left, and the AUC by what the shop does."""
    acted = {
        customer: max(moment for moment in moments if moment < AS_OF)
        for customer, moments in sorted(visits.items())
        if min(moments) < AS_OF
    }
    has_left = [not any(AS_OF <= moment < END for moment in visits[customer]) for customer in acted]
    after = risks(acted)
    found = {}
    for what, ours in played(list(acted)).items():
        seen = {customer: max(at, ours.get(customer, at)) for customer, at in acted.items()}
        found[what] = compare(risks(seen), after, has_left)
    return len(acted), sum(has_left), found


def main() -> None:
    """Measure, print, and with --write put the figures into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = os.environ.get("VOC_TEST_DATA", "")
    parser.add_argument("file", nargs="?", type=Path, default=Path(folder) / FILE)
    parser.add_argument("--write", action="store_true", help="write the figures into the page")
    arguments = parser.parse_args()
    if not arguments.file.is_file():
        parser.error(f"{arguments.file} is no file; name {FILE}, or its folder in VOC_TEST_DATA")
    customers, left, found = measured(read_visits(arguments.file))
    rows = [
        [what, str(each.before), str(each.after), str(each.gain)] for what, each in found.items()
    ]
    header = ["what the shop does to reach them", "any event", "acts of the customer", "gain"]
    text = f"{customers:,} customers, of whom {left:,} left.\n\n" + table(header, rows, text=(0,))
    print(text)
    if arguments.write:
        put_section(PAGE, "churn-order", text)


if __name__ == "__main__":
    main()
