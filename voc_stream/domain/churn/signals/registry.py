"""Lists all signals, in the order in which drivers are listed and added up."""

from __future__ import annotations

from voc_stream.domain.churn.signals.complaints import COMPLAINTS
from voc_stream.domain.churn.signals.judgements import JUDGEMENTS
from voc_stream.domain.churn.signals.promises import PROMISES
from voc_stream.domain.churn.signals.silence import SILENCE

SIGNALS = (*COMPLAINTS, *PROMISES, *JUDGEMENTS, *SILENCE)
"""The signals, in the order in which drivers are listed and added up."""
SIGNAL_NAMES = frozenset(signal.name for signal in SIGNALS)
BITS = 63
"""So many signals fit into a set that is stored as a signed integer of 64 bits."""
