"""Fits the churn model to the tables, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.cli.churn.numbers import numbers
from voc_stream.cli.screen.terminal import console, say, table
from voc_stream.errors import VocError
from voc_stream.postgres.churn_model.fit_model import fit_now, prior_of

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.churn_model.evaluation import Evaluation
    from voc_stream.churn_model.learning import Learned
    from voc_stream.settings import Settings


class NothingLearnedError(VocError):
    """The tables hold nothing from which a model could learn."""


def fit_tables(settings: Settings, catalogue: Catalogue, gate_days: int) -> None:
    """Fit, show the numbers, and say which model decides from now on and why."""
    fitted = fit_now(settings.require_database_url(), catalogue, gate_days)
    if fitted is None:
        raise NothingLearnedError(
            "no customer was there before this month: there is nothing to fit"
        )
    learned, output = fitted.learned, console()
    output.print(numbers(learned.model, prior_of(catalogue.churn).multipliers))
    say()
    _say_lines_of_calibration(learned)
    if learned.candidate is not None and learned.active is not None:
        output.print(_figures(learned.candidate, learned.active))
        say()
    what = "decides risks from now on 已启用" if fitted.is_active else "was refused 未启用"
    say(f"{fitted.version} {what}: {learned.verdict.because}")


def _say_lines_of_calibration(learned: Learned) -> None:
    for days, fitted in learned.lines.items():
        line = fitted.line
        errors = (
            ""
            if fitted.slope_error is None
            else f" (standard errors {fitted.level_error:.3f}, {fitted.slope_error:.3f})"
        )
        say(f"calibration {days} days 校准: level {line.level:.3f}, slope {line.slope:.3f}{errors}")


def _figures(candidate: Evaluation, active: Evaluation) -> object:
    shown = table(
        f"out of time 样本外, n = {candidate.customers:,}, left 流失 {candidate.left:,}",
        "this model 新模型",
        "active 现用",
    )
    for name in ("brier", "log_loss", "auc", "calibration_error", "lift"):
        pair = [getattr(each, name) for each in (candidate, active)]
        shown.add_row(name, *("-" if one is None else f"{one.value:.4f}" for one in pair))
    return shown
