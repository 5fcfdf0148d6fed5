"""The page that analysts read."""

from __future__ import annotations

from voc_stream.postgres.dictionary.data_dictionary import dictionary
from voc_stream.postgres.schema.bi_views import bi_views


def test_every_column_that_bi_tools_see_is_on_the_page() -> None:
    """No view shows a column that the page does not explain or says is for writers only."""
    page = dictionary()
    for view in bi_views():
        section = page.split(f"### {view.name}\n")[1].split("\n### ")[0]
        lines = {
            line.split("`")[1]: line for line in section.splitlines() if line.startswith("| `")
        }
        assert all(
            column in lines and "writers only" not in lines[column] for column in view.columns
        )
