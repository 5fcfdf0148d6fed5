"""Writes the published schemas: `python -m voc_stream.published.write FOLDER`.

FOLDER holds the hand-written examples, `examples/<type>/valid/*.json`, which the schemas quote.
This module is the one of its package that meets files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from voc_stream.published.json_schemas import EVENT_TYPES, documents


def read_examples(folder: Path) -> dict[str, list[object]]:
    """The valid examples below `folder` by type, in the order of their file names."""
    return {
        event_type: [
            json.loads(path.read_bytes())
            for path in sorted((folder / "examples" / event_type / "valid").glob("*.json"))
        ]
        for event_type in EVENT_TYPES
    }


def main() -> None:
    """Write the files into the folder that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m voc_stream.published.write",
        description="Write the JSON Schemas and the AsyncAPI document.",
    )
    parser.add_argument("folder", type=Path, help="where they go, with the folder examples in it")
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder; name the one that holds the folder examples")
    for name, text in documents(read_examples(folder)).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
