"""`voc-stream churn evaluate`: how good stated risks were."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from voc_stream.churn_model.evaluation import evaluate
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.terminal import console, say, table
from voc_stream.errors import VocError
from voc_stream.postgres.churn_model.active import horizon_days
from voc_stream.postgres.churn_model.fit_model import GATE_DAYS
from voc_stream.postgres.churn_model.told import told_now
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.churn_model.evaluation import Evaluation, Figure
    from voc_stream.churn_model.outcome import Told
    from voc_stream.postgres.churn_model.told import ToldOf

FIGURES = (
    ("brier", "Brier score 布里尔分数"),
    ("log_loss", "log loss 对数损失"),
    ("auc", "AUC 区分度"),
    ("calibration_error", "ECE 校准误差"),
    ("lift", "lift of the top tenth 提升度"),
)


class NothingToldError(VocError):
    """No stated risk has come to its end."""


@click.command()
@click.option(
    "--days",
    type=click.Choice(["90", "horizon"]),
    default="90",
    show_default=True,
    help="Over 90 days, or over the horizon of the catalogue.",
)
def command(days: str) -> None:
    """Show how good stated risks were, by what came of them.

    Risks of the starts of the last 24 months count whose time is over; a customer counts at each. A
    fitted model is judged only by times that it has not seen.
    """
    settings = load_settings(os.environ)
    catalogue = read_catalogue(settings)
    told = told_now(
        settings.require_database_url(),
        catalogue,
        GATE_DAYS if days == "90" else horizon_days(catalogue),
    )
    versions = sorted({version for version, *_ in told})
    if not versions:
        raise NothingToldError("no stated risk has come to its end: wait for a horizon to be over")
    for version in versions:
        _show(version, told)


def _show(version: str, told: Mapping[ToldOf, Sequence[Told]]) -> None:
    found, output = evaluate(told[version, "all", ""]), console()
    say(f"{version}: n = {found.customers:,}, left 流失 {found.left:,}")
    figures = table("figure 指标", "value 值", "95 % interval 区间")
    for name, label in FIGURES:
        figures.add_row(label, *_cells(getattr(found, name)))
    output.print(figures)
    output.print(_tenths(found))
    groups = table("group 分组", "n", "left 流失", "stated 预测", "came 实际")
    for (of, kind, name), rows in told.items():
        if of == version and kind != "all":
            customers, left = sum(one.customers for one in rows), sum(one.left for one in rows)
            stated = sum(one.risk * one.customers for one in rows) / customers
            groups.add_row(
                *(name, f"{customers:,}", f"{left:,}", f"{stated:.4f}", f"{left / customers:.4f}")
            )
    output.print(groups)
    say()


def _cells(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return "-", "-"
    between = "-" if figure.low is None else f"{figure.low:.4f} to {figure.high:.4f}"
    return f"{figure.value:.4f}", between


def _tenths(found: Evaluation) -> object:
    shown = table("tenth by risk 十分位", "n", "stated 预测", "came 实际")
    for place, one in enumerate(found.tenths, 1):
        shown.add_row(str(place), f"{one.customers:,.0f}", f"{one.stated:.4f}", f"{one.came:.4f}")
    return shown
