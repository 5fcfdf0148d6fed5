"""Counts customers at risk, and adds up what they are worth, for Prometheus.

Every customer counts, and there may be millions. They are read a slice at a time, and a few slices
at each reading. So no statement is long, and the stream gets its processor. What is shown is of the
last time that all slices were read.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import GaugeSample, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from voc_stream.postgres.session.cursor import Cursor

EVERY_SECONDS = 60.0
"""How often counting begins anew, if it is at its end by then."""
CUSTOMERS_A_SLICE = 10_000
SECONDS_A_READING, FIRST_SECONDS = 0.1, 2.0
"""How long slices are read at a time: a hundredth of the time between two readings.

While nothing can be shown yet, it is longer.
"""
# The next customers are chosen first, by the primary key, and then named by the range that they lie
# in: no plan reads more, and none looks for each of them.
_SLICE = (
    "WITH next AS MATERIALIZED (SELECT customer_id, band, value_at_risk FROM churn_risk"
    " WHERE customer_id > %(last)s ORDER BY customer_id LIMIT %(most)s),"
    " named AS MATERIALIZED (SELECT customer_id, segment FROM customer"
    " WHERE customer_id > %(last)s AND customer_id <= (SELECT max(customer_id) FROM next))"
    " SELECT r.band, coalesce(c.segment, ''), count(*), sum(r.value_at_risk), max(customer_id)"
    " FROM next r LEFT JOIN named c USING (customer_id) GROUP BY 1, 2"
)

log = logging.getLogger(__name__)


class _Count:
    """What was found up to a customer, in the order of their ids."""

    def __init__(self) -> None:
        self.last = ""
        self.customers: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.values: defaultdict[tuple[str, str], float] = defaultdict(float)

    def read_slice(self, cursor: Cursor) -> bool:
        """Read the next customers; returns whether there may be more."""
        cursor.execute(_SLICE, {"last": self.last, "most": CUSTOMERS_A_SLICE})
        found = 0
        for band, segment, customers, value, last in cursor:
            self.customers[band, segment] += customers
            if value is not None:
                self.values[band, segment] += value
            self.last = max(self.last, last)
            found += customers
        return found == CUSTOMERS_A_SLICE

    def gauges(self) -> list[GaugeSample]:
        """How many customers there are of each band and segment, and what they are worth."""
        return [
            *(GaugeSample("voc_customers_at_risk", key, n) for key, n in self.customers.items()),
            *(GaugeSample("voc_value_at_risk", key, value) for key, value in self.values.items()),
        ]


class CustomerGauges:
    """How many customers are at risk, and what they are worth."""

    def __init__(self) -> None:
        self._latest: Sequence[GaugeSample] | None = None
        self._count: _Count | None = None
        self._due = 0.0  # of the monotonic clock

    def read(
        self, transaction: Callable[[], AbstractContextManager[Cursor]]
    ) -> Sequence[GaugeSample]:
        """The latest gauges; if it is time, some more customers are read for the next ones."""
        started = time.monotonic()
        if self._count is None and started >= self._due:
            self._count, self._due = _Count(), started + EVERY_SECONDS
        if self._count is not None:
            try:
                with transaction() as cursor:
                    self._go_on(cursor, self._count, started)
            except StoreUnavailableError as error:  # the other gauges count, too
                log.warning("customers at risk could not be counted: %s", error)
        return self._latest or ()

    def _go_on(self, cursor: Cursor, count: _Count, started: float) -> None:
        seconds = FIRST_SECONDS if self._latest is None else SECONDS_A_READING
        while count.read_slice(cursor):
            if time.monotonic() - started >= seconds:
                return
        self._latest, self._count = count.gauges(), None
