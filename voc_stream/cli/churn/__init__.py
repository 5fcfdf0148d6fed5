"""`voc-stream churn`: the churn model, from customers who stayed and left."""

from __future__ import annotations

import click

from voc_stream.cli.churn import evaluate, fit


@click.group()
def command() -> None:
    """Fit the churn model to customers who stayed and left, and judge it."""


command.add_command(evaluate.command, "evaluate")
command.add_command(fit.command, "fit")
