"""Declares the signals that raise the risk of leaving, each once."""

from voc_stream.domain.churn.signals.registry import BITS, SIGNAL_NAMES, SIGNALS
from voc_stream.domain.churn.signals.signal import Signal
from voc_stream.domain.churn.signals.silence import INACTIVE

__all__ = ["BITS", "INACTIVE", "SIGNALS", "SIGNAL_NAMES", "Signal"]
