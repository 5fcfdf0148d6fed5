"""Makes rows of `contribution`, as COPY reads them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import COLUMNS
from voc_stream.postgres.session.copy_csv import array

if TYPE_CHECKING:
    from voc_stream.domain.contribution import Contribution
    from voc_stream.postgres.session.copy_csv import Value

CONTRIBUTION_COLUMNS = (
    "moment", *COLUMNS, "weight", "experience", "value", "expectation", "importance",
)  # fmt: skip


def contribution_row(contribution: Contribution) -> tuple[Value, ...]:
    """A row of contribution; arrays without a single value are left out."""
    measures = contribution.measures
    return (
        contribution.moment,
        *contribution.dimensions,
        contribution.weight,
        _names(tuple([measure.experience for measure in measures])),
        array([measure.value for measure in measures]),
        _optional_array([measure.expectation for measure in measures]),
        _optional_array([measure.importance for measure in measures]),
    )


# The items of a survey come in the same order again and again.
_names = lru_cache(maxsize=4096)(array)


def _optional_array(values: list[int | None]) -> str | None:
    return None if values.count(None) == len(values) else array(values)
