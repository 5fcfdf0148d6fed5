"""Declares once each dimension by which scores and times are counted.

Everything that enumerates dimensions is built from `DIMENSIONS`. That is what a contribution
carries, the queues, the scopes of the rolling tables, the daily cube with its views, and what
explains a drop. A new one is a line here and a migration (docs/contributing.md).
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Dimension(NamedTuple):
    """One dimension.

    Attributes:
        name: its scope type, and its name in the explanation of a drop.
        column: its name in tables; also the field of the event, the customer and the order.
        source: whether the event states it, or the customer's profile as it is known now.
        english: what it is, for readers of tables.
        chinese: the same.
        of_orders: whether orders and complaints state it, too, so that their times count under it.
        refreshed: with which rolling tables it is refreshed, those that operators watch or those
            that explain; None if it is no scope there. Only `sites` has the horizon `1h`.
        in_cube: whether it is a column of `experience_daily`.
        telling: its place among the dimensions that may explain a drop, the lowest first; None if
            it explains nothing. It must be in the cube.
    """

    name: str
    column: str
    source: Literal["event", "customer"]
    english: str
    chinese: str
    of_orders: bool = False
    refreshed: Literal["sites", "details"] | None = "details"
    in_cube: bool = True
    telling: int | None = None

    @property
    def comment(self) -> str:
        """What a column of it holds."""
        return f"{self.english}, '' where unknown"


# Dimensions of the event come first: a move to another profile then changes only the end of a
# tuple.
DIMENSIONS = (
    Dimension(
        "site", "site_id", "event", "site", "门店", of_orders=True, refreshed="sites", telling=1
    ),
    Dimension("department", "department", "event", "department", "部门", telling=5),
    Dimension("employee", "employee_id", "event", "employee", "员工", telling=2),
    Dimension("product", "product", "event", "product", "产品", of_orders=True, telling=3),
    Dimension("channel", "channel", "event", "channel", "渠道", telling=6),
    Dimension("mode", "mode", "event", "mode of a callback", "回访方式", telling=7),
    Dimension("segment", "segment", "customer", "segment", "客户群", telling=4),
    Dimension("region", "region", "customer", "region", "区域", telling=8),
)
OF_EVENTS = tuple(each for each in DIMENSIONS if each.source == "event")
OF_CUSTOMERS = tuple(each for each in DIMENSIONS if each.source == "customer")
COLUMNS = tuple(each.column for each in DIMENSIONS)
"""Their columns, in the order in which a contribution carries them."""
CUBE = tuple(each for each in DIMENSIONS if each.in_cube)
"""The dimensions of `experience_daily`."""
CUBE_KEY = ("day", "experience", *(each.column for each in CUBE))
"""The key of `experience_daily`."""
SITES = ("all", *(each.name for each in DIMENSIONS if each.refreshed == "sites"))
"""The scope types that operators watch: they have every horizon, and are refreshed first."""
DETAILS = tuple(each.name for each in DIMENSIONS if each.refreshed == "details")
"""The scope types that explain: many more keys, refreshed on a slower beat."""
SCOPE_TYPES = (*SITES, *DETAILS)
SCOPE_TYPES_IN_WORDS = f"{', '.join(SCOPE_TYPES[:-1])} or {SCOPE_TYPES[-1]}"
TELLING = {
    each.name: each
    for each in sorted(
        (each for each in DIMENSIONS if each.telling is not None),
        key=lambda each: each.telling or 0,
    )
}
"""The dimensions that may explain a drop, by name, the most telling one first."""
