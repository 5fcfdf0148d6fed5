"""Declares the views that readers use: what the contract names but is stored in another form."""

from __future__ import annotations

from datetime import timedelta

from voc_stream.domain.dimensions import CUBE_KEY, DETAILS, SITES
from voc_stream.domain.horizons import HORIZONS
from voc_stream.postgres.schema.expressions.intervals import of_scale, share
from voc_stream.postgres.schema.expressions.stated import stated_mean
from voc_stream.postgres.schema.sums import BINS, SUMS
from voc_stream.postgres.schema.tables.customer import CUSTOMER_VIEW
from voc_stream.postgres.schema.views.complaint_texts import TEXT_VIEWS
from voc_stream.postgres.schema.views.durations import DURATION_VIEWS
from voc_stream.postgres.schema.views.iceberg import ICEBERG_VIEWS
from voc_stream.postgres.schema.views.importance import IMPORTANCE_VIEWS

MINUTE = timedelta(minutes=1)
_KEY = ", ".join(CUBE_KEY)
ROLLING_KEY = "horizon, scope_type, scope, experience"
ROLLING_SUMS = (*SUMS, "top_n", "bottom_n")
"""What rolling satisfaction is computed from."""


def _experience_daily() -> str:
    return f"""
CREATE VIEW experience_daily AS
SELECT {_KEY}, {", ".join(SUMS)},
       ARRAY[{", ".join(f"coalesce({name}, 0)" for name in BINS)}] AS histogram
FROM experience_cube JOIN cube_cell USING (cell)
WHERE n <> 0
"""


def totals(names: tuple[str, ...]) -> str:
    """SQL of sums of sums, in the types that the tables have."""
    return ", ".join(
        f"sum({name})::{'numeric' if name == 'score_sq_sum' else 'bigint'} AS {name}"
        for name in names
    )


# One phi for all experiences of a scope, as detectors found it with their baselines. It says how
# days differ, so it is for horizons of whole days: an hour's interval is of that hour.
_PHI_OF_SCOPES = (
    "SELECT scope_type, scope, max(phi) AS phi FROM detector GROUP BY scope_type, scope"
)


def _rolling_total() -> str:
    horizons = ", ".join(f"('{horizon.name}', {horizon.pane // MINUTE})" for horizon in HORIZONS)
    refreshes = ", ".join(
        f"('{name}', '{each}')"
        for name, types in (("sites", SITES), ("details", DETAILS))
        for each in types
    )
    sites = ", ".join(f"'{each}'" for each in SITES)
    return f"""
CREATE VIEW rolling_total AS
SELECT r.*, c.as_of, coalesce(s.phi, 1) AS phi
FROM (
    SELECT {ROLLING_KEY}, {totals(ROLLING_SUMS)}
    FROM (
        SELECT {ROLLING_KEY}, {", ".join(ROLLING_SUMS)} FROM rolling_sum
        UNION ALL
        SELECT h.horizon, p.scope_type, p.scope, p.experience,
               {", ".join(f"p.{name}" for name in ROLLING_SUMS)}
        FROM (VALUES {horizons}) h (horizon, resolution)
        CROSS JOIN (VALUES {refreshes}) f (refresh, scope_type)
        JOIN rolling_clock c USING (refresh)
        JOIN pane p ON p.resolution = h.resolution AND p.scope_type = f.scope_type
             AND p.start
                 = date_bin(h.resolution * interval '1 minute', c.as_of, timestamptz 'epoch')
    ) closed_and_open
    GROUP BY {ROLLING_KEY}
) r
JOIN rolling_clock c
    ON c.refresh = CASE WHEN r.scope_type IN ({sites}) THEN 'sites' ELSE 'details' END
LEFT JOIN ({_PHI_OF_SCOPES}) s ON (s.scope_type, s.scope) = (r.scope_type, r.scope)
     AND r.horizon <> '1h'
"""


def rolling_of(rolling_total: str, experience: str) -> str:
    """SQL of rolling satisfaction: what the sums of each key say.

    Args:
        rolling_total: the sums: a view, or a query in brackets.
        experience: the catalogue's experiences: a table or a view.
    """
    interval = of_scale("r", "e.scale", "r.phi")
    top, bottom = share("r.top_n", "r.n", "r.phi"), share("r.bottom_n", "r.n", "r.phi")
    return f"""
SELECT r.horizon, r.scope_type, r.scope, r.experience, r.n,
       m.experience_mean, m.expectation_mean,
       m.experience_mean - m.expectation_mean AS satisfaction,
       m.experience_mean / nullif(m.expectation_mean, 0) AS satisfaction_ratio,
       m.importance,
       m.importance * (m.experience_mean - m.expectation_mean) AS weighted_satisfaction,
       e.ideal,
       m.experience_mean - e.ideal AS gap,
       d.stddev,
       {interval.low} AS ci_low,
       {interval.high} AS ci_high,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE r.top_n::float8 / r.n END AS top_box_share,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE r.bottom_n::float8 / r.n END AS bottom_box_share,
       coalesce(e.is_key, false) AS is_key,
       r.as_of,
       e.kind,
       r.expectation_n,
       r.importance_n,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE {top.low} END AS top_box_low,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE {top.high} END AS top_box_high,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE {bottom.low} END AS bottom_box_low,
       CASE WHEN e.unit <> 'score' THEN NULL ELSE {bottom.high} END AS bottom_box_high,
       r.phi
FROM {rolling_total} r
LEFT JOIN {experience} e USING (experience)
CROSS JOIN LATERAL (
    SELECT CASE e.kind WHEN 'nps' THEN (r.top_n - r.bottom_n)::float8 / r.n
                ELSE (r.score_sum::numeric / r.n / 100)::float8 END AS experience_mean,
           {stated_mean("r.expectation_n", "r.expectation_sum", "e.expectation")}
               AS expectation_mean,
           {stated_mean("r.importance_n", "r.importance_sum", "e.importance")} AS importance
) m
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.n > 1
                THEN CASE e.kind
                     WHEN 'nps' THEN
                         sqrt((r.n * (r.top_n + r.bottom_n) - (r.top_n - r.bottom_n) ^ 2)
                              / (r.n::float8 * (r.n - 1)))
                     ELSE sqrt((greatest(
                         0, r.n * r.score_sq_sum - r.score_sum::numeric * r.score_sum
                     ) / (r.n::numeric * (r.n - 1)))::float8) / 100
                     END END AS stddev
) d
WHERE r.n > 0
"""


def _moment(microseconds: str) -> str:
    """SQL of a moment that is stored in microseconds since 1970.

    An interval is multiplied in floating point, which is exact only in parts.
    """
    number = f"{microseconds}::bigint"
    return (
        f"(timestamptz 'epoch' + {number} / 1000000 * interval '1 second'"
        f" + {number} % 1000000 * interval '1 microsecond')"
    )


_ENTERED, _EXITED = (f"o.fold_state::jsonb -> '{moment}'" for moment in ("entered", "exited"))
# One call of one function for each order: distributed planners take no join of several.
_REPAIR_STAGE = f"""
CREATE VIEW repair_stage AS
SELECT o.order_id, s.stage, m.entered_at, m.exited_at,
       CASE WHEN m.exited_at >= m.entered_at
            THEN (extract(epoch FROM m.exited_at - m.entered_at) / 60)::float8 END AS minutes,
       (o.fold_state::jsonb -> 'opened' ->> s.stage)::float8 / 60000000 AS opening_minutes
FROM repair_order o
CROSS JOIN LATERAL jsonb_object_keys(
    coalesce({_ENTERED}, '{{}}') || coalesce({_EXITED}, '{{}}')
) AS s (stage)
CROSS JOIN LATERAL (
    SELECT {_moment(f"({_ENTERED} ->> s.stage)")} AS entered_at,
           {_moment(f"({_EXITED} ->> s.stage)")} AS exited_at
) m
"""

# In the order in which they must be created.
READER_VIEWS = (
    ("customer", CUSTOMER_VIEW),
    ("experience_daily", _experience_daily()),
    ("rolling_total", _rolling_total()),
    (
        "rolling_satisfaction",
        f"CREATE VIEW rolling_satisfaction AS{rolling_of('rolling_total', 'experience')}",
    ),
    ("repair_stage", _REPAIR_STAGE),
    *DURATION_VIEWS,
    *ICEBERG_VIEWS,
    *TEXT_VIEWS,
    *IMPORTANCE_VIEWS,
)
