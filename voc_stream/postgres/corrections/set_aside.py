"""Sets customers aside with whom a chore fails alone.

They wait behind the other customers, and each is tried again after a rest. They are kept in memory
only. What has to be done for them stays in its queue in the database. So a worker that starts anew
finds them again, at the cost of one piece that fails.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import psycopg2

from voc_stream.errors import VocError
from voc_stream.pipeline.ports import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Often enough for VocChoreFailing, which looks at the failures of five minutes.
REST_SECONDS = 120.0
SEARCH_SECONDS = 5.0
MOST_NAMED = 5
LONGEST_REASON = 200

log = logging.getLogger(__name__)


class CustomersFailedError(VocError):
    """A chore is done, but for some customers with each of whom it fails alone."""


class SetAside:
    """The customers whom one chore of one worker has set aside.

    An attempt that is given to its methods does the chore for some customers, all or nothing. It
    returns None if another worker is at it, and raises StoreUnavailableError if the server is to
    blame.
    """

    def __init__(self, chore: str) -> None:
        self._chore = chore
        self._again_at: dict[str, float] = {}
        self._failed: dict[str, Exception] = {}

    @property
    def customer_ids(self) -> list[str]:
        """The customers who are left out of the usual pieces."""
        return list(self._again_at)

    def search(
        self, customer_ids: Sequence[str], attempt: Callable[[list[str]], int | None]
    ) -> list[str]:
        """Do a piece that failed, without the customers who fail alone.

        Returns who is left: those who fail, and others if there was no time for them.
        """
        return self._halve([list(customer_ids)] if customer_ids else [], attempt)

    def try_again(self, attempt: Callable[[list[str]], int | None]) -> None:
        """Try each customer alone who has rested."""
        now = time.monotonic()
        self._halve(
            [[customer_id] for customer_id, moment in self._again_at.items() if moment <= now],
            attempt,
        )

    def report(self) -> None:
        """Raise CustomersFailedError if some failed since the last report.

        So the failure is counted and seen.
        """
        failed, self._failed = self._failed, {}
        if failed:
            raise CustomersFailedError(_in_words(failed))

    def _halve(
        self, pieces: list[list[str]], attempt: Callable[[list[str]], int | None]
    ) -> list[str]:
        end, waiting, failed = time.monotonic() + SEARCH_SECONDS, pieces[::-1], {}
        while waiting and time.monotonic() < end:
            piece = waiting.pop()
            try:
                done = attempt(piece)
            except StoreUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, it holds up no other customer
                if len(piece) == 1:
                    failed[piece[0]] = error
                else:
                    middle = len(piece) // 2
                    waiting += [piece[middle:], piece[:middle]]
                continue
            if done is None:
                waiting.append(piece)
                break
            for customer_id in piece:
                self._again_at.pop(customer_id, None)
        self._add(failed)
        return [*failed, *(customer_id for piece in waiting for customer_id in piece)]

    def _add(self, failed: dict[str, Exception]) -> None:
        new = {
            customer_id: error
            for customer_id, error in failed.items()
            if customer_id not in self._again_at
        }
        if new:
            ours = next(
                (error for error in new.values() if not isinstance(error, psycopg2.Error)), None
            )
            log.error(
                "%s goes on without customers with whom it fails: %s",
                self._chore,
                _in_words(new),
                exc_info=ours,
            )
        self._failed |= failed
        self._again_at |= dict.fromkeys(failed, time.monotonic() + REST_SECONDS)


def _in_words(failed: dict[str, Exception]) -> str:
    named = [
        f"{customer_id!r} ({_reason(error)})"
        for customer_id, error in list(failed.items())[:MOST_NAMED]
    ]
    return ", ".join(named) + (
        f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    )


def _reason(error: Exception) -> str:
    """The first line of the message: the lines below show the row that PostgreSQL refused."""
    first = (str(error).strip().splitlines() or [""])[0]
    text = "".join(character if character.isprintable() else " " for character in first)[
        :LONGEST_REASON
    ]
    return f"{type(error).__name__}: {text}"
