from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from voc_stream.cli.options.finite_range import FiniteRange


@pytest.mark.parametrize(
    ("value", "code"), [("0.5", 0), ("0", 2), ("nan", 2), ("inf", 2), ("-inf", 2), ("fast", 2)]
)
def test_only_numbers_within_the_bounds_pass(value: str, code: int) -> None:
    """What is not a number compares false with every bound, and must be refused all the same."""

    @click.command()
    @click.argument("rate", type=FiniteRange(0, min_open=True))
    def command(rate: float) -> None:
        assert rate > 0

    assert CliRunner().invoke(command, ["--", value]).exit_code == code
