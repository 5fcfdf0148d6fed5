"""`voc-stream churn fit`: numbers of the churn model, from customers who stayed and left."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voc_stream.churn_model.as_catalogue import as_catalogue, interval
from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.churn_model.fit import Prior, fit
from voc_stream.churn_model.reading import CellsError, cells_of_rows
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.terminal import console, say, say_lines, table
from voc_stream.domain.churn.signals import SIGNAL_NAMES
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.churn_model.fit import Fit


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Fit hazards and multipliers to the cells of a CSV file, and print them for a catalogue.

    A cell is all the time that customers spent with one set of signals. FILE has the columns
    signals (names with spaces between them, or nothing), leavers and exposure_months; a column
    band, from 0, divides customers by tenure. What the catalogue says counts as half a leaver for
    each band, and as two for each multiplier. So few leavers change little.
    """
    churn = read_catalogue(load_settings(os.environ)).churn
    cells = _read(file)
    named = {name for cell in cells for name in cell.key.signals}
    multipliers = {name: churn.multipliers.get(name, 1.0) for name in named}
    prior = Prior(churn.base_hazard_per_month, multipliers)
    bands = max(cell.key.band for cell in cells) + 1
    model = fit(cells, prior, bands)
    output = console()
    output.print(_numbers(model, multipliers))
    output.print()
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


def _numbers(model: Fit, stated: Mapping[str, float]) -> object:
    shown = table("parameter 参数", "fitted 拟合值", "95 % interval 区间", "catalogue 目录")
    for band, hazard in model.hazards_per_month.items():
        low, high = interval(hazard, model.hazard_errors[band])
        shown.add_row(f"hazard a month, band {band}", f"{hazard:.6f}", f"{low:.6f} to {high:.6f}")
    for name, multiplier in model.multipliers.items():
        low, high = interval(multiplier, model.multiplier_errors[name])
        shown.add_row(name, f"{multiplier:.3f}", f"{low:.3f} to {high:.3f}", f"{stated[name]:g}")
    return shown
