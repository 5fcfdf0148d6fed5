"""Gives SQL of the points that detectors of drops watch; `domain/watched.py` says what they are."""

from __future__ import annotations

from voc_stream.domain.watched import DETRACTORS, PROMOTERS

WATCHED_SUM = "CASE e.kind WHEN 'nps' THEN 500 * (p.n + p.top_n - p.bottom_n) ELSE p.score_sum END"
"""SQL of the sum of watched points, in hundredths, of a row `p` of sums of an experience `e`."""
WATCHED_SQUARES = (
    "CASE e.kind WHEN 'nps' THEN 250000 * (p.n + 3 * p.top_n - p.bottom_n) ELSE p.score_sq_sum END"
)
"""SQL of the sum of their squares: 10 squared for promoters and 5 squared for passives."""
WATCHED_SCORE = (
    "CASE e.kind WHEN 'nps' THEN CASE WHEN p.score >= 9 THEN 10 WHEN p.score <= 6 THEN 0 ELSE 5 END"
    " ELSE p.score END"
)
"""SQL of the watched points of one score of a row `p`."""
_TOP = "".join(f" + p.histogram[{answer + 1}]" for answer in PROMOTERS)
_NOT_BOTTOM = "".join(f" - p.histogram[{answer + 1}]" for answer in DETRACTORS)
WATCHED_DAILY_SUM = (
    f"CASE e.kind WHEN 'nps' THEN 500 * (p.n{_TOP}{_NOT_BOTTOM}) ELSE p.score_sum END"
)
"""As `WATCHED_SUM`, of a row `p` of the daily cube."""
WATCHED_DAILY_SQUARES = (
    f"CASE e.kind WHEN 'nps' THEN 250000 * (p.n + 3 * (0{_TOP}){_NOT_BOTTOM})"
    " ELSE p.score_sq_sum END"
)
"""As `WATCHED_SQUARES`, of a row `p` of the daily cube."""
