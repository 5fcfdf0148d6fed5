"""What the simulated call centre is asked to play.

There are three shops, and a working day has seven seconds. Two customers a second tell what they
think of an advisor of the shop that declines, from some seconds after it began. That is as much as
a small shop hears in months, so the history gives each baseline a hundred answers and more.
"""

from __future__ import annotations

from datetime import UTC, datetime

from voc_stream.simulator.options import Decline, Noise, SimulationOptions

SITE = "shop-03"
EXPERIENCE = "advisor_service"
EMPLOYEE = "shop-03-advisor-1"
SITES = 3
NOISE = Noise(
    late_delay_seconds=(0.5, 3600.0),
    duplicate_delay_seconds=(0.5, 3600.0),
    retracted_share=0,
    conflicting_share=0,
)


def history() -> SimulationOptions:
    """Ten days until now, in which nothing special happens."""
    return SimulationOptions(
        start=datetime.now(UTC),
        seed=1,
        duration_seconds=0,
        history_days=10,
        history_events=15_000,
        sites=SITES,
        decline=None,
        noise=NOISE,
    )


def decline(until_seconds: float | None = None) -> SimulationOptions:
    """From now on one advisor of one shop treats new customers worse.

    For ever, or until so many seconds from now.
    """
    return SimulationOptions(
        start=datetime.now(UTC),
        seed=2,
        rate_per_second=100,
        history_days=0,
        speed=5400,
        sites=SITES,
        # By himself and by much, so that twenty answers leave no doubt about it, nor about him.
        decline=Decline(
            site_id=SITE,
            advisor=1,
            after_seconds=0,
            ramp_seconds=1,
            points=6,
            share_of_others=0,
            until_seconds=until_seconds,
        ),
        noise=NOISE,
    )
