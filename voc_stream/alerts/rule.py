"""Declares what an alert rule is, and how it judges.

A rule is one file below `alerts/rules`. It declares itself as `RULE`, and `alerts.registry`
collects all. The evaluator, the documentation, the entries of Prometheus and the list of runbooks
are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from voc_stream.alerts.model import OpenAlert, Reason, Subject, Verdict
    from voc_stream.catalogue.model import Catalogue, Experience

T = TypeVar("T")


class Words(NamedTuple):
    """A text in English and Chinese."""

    en: str
    zh: str


class Figure(NamedTuple):
    """A number of the moment, which Prometheus adds to the description while it has one.

    Attributes:
        query: PromQL, with `%q` where the alert's label of `labels` goes in.
        labels: names of labels of the alert, in the order of the query.
        sentence: English, with `{}` for the number.
        shown_as: the function of Prometheus's templates that writes the number.
        unit: the label of the query's result that holds the number's unit; '' for none.
    """

    query: str
    labels: tuple[str, ...]
    sentence: str
    shown_as: str
    unit: str = ""


class Context(NamedTuple):
    """What every rule is told beside its facts.

    Attributes:
        catalogue: expectations and limits.
        now: the time of the evaluation.
        open_alerts: the alerts of all rules that have started and not ended.
    """

    catalogue: Catalogue
    now: datetime
    open_alerts: Mapping[Subject, OpenAlert]

    @property
    def open_subjects(self) -> Collection[Subject]:
        """What the open alerts are about."""
        return self.open_alerts.keys()


class Facts:
    """What rules judge, one value for each kind of facts; a kind is a class.

    >>> class Answers(NamedTuple):
    ...     number: int
    >>> Facts(Answers(3))[Answers].number
    3
    """

    def __init__(self, *values: object) -> None:
        self._values = {type(value): value for value in values}

    def __getitem__(self, kind: type[T]) -> T:
        """The value of this kind.

        Raises:
            KeyError: the rule does not declare that it needs this kind.
        """
        return cast("T", self._values[kind])


def _is_in_the_catalogue(_: Experience) -> bool:
    return True


def _for_no_other_reason(_: Facts) -> Mapping[Subject, Reason]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A kind of alert.

    Attributes:
        name: the `rule` of table `alert`, and the alert's name in Prometheus; it never changes.
        title: what is wrong, in a few words, for lists.
        headline: one line for the message of Prometheus; `{place}`, `{experience}` and `{stage}`
            are filled in. The site in front is added to the Chinese one, and the reason to both.
        description: what that means. `{horizon}` is filled in.
        figures: numbers of the moment that follow the description.
        one_per: what there is at most one open alert for.
        starts: when an alert starts.
        critical: when it is critical; otherwise it is a warning.
        ends: when it ends.
        needs: the kinds of facts that it judges. Each is read once, however many rules need it.
        judge: what it finds in these facts.
        is_looked_for_always: whether it is judged at every evaluation, also while a backlog is
            read; else it is judged once a minute.
        confirmed_within: an alert starts when the same is found again within this time; None: at
            once. Amid a late export, orders and complaints look for a moment as if nobody had gone
            on with them. A rule whose facts are read more rarely needs a longer time.
        why_ends: of subjects whose alert ends without a recovery, why.
        watches: whether an experience of the catalogue is watched. When it is no longer, an open
            alert about it ends, and says so.
    """

    name: str
    title: Words
    headline: Words
    description: str
    figures: tuple[Figure, ...] = ()
    one_per: str
    starts: str
    critical: str
    ends: str
    needs: tuple[type, ...]
    judge: Callable[[Facts, Context], Verdict]
    is_looked_for_always: bool = False
    confirmed_within: timedelta | None = timedelta(minutes=3)
    why_ends: Callable[[Facts], Mapping[Subject, Reason]] = _for_no_other_reason
    watches: Callable[[Experience], bool] = _is_in_the_catalogue
