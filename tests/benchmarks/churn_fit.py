"""What `make bench-churn-fit` measures: whether the fit of the churn model finds what is true.

- Real customers: 3,150 of a telephone company, nine months of each, and who left within the next
  three (UCI 563, "Iranian Churn", CC BY 4.0; the file is not in this repository). Fitted and
  calibrated on four fifths, the risks of the last fifth are judged, five times.
- Known multipliers: 40,000 simulated customers whose signals come and go. Each multiplier that made
  them leave is compared with the fitted one.
- No effect: 100 simulated companies where signals mean nothing, and the catalogue says so. A new
  model is fitted to two years and judged on the next three months. How many pass the gate?
"""

from __future__ import annotations

import argparse
import csv
import os
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from itertools import pairwise
from math import exp, log
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import machine
from benchmarks.svg import Panel, Series, XAxis, chart

from voc_stream.churn_model.calibration import calibrate
from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.churn_model.evaluation import evaluate
from voc_stream.churn_model.fit import Prior, fit
from voc_stream.churn_model.gate import Pair, judge
from voc_stream.churn_model.outcome import Told
from voc_stream.churn_model.stated_risk import AS_STATED, hazard_per_month, risk_of
from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voc_stream.churn_model.evaluation import Evaluation, Figure
    from voc_stream.churn_model.fit import Fit
    from voc_stream.churn_model.stated_risk import Calibration

FILE = "iranian_churn.csv"
PAGE = machine.ROOT / "docs" / "reference" / "churn.md"
PICTURE = PAGE.parent / "benchmarks" / "churn-calibration.svg"
SEED = 563
# Of the real customers.
FOLDS, HORIZON_MONTHS = 5, 3.0
TENURE_BANDS = (12, 24, 36)
# Calls in nine months: how often somebody comes is a signal in bands.
VISITS = (5, 9, 20, 40, 60, 100)
VISIT_SIGNALS = tuple(f"more_than_{number}_calls" for number in VISITS)
PRIOR = Prior(
    0.0082,
    {"complaint": 7.89, "inactive": 1.5, "failures_8": 1.0} | dict.fromkeys(VISIT_SIGNALS, 1.0),
)
# Of the simulated ones.
CUSTOMERS, MONTHS, BASE = 40_000, 60.0, 0.02
MULTIPLIERS = {"broken_promise": 2.0, "complaint": 6.0, "effort": 1.3, "loyal": 0.6}
COMPANIES, COMPANY_CUSTOMERS, SEEN_MONTHS = 100, 2_000, 24.0


class Customer(NamedTuple):
    """A real customer: band and signals after nine months, and whether it left in the next three.

    Who left did so in the middle of the three months, as far as anybody knows.
    """

    key: CellKey
    left: bool

    def cell(self) -> Cell:
        """The time that the customer was watched."""
        return Cell(self.key, int(self.left), HORIZON_MONTHS / (2 if self.left else 1))


def read_customers(path: Path) -> Sequence[Customer]:
    """The customers of the file, in its order."""
    with path.open(encoding="utf-8") as lines:
        rows = [
            {" ".join(name.split()): float(value) for name, value in row.items()}
            for row in csv.DictReader(lines)
        ]
    return [
        Customer(
            CellKey(
                bisect_right(TENURE_BANDS, row["Subscription Length"]),
                frozenset(
                    name
                    for name, is_on in (
                        ("complaint", row["Complains"] == 1),
                        ("failures_8", row["Call Failure"] >= 8),
                        ("inactive", row["Status"] == 2),
                        *zip(VISIT_SIGNALS, in_band(row["Frequency of use"]), strict=True),
                    )
                    if is_on
                ),
            ),
            row["Churn"] == 1,
        )
        for row in rows
    ]


def in_band(visits: float) -> Sequence[bool]:
    """Whether a number of visits is in each of the bands; in none if it is below all.

    >>> in_band(7)
    [True, False, False, False, False, False]
    """
    band = bisect_left(VISITS, visits)
    return [number == band for number in range(1, len(VISITS) + 1)]


def told_of(customers: Sequence[Customer], model: Fit, line: Calibration) -> Sequence[Told]:
    """What the model says of customers, and what came of them."""
    counts: Counter[tuple[CellKey, bool]] = Counter(customers)
    return [
        Told(
            risk_of(hazard_per_month(model, key.band, key.signals), HORIZON_MONTHS, line),
            counts[key, True] + counts[key, False],
            counts[key, True],
        )
        for key in sorted({key for key, _ in counts}, key=str)
    ]


def out_of_fold(customers: Sequence[Customer], random: Random) -> Evaluation:
    """The risks of each fifth, stated by a model that was fitted to the others."""
    shuffled = list(customers)
    random.shuffle(shuffled)
    told: list[Told] = []
    for fold in range(FOLDS):
        others = [one for place, one in enumerate(shuffled) if place % FOLDS != fold]
        model = fit([one.cell() for one in others], PRIOR, len(TENURE_BANDS) + 1)
        line = calibrate(told_of(others, model, AS_STATED)).line
        told.extend(told_of(shuffled[fold::FOLDS], model, line))
    return evaluate(told)


class Spell(NamedTuple):
    """A time without change: from one month to another, with these signals."""

    begin: float
    end: float
    signals: frozenset[str]


def spells(random: Random, names: Sequence[str], months: float) -> Iterator[Spell]:
    """A simulated life: each signal comes once at some time, and stays for some months."""
    times = {
        name: (
            begin := random.uniform(-0.5 * months, months),
            begin + random.expovariate(2 / months),
        )
        for name in names
    }
    borders = sorted({0.0, months, *(at for each in times.values() for at in each)})
    borders = [at for at in borders if 0.0 <= at <= months]
    for begin, end in pairwise(borders):
        on = frozenset(name for name, (first, last) in times.items() if first <= begin < last)
        yield Spell(begin, end, on)


def lived(random: Random, life: Sequence[Spell], multipliers: Mapping[str, float]) -> float:
    """When the customer left; infinity if it is still there at the end."""
    to_come = random.expovariate(1.0)
    for begin, end, signals in life:
        hazard = BASE * exp(sum(log(multipliers[name]) for name in signals))
        if to_come < hazard * (end - begin):
            return begin + to_come / hazard
        to_come -= hazard * (end - begin)
    return float("inf")


def cells_of(lives: Sequence[tuple[Sequence[Spell], float]], until: float) -> Sequence[Cell]:
    """The time that the customers spent with each set of signals, and who left by then."""
    leavers: Counter[frozenset[str]] = Counter()
    months: dict[frozenset[str], float] = defaultdict(float)
    for life, left_at in lives:
        for begin, end, signals in life:
            last = min(end, left_at, until)
            if last > begin:
                months[signals] += last - begin
                leavers[signals] += begin < left_at <= min(end, until)
    return [Cell(CellKey(0, signals), leavers[signals], months[signals]) for signals in months]


def company(
    random: Random, customers: int, multipliers: Mapping[str, float], months: float
) -> Sequence[tuple[Sequence[Spell], float]]:
    """Simulated customers, and when each of them left."""
    names = sorted(multipliers)
    found = []
    for _ in range(customers):
        life = list(spells(random, names, months))
        found.append((life, lived(random, life, multipliers)))
    return found


def recovered(random: Random) -> Fit:
    """The model that is fitted to customers whose multipliers are known."""
    lives = company(random, CUSTOMERS, MULTIPLIERS, MONTHS)
    prior = Prior(BASE, dict.fromkeys(MULTIPLIERS, 1.0))
    return fit(cells_of(lives, MONTHS), prior, 1)


def passes(random: Random) -> bool:
    """Whether a company where signals mean nothing would activate a new model."""
    nothing = dict.fromkeys(MULTIPLIERS, 1.0)
    lives = company(random, COMPANY_CUSTOMERS, nothing, SEEN_MONTHS + HORIZON_MONTHS)
    model = fit(cells_of(lives, SEEN_MONTHS), Prior(BASE, nothing), 1)
    counts: Counter[tuple[float, bool]] = Counter()
    for life, left_at in lives:
        if left_at > SEEN_MONTHS:
            [now] = [one for one in life if one.begin <= SEEN_MONTHS < one.end]
            risk = risk_of(hazard_per_month(model, 0, now.signals), HORIZON_MONTHS)
            counts[risk, left_at <= SEEN_MONTHS + HORIZON_MONTHS] += 1
    told = [
        Told(risk, counts[risk, True] + counts[risk, False], counts[risk, True])
        for risk in sorted({risk for risk, _ in counts})
    ]
    usual = risk_of(BASE, HORIZON_MONTHS)
    return judge([Pair(risk, usual, n, left) for risk, n, left in told], told).activate


def shown(figure: Figure | None) -> str:
    """A figure with its interval, as the page shows it."""
    if figure is None:
        return "none"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def of_real_customers(found: Evaluation) -> str:
    """The section about real customers."""
    figures = [
        ["AUC", shown(found.auc)],
        ["calibration error (ECE)", shown(found.calibration_error)],
        ["Brier score", shown(found.brier)],
        ["log loss", shown(found.log_loss)],
        ["lift of the highest tenth", shown(found.lift)],
    ]
    tenths = [
        [str(number), f"{each.customers:.0f}", f"{each.stated:.1%}", f"{each.came:.1%}"]
        for number, each in enumerate(found.tenths, 1)
    ]
    return (
        f"{found.customers:,} customers, of whom {found.left:,} left.\n\n"
        + table(["figure", "out of fold"], figures, text=(0, 1))
        + "\n\n"
        + table(["tenth by risk", "customers", "stated risk", "left"], tenths, text=(0,))
    )


def calibration_plot(found: Evaluation) -> str:
    """Of each tenth, what was stated and what came of it; the straight line is the truth."""
    points = [(100 * each.stated, 100 * each.came) for each in found.tenths]
    panel = Panel(
        "left, %",
        [Series("a tenth of the customers", points), Series("as stated", [(0, 0), (80, 80)])],
    )
    axis = XAxis("stated risk, %", [0, 20, 40, 60, 80])
    return chart("Stated risks and what came of them, out of fold", axis, [panel])


def of_simulated_customers(found: Fit, activated: int) -> str:
    """The section about simulated customers."""
    rows = [
        [
            f"`{name}`",
            f"{true:.2f}",
            f"{found.multipliers[name]:.3f}",
            f"{found.multipliers[name] / true - 1:+.1%}",
        ]
        for name, true in MULTIPLIERS.items()
    ]
    return (
        f"{CUSTOMERS:,} simulated customers, of whom {found.leavers:,} left:\n\n"
        + table(["signal", "true multiplier", "fitted", "off by"], rows, text=(0,))
        + f"\n\nThere were {COMPANIES} simulated companies of {COMPANY_CUSTOMERS:,} customers each,"
        f" where no signal\nmeans anything. Of these, {activated} activated a new model."
    )


def main() -> None:
    """Measure, print, and with --write put the figures into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = os.environ.get("VOC_TEST_DATA", "")
    parser.add_argument("file", nargs="?", type=Path, default=Path(folder) / FILE)
    parser.add_argument("--write", action="store_true", help="write the figures into the page")
    arguments = parser.parse_args()
    if not arguments.file.is_file():
        parser.error(f"{arguments.file} is no file; name {FILE}, or its folder in VOC_TEST_DATA")
    judged = out_of_fold(read_customers(arguments.file), Random(SEED))
    real = of_real_customers(judged)
    print(real)
    activated = sum(passes(Random(SEED + number)) for number in range(COMPANIES))
    simulated = of_simulated_customers(recovered(Random(SEED)), activated)
    print(simulated)
    if arguments.write:
        PICTURE.write_text(calibration_plot(judged), encoding="utf-8")
        put_section(PAGE, "churn-fit", real)
        put_section(PAGE, "churn-fit-simulated", simulated)


if __name__ == "__main__":
    main()
