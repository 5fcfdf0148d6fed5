"""Makes up what customers say, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_CONTENT = (
    "Everything as promised, thank you.",
    "Very friendly advisor, I will come again.",
    "Quick and clean work.",
    "服务很好,下次还会来。",
    "师傅很专业,讲解也清楚。",
    "交车准时,车洗得很干净。",
)
_UNHAPPY = {
    "reception_wait": ("Nobody looked up for half an hour.", "等了很久才有人接待。"),
    "lounge_comfort": ("The lounge was cold and there was no coffee.", "休息室太乱,连水都没有。"),
    "explanation": ("I still do not know what was done to my car.", "维修项目没有解释清楚。"),
    "fair_charge": ("The bill was far above the estimate.", "收费比估价高很多,不合理。"),
    "car_cleanliness": ("I got the car back dirty.", "取车时车内外都很脏。"),
    "service_time": ("They promised noon and it was evening.", "说好的时间没有交车,耽误了一天。"),
    "repair_quality": ("The same noise is back after two days.", "修完第二天同样的故障又出现。"),
    "advisor_service": ("The advisor was rude and did not listen.", "服务顾问态度很差,不耐烦。"),
    "overall": ("I expected more from this brand.", "整体体验令人失望。"),
}


_UNHAPPY_ANYWHERE = ("I had expected more.", "It took far too long.", "整体体验令人失望。")
_CONTENT_ANYWHERE = ("Everything as promised, thank you.", "服务很好,下次还会来。")


def remark(random: Random, worst: str | None, *, content: bool) -> str:
    """A sentence of a customer who is content, or else unhappy about the rating `worst`.

    One that fits everywhere, if `worst` is no rating of a car workshop.
    """
    if worst not in _UNHAPPY:
        return random.choice(_CONTENT_ANYWHERE if content else _UNHAPPY_ANYWHERE)
    return random.choice(_CONTENT if content else _UNHAPPY[worst])
