"""Writes the table of rooms into docs/explain/architecture.md: `python -m layers_page`.

The rooms and what they may import come from the layout test, what they hold from their docstrings.
`make docs` runs this.
"""

from __future__ import annotations

import ast

from documentation import ROOT
from unit.test_import_direction import MAY_IMPORT, UNRESTRICTED

from voc_stream.published.markdown import put_section, table

PAGE = ROOT / "docs" / "explain" / "architecture.md"
SECTION = "rooms"


def rooms_table() -> str:
    """Each room with its purpose and the rooms that it may import, in Markdown."""
    rows = [[f"`{room}`", purpose(room), names(others)] for room, others in MAY_IMPORT.items()]
    rows += [[f"`{room}`", purpose(room), "every room"] for room in sorted(UNRESTRICTED)]
    return table(["room", "what it does", "may import"], rows, text=(0, 1, 2))


def names(rooms: tuple[str, ...]) -> str:
    """The rooms as code, or "nothing".

    >>> names(("events", "domain.churn")), names(())
    ('`events`, `domain.churn`', 'nothing')
    """
    return ", ".join(f"`{room}`" for room in rooms) or "nothing"


def purpose(room: str) -> str:
    """The first paragraph of the docstring of the room's package or module, in one line."""
    path = ROOT / "voc_stream" / room.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def main() -> None:
    """Put the table into the page."""
    put_section(PAGE, SECTION, rooms_table())


if __name__ == "__main__":
    main()
