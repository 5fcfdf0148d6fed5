"""`voc-stream remove-cell`: a cell and all its tables go."""

from __future__ import annotations

import os

import click

from voc_stream.cli.screen.terminal import say
from voc_stream.postgres.corrections.remove_cell import remove_cell
from voc_stream.settings import load_settings


@click.command(name="remove-cell")
@click.argument("cell")
@click.confirmation_option(prompt="All tables of this cell will be dropped. Go on?")
def command(cell: str) -> None:
    """Drop the tables of a cell, and take it out of the views over all cells.

    Stop its workers first. Its topics and its consumer group stay in Kafka.
    """
    settings = load_settings({**os.environ, "VOC_CELL": cell})
    remove_cell(settings.require_database_url())
    say(f"removed the cell {cell}; its topics {settings.topic_prefix}… are still in Kafka")
