"""Writes what is generated: `python -m voc_stream.published.write [ROOT]`, as `make docs` does.

ROOT is the checkout. It holds the hand-written examples, `schemas/examples/<type>/valid/*.json`,
which the schemas quote. This module is the one of its package that meets files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from voc_stream.events.types import INPUT_TYPES
from voc_stream.postgres.dictionary.data_dictionary import dictionary
from voc_stream.published import alert_rules, churn_signals, event_types
from voc_stream.published.json_schemas import documents
from voc_stream.published.markdown import replace_section
from voc_stream.published.metrics_page import reference
from voc_stream.published.settings_page import settings_page


def generated(root: Path) -> dict[str, str]:
    """Each generated file as it has to be, by its path below the checkout `root`."""
    schemas = documents(read_examples(root / "schemas"))
    sections = {
        "docs/howto/push.md": (event_types.SECTION, event_types.event_types_table()),
        "docs/reference/alerts.md": (alert_rules.SECTION, alert_rules.alerts_table()),
        "deploy/runbooks/README.md": (alert_rules.SECTION, alert_rules.runbook_index()),
        "docs/reference/semantics.md": (churn_signals.SECTION, churn_signals.signals_table()),
    }
    pages = {
        name: replace_section((root / name).read_text(encoding="utf-8"), section, text)
        for name, (section, text) in sections.items()
    }
    return (
        {f"schemas/{name}": text for name, text in schemas.items()}
        | pages
        | {
            "deploy/prometheus/rules/domain.yaml": alert_rules.prometheus_entries(),
            "deploy/prometheus/tests/domain_rules.yaml": alert_rules.promtool_cases(),
            "docs/reference/data-dictionary.md": dictionary(),
            "docs/reference/metrics.md": reference(),
            "docs/reference/settings.md": settings_page(),
        }
    )


def read_examples(folder: Path) -> dict[str, list[object]]:
    """The valid examples below `folder` by type, in the order of their file names."""
    return {
        event_type: [
            json.loads(path.read_bytes())
            for path in sorted((folder / "examples" / event_type / "valid").glob("*.json"))
        ]
        for event_type in INPUT_TYPES
    }


def main() -> None:
    """Write the files below the folder that the command line names, or the current one."""
    parser = argparse.ArgumentParser(
        prog="python -m voc_stream.published.write",
        description="Write the schemas, the AsyncAPI document and the generated pages and alert"
        " rules.",
    )
    parser.add_argument("root", type=Path, nargs="?", default=Path(), help="the checkout")
    root: Path = parser.parse_args().root
    if not (root / "schemas" / "examples").is_dir():
        parser.error(f"{root} is no checkout; name the folder with schemas/examples in it")
    for name, text in generated(root).items():
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
