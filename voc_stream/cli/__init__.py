"""Declares the command `voc-stream`, with a module for each subcommand.

A module is imported only when its subcommand is asked for.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import click

from voc_stream import __version__
from voc_stream.cli.screen.terminal import printable, say_lines, show_traceback
from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Name and short help; the module is the name with `_` for `-`. They stand here so that `--help`
# needs to import none of them.
COMMANDS: Mapping[str, str] = {
    "up": "Run all of it on this machine: broker, database, worker and a simulated call centre.",
    "init": "Create the topics and bring the tables up to date; safe to repeat.",
    "worker": "Run one worker: events in from Kafka, tables out to PostgreSQL.",
    "push": "Validate events from files and send them.",
    "retract": "Take events back: out of every table, for good.",
    "check": "Validate events from files, sending nothing.",
    "simulate": "Play a believable call centre, to Kafka or to a file.",
    "status": "Show lag, last commit, key experiences, customers at risk and alerts.",
    "dead-letters": "List, show or retry what was refused; let stopped partitions resume.",
    "churn": "Fit the churn model to customers who stayed and left.",
    "remove-cell": "Drop the tables of a cell, and take it out of the views over all cells.",
    "rebuild": "Recompute every derived table from the stored events and compare.",
}
CHORES = "chores"
"""What a worker starts, and nobody else: so `--help` does not list it."""
# These end with 1 if something that they were given is wrong, and with 2 for whatever else.
ONE_IS_A_FAILED_LINE = ("check", "push", "retract")


class _LazyGroup(click.Group):
    """A group that imports the module of a subcommand when the subcommand is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if cmd_name == CHORES:
            beside = importlib.import_module("voc_stream.cli.running.chores")
            chores: click.Command = beside.command
            return chores
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"voc_stream.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VocError as error:
            name = ctx.invoked_subcommand
            say_lines(f"voc-stream {name}: {error}", error=True)
            ctx.exit(2 if name in ONE_IS_A_FAILED_LINE else error.exit_code)
        except click.ClickException as error:
            error.message = printable(error.message, keep_lines=True)
            raise


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="voc-stream")
def main() -> None:
    """Streaming voice of the customer.

    Touchpoint events in from Kafka, exact tables out in PostgreSQL.

    Settings are environment variables VOC_…, or the same keys in a TOML file named by VOC_CONFIG.
    """
    sys.excepthook = show_traceback
