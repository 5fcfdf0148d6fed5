"""The automotive catalogue with opening hours, and measures in opening time on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import CATALOGUE_PATH, STAGES

if TYPE_CHECKING:
    from pathlib import Path

WEEK = ", ".join(
    f'{day} = "08:00-18:00"' for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
)
CALENDAR = f"""
[calendar]
time_zone = "Asia/Shanghai"
country = "CN"
open = {{ {WEEK} }}

[site.s-2]
time_zone = "Europe/Berlin"
country = "DE"
open = {{ {WEEK}, sunday = "00:00-24:00" }}
holidays = ["2025-03-10"]
"""
MEASURES = (
    "".join(
        f"""
[experience."stage_opening_minutes.{stage}"]
label = {{ en = "Opening minutes", zh = "营业时间" }}
factor = "convenience"
kind = "timing"
unit = "minutes"
"""
        for stage in STAGES
    )
    + """
[experience.reception_opening_minutes]
label = { en = "Opening minutes in reception", zh = "营业时间内接待时长" }
factor = "convenience"
kind = "timing"
unit = "minutes"
source = { from = "between", start = "reception.enter", end = "reception.exit", time = "opening" }

[experience.complaint_opening_minutes_to_acknowledge]
label = { en = "Opening minutes until a complaint is acknowledged", zh = "营业时间内受理时长" }
factor = "relationship"
kind = "timing"
unit = "minutes"
source = { from = "between", start = "complaint.last_opened", end = "complaint.answered",
  time = "opening" }

[experience.complaint_opening_minutes_to_resolve]
label = { en = "Opening minutes until a complaint is resolved", zh = "营业时间内解决时长" }
factor = "relationship"
kind = "timing"
unit = "minutes"
source = { from = "between", start = "complaint.opened", end = "complaint.resolved",
  time = "opening" }

[experience.complained_again]
label = { en = "Complained again within 30 days", zh = "30天内再次投诉" }
factor = "relationship"
kind = "share"
source = { from = "happened_within", what = "complaint", after = "complaint.opened", days = 30 }
""".replace(",\n ", ",")
)


def write(folder: Path, calendar: str = CALENDAR) -> Path:
    """Write the catalogue into a folder; limits run in opening time."""
    path = folder / "catalogue.toml"
    text = CATALOGUE_PATH.read_text(encoding="utf-8")
    text = text.replace("[limits]\n", "[limits]\nin_opening_time = true\n", 1)
    path.write_text(text + calendar + MEASURES, encoding="utf-8")
    return path
