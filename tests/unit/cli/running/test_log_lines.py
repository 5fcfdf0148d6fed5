from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SAY = """
import logging, sys
from voc_stream.cli.running.log_lines import configure_logging
configure_logging(sys.argv[1], verbose=False)
log = logging.getLogger("voc_stream.kafka")
log.warning("门店 %s\\nfell silent", "s-1")
log.warning("%s", "\\x1b[2J\\x9b\\u202e\\U000e0041")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
"""


def said(log_format: str) -> list[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONIOENCODING": "utf-8",
        "TZ": "Asia/Shanghai",
    }
    done = subprocess.run(
        [sys.executable, "-c", SAY, log_format], env=environment, capture_output=True, check=True
    )
    return done.stderr.decode().splitlines()


def test_json_is_one_object_a_line() -> None:
    """A collector of logs gets each part of an entry as a field.

    Time in UTC, level, logger, message and traceback, whatever a message holds.
    """
    lines = said("JSON")
    first, hostile, second = map(json.loads, lines)
    assert hostile["message"] == "\x1b[2J\x9b\u202e\U000e0041"
    assert all(line.isprintable() for line in lines)
    assert "门店" in lines[0]
    assert {name: first[name] for name in ("level", "logger", "message")} == {
        "level": "WARNING",
        "logger": "voc_stream.kafka",
        "message": "门店 s-1\nfell silent",
    }
    assert first["time"].endswith("+00:00")
    assert "ZeroDivisionError" in second["exc_info"]


def test_text_is_for_people() -> None:
    """Time in UTC, level, logger and message."""
    line, further, hostile, *_ = said("TEXT")
    assert further == "  fell silent"
    assert hostile.endswith(r"\x1b[2J\x9b\u202e\U000e0041")
    assert line.endswith("WARNING voc_stream.kafka 门店 s-1")
    assert line.split()[0].endswith("Z")


@pytest.mark.parametrize("name", ["text", "JSON", "Json"])
def test_the_format_is_a_setting(name: str) -> None:
    """Upper or lower case, and anything else is refused by name."""
    from voc_stream.settings import SettingsError, load_settings

    assert load_settings({"VOC_LOG_FORMAT": name}).log_format == name.upper()
    with pytest.raises(SettingsError, match="VOC_LOG_FORMAT"):
        load_settings({"VOC_LOG_FORMAT": "xml"})
