"""Makes events for measuring throughput: a fixed mix, cheap to make.

They are valid, but no story; use call_centre.py for one. The mix has 70 % repair steps, 20 %
callbacks with nine answers and 10 % complaints, of about 330 bytes an event.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple, get_args

from voc_stream.events.types.fields import Action
from voc_stream.simulator.delivery.message import DUPLICATE, VALID, SimulatedMessage
from voc_stream.simulator.journey import RATINGS, STAGES
from voc_stream.simulator.network import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

EMPLOYEES_PER_SITE = 8
DEPARTMENTS = ("desk", "work", "wash", "parts")
REPAIR_SHARE, CALLBACK_SHARE = 0.7, 0.2
CUSTOMERS_PER_ORDER, CUSTOMERS_PER_COMPLAINT = 20, 200
"""One in twenty customers has an order under way, one in two hundred a complaint."""
REMEMBERED = 1_000
"""A repeated event is one of so many last ones."""

_STEPS = [(stage, edge) for stage in STAGES for edge in ("enter", "exit")]
# Sixteen answers for each rating: scores from 5 to 10, the high ones more often, as in real
# surveys.
_ANSWERS = [
    [f'{{"item":"{item}","score":{min(10, 5 + draw // 2)}}}' for draw in range(16)]
    for item in RATINGS
]
# A complaint is not reopened or withdrawn here.
_ACTIONS = [action for action in get_args(Action) if action not in ("reopened", "withdrawn")]


class _Case(NamedTuple):
    """An order or a complaint under way: who, where, and the steps it has made."""

    number: int
    customer: int
    site: int
    employee: int
    product: str
    steps: int


def benchmark_events(
    count: int,
    seed: int,
    start: datetime,
    *,
    customers: int = 1_000_000,
    sites: int = 300,
    duplicate_share: float = 0.0,
    interval_seconds: float = 0.001,
) -> Iterator[SimulatedMessage]:
    """Yield `count` messages that occur `interval_seconds` apart from `start` on.

    The same arguments give the same bytes.

    Args:
        count: How many messages, repeated ones included.
        seed: Of all randomness.
        start: When the first event occurs, with an offset.
        customers: How many customers there are.
        sites: How many shops.
        duplicate_share: Share of messages that repeat one of the last thousand, byte by byte.
        interval_seconds: From one event to the next.
    """
    mix = _Mix(seed, customers, sites)
    start = start.astimezone(UTC)
    sent: list[SimulatedMessage] = []
    for number in range(count):
        moment = start + timedelta(seconds=number * interval_seconds)
        if sent and mix.random.random() < duplicate_share:
            yield mix.random.choice(sent)._replace(sent_at=moment, kind=DUPLICATE)
            continue
        topic, customer, value = mix.event(number, moment)
        message = SimulatedMessage(moment, moment, topic, customer.encode(), value.encode(), VALID)
        if duplicate_share:
            if len(sent) < REMEMBERED:
                sent.append(message)
            else:
                sent[number % REMEMBERED] = message
        yield message


class _Mix:
    """Draws events and keeps the orders and complaints that are under way."""

    def __init__(self, seed: int, customers: int, sites: int) -> None:
        self.random = Random(f"benchmark {seed}")  # noqa: S311  a simulation, no secret
        self._seed = seed
        self._customers = customers
        self._sites = sites
        self._cases = 0
        self._orders = [self._new_case() for _ in range(max(1, customers // CUSTOMERS_PER_ORDER))]
        self._complaints = [
            self._new_case() for _ in range(max(1, customers // CUSTOMERS_PER_COMPLAINT))
        ]

    def event(self, number: int, moment: datetime) -> tuple[str, str, str]:
        """Topic, customer and JSON of the next event."""
        draw = self.random.random()
        if draw < REPAIR_SHARE:
            topic, case, rest = self._repair_step(moment)
        elif draw < REPAIR_SHARE + CALLBACK_SHARE:
            topic, case, rest = self._callback()
        else:
            topic, case, rest = self._complaint()
        customer = f"c-{case.customer:07d}"
        department = DEPARTMENTS[case.employee % len(DEPARTMENTS)]
        head = (
            f'"event_id":"b{self._seed}-{number:010d}","occurred_at":"{_rfc3339(moment)}","customer_id":"{customer}",'
            f'"site_id":"site-{case.site:03d}","department":"{department}","employee_id":"e-{case.site:03d}-{case.employee}",'
            f'"product":"{case.product}",'
        )
        return topic, customer, f"{{{head}{rest}}}"

    def _repair_step(self, moment: datetime) -> tuple[str, _Case, str]:
        case, order = self._advance(self._orders, len(_STEPS))
        stage, edge = _STEPS[case.steps]
        more = ""
        if (stage, edge) == ("estimate", "exit"):
            promised_at = _rfc3339(moment + timedelta(hours=3))
            amount = f"{400 + case.number % 997}.5"
            more = f',"promised_at":"{promised_at}","estimated_amount":{amount}'
        return (
            "repair-flow",
            case,
            f'"type":"repair_step","order_id":"{order}","stage":"{stage}","edge":"{edge}"{more}',
        )

    def _callback(self) -> tuple[str, _Case, str]:
        case = self.random.choice(self._orders)
        bits = self.random.getrandbits(4 * len(RATINGS))
        answers = ",".join(
            [choices[bits >> 4 * place & 15] for place, choices in enumerate(_ANSWERS)]
        )
        order = self._order_id(case)
        return (
            "callbacks",
            case,
            f'"type":"callback","order_id":"{order}","outcome":"completed","mode":"phone","answers":[{answers}]',
        )

    def _complaint(self) -> tuple[str, _Case, str]:
        case, number = self._advance(self._complaints, len(_ACTIONS))
        action = _ACTIONS[case.steps]
        rest = (
            f'"type":"complaint","complaint_id":"{number}","action":"{action}",'
            f'"severity":"{"major" if case.number % 3 == 0 else "minor"}"'
        )
        return "complaints", case, f'{rest},"category":"{RATINGS[case.number % 8]}"'

    def _advance(self, cases: list[_Case], steps: int) -> tuple[_Case, str]:
        """Take a case one step on; if it ends, another begins in its place."""
        place = self.random.randrange(len(cases))
        case = cases[place]
        cases[place] = (
            case._replace(steps=case.steps + 1) if case.steps + 1 < steps else self._new_case()
        )
        return case, self._order_id(case)

    def _order_id(self, case: _Case) -> str:
        return f"case-{self._seed}-{case.number:08d}"

    def _new_case(self) -> _Case:
        self._cases += 1
        random = self.random
        return _Case(
            number=self._cases,
            customer=random.randrange(self._customers),
            site=random.randrange(self._sites),
            employee=random.randrange(EMPLOYEES_PER_SITE),
            product=random.choice(PRODUCTS),
            steps=0,
        )


def _rfc3339(moment: datetime) -> str:
    """A UTC time to the millisecond; faster than strftime, which the mix would feel."""
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"
