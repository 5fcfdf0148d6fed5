"""Declares the signals that raise or lower the risk of leaving, each once."""

from voc_stream.domain.churn.signals.registry import BITS, SIGNAL_NAMES, SIGNALS, further_facts
from voc_stream.domain.churn.signals.signal import Further, Signal
from voc_stream.domain.churn.signals.silence import INACTIVE
from voc_stream.domain.churn.signals.visits import MOST_VISITS

__all__ = [
    "BITS",
    "INACTIVE",
    "MOST_VISITS",
    "SIGNALS",
    "SIGNAL_NAMES",
    "Further",
    "Signal",
    "further_facts",
]
