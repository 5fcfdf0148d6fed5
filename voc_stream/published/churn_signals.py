"""Generates the table of signals that raise the risk of leaving, for the page of the semantics."""

from __future__ import annotations

from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.published.markdown import table

SECTION = "churn-signals"


def signals_table() -> str:
    """Each signal, its bit in stored sets, how alerts name it, and when it is active."""
    rows = [
        [
            f"`{signal.name}`",
            str(signal.bit),
            f"{signal.en} / {signal.zh}",
            signal.active_when,
        ]
        for signal in SIGNALS
    ]
    header = ["signal (the name of driver and multiplier)", "bit", "in words", "active when"]
    return table(header, rows, text=(0, 2, 3))
