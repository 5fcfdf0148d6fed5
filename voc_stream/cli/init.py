"""`voc-stream init`: topics and tables."""

from __future__ import annotations

import os

import click

from voc_stream.cli.screen.terminal import say
from voc_stream.kafka.topics import ensure_topics
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.settings import load_settings


@click.command(name="init")
@click.option("--cell", help="Make this cell, or bring it up to date; VOC_CELL says the same.")
def command(cell: str | None) -> None:
    """Create the topics and bring the tables up to date; safe to repeat."""
    settings = load_settings({**os.environ, **({"VOC_CELL": cell} if cell else {})})
    database_url = settings.require_database_url()
    topics = ensure_topics(settings)
    for name in topics.created:
        say(f"created topic {name}")
    for name in topics.existing:
        say(f"topic {name} is there")
    migrate(database_url, say)
    say("tables and roles are up to date")
