"""`voc-stream churn fit`: numbers of the churn model, from customers who stayed and left."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voc_stream.churn_model.as_catalogue import as_catalogue
from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.churn_model.fit import Prior, fit
from voc_stream.churn_model.reading import CellsError, cells_of_rows
from voc_stream.cli.churn.numbers import numbers
from voc_stream.cli.churn.of_tables import fit_tables
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.terminal import console, say, say_lines
from voc_stream.domain.churn.signals import SIGNAL_NAMES
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.model import ChurnModel


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option(
    "--gate-days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="Over how many days the gate judges risks. Without FILE only.",
)
def command(file: Path | None, gate_days: int) -> None:
    """Fit hazards and multipliers to the tables, or to the cells of a CSV file.

    Without FILE the model learns from all customers until the start of this month. It decides risks
    from now on if the gate lets it: its log loss on a time that it has not seen must be smaller
    than that of the active model, and its risks neither too bold nor too shy.

    With FILE nothing is kept: the numbers are printed for a catalogue. A cell is all the time that
    customers spent with one set of signals. FILE has the columns signals (names with spaces between
    them, or nothing), leavers and exposure_months; a column band, from 0, divides customers by
    tenure.

    What the catalogue says counts as half a leaver for each band, and as two for each multiplier.
    So few leavers change little.
    """
    settings = load_settings(os.environ)
    catalogue = read_catalogue(settings)
    if file is None:
        fit_tables(settings, catalogue, gate_days)
    else:
        _fit_file(file, catalogue.churn)


def _fit_file(file: Path, churn: ChurnModel) -> None:
    cells = _read(file)
    named = {name for cell in cells for name in cell.key.signals}
    multipliers = {name: churn.multipliers.get(name, 1.0) for name in named}
    prior = Prior(churn.base_hazard_per_month, multipliers)
    bands = max(cell.key.band for cell in cells) + 1
    model = fit(cells, prior, bands)
    console().print(numbers(model, multipliers))
    say()
    say(f"log likelihood 对数似然: {model.log_likelihood:.3f}")
    say()
    together = [Cell(CellKey(0, key.signals), leavers, months) for key, leavers, months in cells]
    say_lines(as_catalogue(fit(together, prior, 1), SIGNAL_NAMES))


def _read(file: Path) -> Sequence[Cell]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            return cells_of_rows((reader.line_num, row) for row in reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CellsError(f"{file} is no CSV in UTF-8: {error}") from error
    except CellsError as error:
        raise CellsError(f"{file}, {error}") from error
