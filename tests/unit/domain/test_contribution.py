from __future__ import annotations

from typing import TYPE_CHECKING

from builders import START, callback, complaint, customer, event_lists, repair_step, touchpoint
from hypothesis import given
from unit.domain.world import events_of, summed

from voc_stream.domain.contribution import Profile, contribution_of, dimensions_of, moved
from voc_stream.domain.dimensions import COLUMNS, OF_CUSTOMERS
from voc_stream.domain.moment import moment_of
from voc_stream.events.types.base import Measure

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.contribution import Contribution
    from voc_stream.events.types import AnyEvent

GOLD, NORTH = ("gold", "north"), ("silver", "north")


def test_ratings_items_and_expectations_are_measured(catalogue: Catalogue) -> None:
    """A rating counts with its score half up, a process item as 10 or 0.

    An answer that states neither counts nothing.
    """
    answers = [
        {"item": "overall", "score": 7.125, "expectation": 8, "importance": 9.5},
        {"item": "advice_given", "done": True},
        {"item": "followed_up", "done": False},
        {"item": "repair_quality", "expectation": 9},
    ]
    (event,) = events_of([callback(answers=answers)], catalogue)
    assert event.ratings() == (
        Measure("overall", 713, 800, 950),
        Measure("advice_given", 1000),
        Measure("followed_up", 0),
    )


def test_what_measures_nothing_contributes_nothing(catalogue: Catalogue) -> None:
    """A call that nobody answered, a complaint, a step and a profile carry no score."""
    for event in events_of(
        [callback(outcome="no_answer"), complaint(), repair_step(), customer()], catalogue
    ):
        assert event.ratings() == ()


def test_a_contribution_has_the_dimensions_of_its_event_and_its_customer(
    catalogue: Catalogue,
) -> None:
    """Unknown dimensions are empty."""
    (event,) = events_of([touchpoint(department="body shop", product="p-1")], catalogue)
    contribution = contribution_of(event, START, GOLD, event.ratings())
    assert named(contribution) == {
        "site_id": "s-1",
        "department": "body shop",
        "product": "p-1",
        "segment": "gold",
        "region": "north",
    }
    assert (contribution.moment, contribution.weight) == (START, 1)


def test_channel_and_mode_are_dimensions(catalogue: Catalogue) -> None:
    """The channel is that of any scored event, the mode that of a callback only."""
    called, met = events_of(
        [
            callback(channel="hotline", mode="web", answers=[{"item": "overall", "score": 7}]),
            touchpoint(channel="kiosk", mode="not a field of it"),
        ],
        catalogue,
    )
    assert named(contribution_of(called, START, GOLD, called.ratings())) == {
        "site_id": "s-1",
        "channel": "hotline",
        "mode": "web",
        "segment": "gold",
        "region": "north",
    }
    assert named(contribution_of(met, START, (), met.ratings())) == {
        "site_id": "s-1",
        "channel": "kiosk",
    }


def named(contribution: Contribution) -> dict[str, str]:
    """The known dimensions of a contribution, by column."""
    pairs = zip(COLUMNS, contribution.dimensions, strict=True)
    return {column: value for column, value in pairs if value}


def test_a_profile_that_lacks_a_later_dimension_says_nothing_of_it() -> None:
    """An order or a move that was stored before a dimension was added still counts where it did."""
    unknown = [""] * len(OF_CUSTOMERS)
    assert dimensions_of(["s-1"], ("gold",)) == ("s-1", "gold", *unknown[1:])
    assert dimensions_of(["s-1"], ()) == ("s-1", *unknown)


def contributions_of(events: list[AnyEvent], profile: Profile) -> list[Contribution]:
    return [
        contribution_of(event, moment_of(event), profile, measures)
        for event in events
        if (measures := event.ratings())
    ]


@given(event_lists())
def test_what_is_added_and_taken_back_leaves_nothing(
    catalogue: Catalogue, bodies: list[Event]
) -> None:
    """Weights of 1 and -1 cancel exactly, in any order."""
    events = events_of(bodies, catalogue)
    added = contributions_of(events, GOLD)
    assert not summed([*added, *(one._replace(weight=-1) for one in reversed(added))])


@given(event_lists())
def test_moved_contributions_count_under_the_new_profile_only(
    catalogue: Catalogue, bodies: list[Event]
) -> None:
    """What was counted under one profile and then moved is as if it was never elsewhere."""
    events = events_of(bodies, catalogue)
    before, after = contributions_of(events, GOLD), contributions_of(events, NORTH)
    assert summed([*before, *moved(before, GOLD, NORTH)]) == summed(after)
