"""Declares what can be chosen about a simulation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


EARLY_DAYS = 200.0
"""Of the commands. What shall happen within 180 days can be judged once they are over."""


@dataclass(frozen=True, kw_only=True)
class Decline:
    """A shop whose service gets worse.

    From `after_seconds` after the start (negative: in the history) the attitude of advisor number
    `advisor` of `site_id` falls. It falls by up to `points` of the score scale, reached after
    `ramp_seconds`; that of the colleagues falls by `share_of_others` of it. From `until_seconds`
    after the start it is again what it was; None: never. Customers who came before tell of it for
    some working days more.
    """

    site_id: str = "shop-03"
    advisor: int = 1
    after_seconds: float = 60.0
    ramp_seconds: float = 180.0
    points: float = 4.0
    share_of_others: float = 0.1
    until_seconds: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a decline that ends before it begins."""
        if self.until_seconds is not None and self.until_seconds <= self.after_seconds:
            raise ValueError(
                f"until_seconds is {self.until_seconds}: give more than after_seconds,"
                f" {self.after_seconds}"
            )

    def points_at(self, site_id: str, employee_id: str, seconds: float) -> float:
        """How many points the attitude of an advisor has fallen `seconds` after the start.

        >>> decline = Decline(after_seconds=0, ramp_seconds=10, points=4)
        >>> decline.points_at("shop-03", "shop-03-advisor-1", 5)
        2.0
        """
        over = self.until_seconds is not None and seconds >= self.until_seconds
        if site_id != self.site_id or seconds <= self.after_seconds or over:
            return 0.0
        progress = (
            min(1.0, (seconds - self.after_seconds) / self.ramp_seconds)
            if self.ramp_seconds
            else 1.0
        )
        share = (
            1.0 if employee_id == f"{self.site_id}-advisor-{self.advisor}" else self.share_of_others
        )
        return self.points * progress * share


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How the way to the topic disturbs the events. Shares are of the events, 0-1.

    Late and repeated messages are sent after a delay drawn log-uniformly from its range.
    `huge_string_bytes` is the length of the string in the broken messages that carry one. Some
    events are taken back (`retracted_share`), and of some the id is used again for another event
    (`conflicting_share`), both so long after they were sent.
    """

    duplicate_share: float = 0.01
    late_share: float = 0.02
    broken_share: float = 0.002
    retracted_share: float = 0.001
    conflicting_share: float = 0.0005
    duplicate_delay_seconds: tuple[float, float] = (0.5, 1800.0)
    late_delay_seconds: tuple[float, float] = (60.0, 4 * 3600.0)
    second_thought_delay_seconds: tuple[float, float] = (1.0, 600.0)
    huge_string_bytes: int = 100_000


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """A simulation: the same options give the same bytes.

    Attributes:
        start: the moment at which the history ends and the live part begins, with an offset.
        seed: of all randomness.
        rate_per_second: events per second of the live part, on average; repeated and broken
            messages come on top.
        duration_seconds: length of the live part; None: endless; 0: history only.
        history_days: how far back the history reaches, in real durations. Without any, the live
            part takes a workshop's day to get going.
        history_events: about how many events the history has. The last three days are as busy as
            the live part.
        early_days: how many days before the history a few visits happen, so that measures which
            wait for months have values; not without a history.
        early_events: about how many events these days have.
        speed: working seconds that pass in one second of the live part; at 600 a workshop's day of
            ten hours takes a minute.
        sites: number of shops.
        decline: the shop that gets worse, or None.
        noise: duplicates, late and broken messages, and second thoughts.
    """

    start: datetime
    seed: int = 0
    rate_per_second: float = 20.0
    duration_seconds: float | None = None
    history_days: float = 28.0
    history_events: int = 20_000
    early_days: float = 0.0
    early_events: int = 10_000
    speed: float = 600.0
    sites: int = 8
    decline: Decline | None = field(default_factory=Decline)
    noise: Noise = field(default_factory=Noise)

    def __post_init__(self) -> None:
        """Raise ValueError, naming the option, for what cannot be simulated."""
        if self.start.tzinfo is None:
            raise ValueError("start has no offset: give a time such as 2025-03-01T08:00:00Z")
        for name in ("rate_per_second", "speed", "sites"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a number above 0")
        for name in (
            "history_days",
            "history_events",
            "early_days",
            "early_events",
            "duration_seconds",
        ):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 or more")
        for name in (
            "duplicate_share",
            "late_share",
            "broken_share",
            "retracted_share",
            "conflicting_share",
        ):
            if not 0 <= getattr(self.noise, name) <= 1:
                raise ValueError(f"{name} is {getattr(self.noise, name)}: give a share from 0 to 1")
