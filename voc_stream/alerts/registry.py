"""Collects all alert rules: each file below `alerts/rules` that declares one is evaluated."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

from voc_stream.alerts import rules
from voc_stream.alerts.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator


def _collect() -> Iterator[Rule]:
    for module in walk_packages(rules.__path__, f"{rules.__name__}."):
        if not module.ispkg:
            rule = getattr(import_module(module.name), "RULE", None)
            if not isinstance(rule, Rule):
                raise TypeError(f"{module.name} declares no rule: give it RULE = Rule(...)")
            yield rule


RULES: tuple[Rule, ...] = tuple(_collect())
"""Every rule that there is, by room and file."""
