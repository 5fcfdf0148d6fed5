"""Lists all signals, in the order in which drivers are listed and added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.signals.complaints import COMPLAINTS
from voc_stream.domain.churn.signals.contacts import CONTACTS
from voc_stream.domain.churn.signals.judgements import JUDGEMENTS
from voc_stream.domain.churn.signals.promises import PROMISES
from voc_stream.domain.churn.signals.remedies import REMEDIES
from voc_stream.domain.churn.signals.silence import SILENCE
from voc_stream.domain.churn.signals.tenure import TENURE
from voc_stream.domain.churn.signals.visits import VISITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.domain.churn.signals.signal import Further

SIGNALS = (*COMPLAINTS, *PROMISES, *JUDGEMENTS, *SILENCE, *VISITS, *TENURE, *CONTACTS, *REMEDIES)
"""The signals, in the order in which drivers are listed and added up."""
SIGNAL_NAMES = frozenset(signal.name for signal in SIGNALS)
BITS = 63
"""So many signals fit into a set that is stored as a signed integer of 64 bits."""


def further_facts(multipliers: Mapping[str, float]) -> frozenset[Further]:
    """The facts beside the common ones that signals with these multipliers need.

    >>> further_facts({"contacts_3": 1.4, "visits_1": 1.0, "broken_promise": 1.5})
    frozenset({'events'})
    """
    return frozenset(
        signal.reads
        for signal in SIGNALS
        if signal.reads is not None and multipliers.get(signal.name, 1) != 1
    )
