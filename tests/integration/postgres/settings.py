"""How Hypothesis runs where examples share a database."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The database is the same for all examples of a test, and emptied before each.
in_one_database = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
