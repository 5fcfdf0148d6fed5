"""The console that commands print to."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_OF_A_PIPE = 200


def console() -> Console:
    """As wide as the terminal; a pipe has no width, and nothing should be cut there."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)
