"""A trade that is not shipped: a branch of a bank, whose visits have four stages."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from builders import PROCESS_ITEMS, RATINGS, STAGES

from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

_EXPERIENCE = """
[experience."{key}"]
label = {{ en = "{key}", zh = "体验" }}
factor = "service"
kind = "{kind}"
{more}"""
_MINUTES = 'unit = "minutes"'
_KINDS = {
    **dict.fromkeys(RATINGS, ("rating", "")),
    **dict.fromkeys(PROCESS_ITEMS, ("process", "")),
    "on_time_delivery": ("timing", ""),
    "follow_up_72h": ("timing", ""),
    "reception_minutes": ("timing", _MINUTES),
    "stage_minutes.ticket": ("timing", _MINUTES),
    "stage_minutes.counter": ("timing", _MINUTES),
    "stage_minutes.signing": ("timing", _MINUTES),
    "stage_minutes.call": ("timing", _MINUTES),
}
BANK = """\
trade = "bank"
label = { en = "Bank branch", zh = "银行网点" }

[flow]
delivered = "signing"
follow_up = "call"
reception = "ticket"

[flow.stages]
ticket = { en = "Queue ticket", zh = "取号" }
counter = { en = "Counter", zh = "柜台" }
signing = { en = "Signing", zh = "签约" }
call = { en = "Call", zh = "回访" }

[churn]
version = "bank-1"
base_hazard_per_month = 0.0082
horizon_months = 12
signal_days = 180
low_score = 6

[churn.multipliers]
broken_promise = 1.5

[churn.bands]
high = 0.1
""" + "".join(
    _EXPERIENCE.format(key=key, kind=kind, more=more) for key, (kind, more) in _KINDS.items()
)
_STAGE_OF = dict(zip(STAGES, ("ticket", "counter", "signing", "call", "lunch"), strict=True))


def bank_catalogue(folder: Path, text: str = BANK) -> tuple[Catalogue, dict[str, Any]]:
    """The catalogue as the program reads it, and as the oracle does."""
    path = folder / "bank.toml"
    path.write_text(text, encoding="utf-8")
    return load_catalogue(path), tomllib.loads(text)


def in_a_bank(events: Iterable[Event]) -> list[Event]:
    """The same events of a branch: what leads to the follow-up of a car goes to a lunch instead."""
    return [
        {**event, "stage": _STAGE_OF[event["stage"]]} if "stage" in event else event
        for event in events
    ]
