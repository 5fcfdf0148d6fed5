from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from integration.postgres.churn_model.lives import lives, put_lives
from integration.postgres.store import Store

from voc_stream.cli import main
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue


@pytest.fixture
def store(database_url: str, catalogue: Catalogue) -> Iterator[Store]:
    with Store(database_url, catalogue) as opened:
        yield opened


def fit(store: Store, *arguments: str) -> Result:
    settings = to_environment(Settings(database_url=store.url))
    return CliRunner().invoke(main, ["churn", "fit", *arguments], env=settings)


def test_the_command_says_which_model_decides_and_why(store: Store) -> None:
    """A model that says more takes over; the numbers, lines and figures of the gate are shown."""
    put_lives(store, lives(3000, 0.02, 4.0, datetime.now(UTC)), risk=0.3, version="tarp-2")
    shown = fit(store)
    assert shown.exit_code == 0, shown.output
    for words in ("open_complaint_major", "calibration 365 days", "out of time", "log_loss"):
        assert words in shown.output
    ((version, state),) = store.ask("SELECT version, state FROM churn_model")
    assert state == "active"
    assert f"{version} decides risks from now on" in shown.output


def test_without_customers_the_command_says_so(store: Store) -> None:
    """No model is kept, and the exit code says that nothing was done."""
    shown = fit(store)
    assert (shown.exit_code, "there is nothing to fit" in shown.output) == (1, True)
    assert store.ask("SELECT FROM churn_model") == []


def test_stated_risks_are_judged_by_what_came(store: Store) -> None:
    """Figures with intervals, tenths, bands and signals; without any, one line says so."""
    settings = to_environment(Settings(database_url=store.url))
    nothing = CliRunner().invoke(main, ["churn", "evaluate"], env=settings)
    assert (nothing.exit_code, "wait for a horizon" in nothing.output) == (1, True)
    put_lives(store, lives(800, 0.02, 4.0, datetime.now(UTC)), risk=0.3, version="tarp-2")
    for days in ("90", "horizon"):
        shown = CliRunner().invoke(main, ["churn", "evaluate", "--days", days], env=settings)
        assert shown.exit_code == 0, shown.output
        for words in ("tarp-2: n = ", "AUC", "ECE", "open_complaint_major", "10"):
            assert words in shown.output
