"""Says how far a customer's history has been moved from one profile to another.

`domain/folding/history.py` moves it.
"""

from __future__ import annotations

import msgspec

from voc_stream.domain.contribution import Profile  # noqa: TC001  msgspec reads the annotations at run time


class Move(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How far the move of a customer's history from one profile to another has come.

    Attributes:
        before: the profile under which scored events beyond `event_id` count.
        after: the profile under which those up to it count.
        event_id: of the scored event that was moved last; '' at first.
        order_id: of the order that was looked at last; None while events are still to be moved.
        complaint_id: of the complaint that was looked at last; None while events or orders are
            still to be moved. The catalogue must measure complaints, else they need no move.
    """

    before: Profile
    after: Profile
    event_id: str = ""
    order_id: str | None = None
    complaint_id: str | None = None

    def profile_of(self, event_id: str) -> Profile:
        """The profile under which a scored event counts now.

        >>> move = Move(("silver", ""), ("gold", ""), "e-5")
        >>> move.profile_of("e-5"), move.profile_of("e-6")
        (('gold', ''), ('silver', ''))
        """
        return self.after if self.order_id is not None or event_id <= self.event_id else self.before


def orders_after(move: Move) -> str | None:
    """The order after which the next ones come; None if events or complaints are moved now."""
    return move.order_id if move.complaint_id is None else None


def complaints_after(move: Move) -> str | None:
    """The complaint after which the next ones come; None if events or orders are moved now."""
    return move.complaint_id


def restated(move: Move | None, before: Profile, profile: Profile) -> Move:
    """The move that is to be made when a customer has another profile than `before`.

    `move` may be under way. Of many profiles in a row, only the first and the last need be moved
    between: while nothing has moved, the goal changes.

    >>> first = restated(None, ("silver", ""), ("gold", ""))
    >>> restated(first, ("gold", ""), ("vip", ""))
    Move(before=('silver', ''), after=('vip', ''), event_id='', order_id=None, complaint_id=None)
    """
    if move is None:
        return Move(before, profile)
    if move.order_id is not None:
        return Move(move.after, profile)
    return move if move.event_id else Move(move.before, profile)
