"""Says what a batch changes about the measures of complaints, if the catalogue declares any.

A complaint is measured before its first event of the batch, and once more at the end. By then all
events are applied, what was `unread` is read and its owner's profile is known. The difference is
what the batch adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.entities.counted import Counted, difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.complaint import ComplaintState
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.measure_rules import MeasureRules


_NOTHING = Counted((), [])


class MeasuredComplaints:
    """The complaints that a batch touches, as they were measured before it."""

    def __init__(self, rules: MeasureRules) -> None:
        self._rules = rules
        self._before: dict[str, Counted] = {}

    def note(self, complaint: ComplaintState) -> None:
        """Measure a complaint that is about to change."""
        if self._rules.counts_complaints and complaint.complaint_id not in self._before:
            is_new = complaint.customer_id is None
            self._before[complaint.complaint_id] = (
                _NOTHING if is_new else complaint.counted(self._rules)
            )

    def owners(self, complaints: Mapping[str, ComplaintState]) -> set[str]:
        """The customers whose profiles are needed, of those complaints that are left."""
        found = (complaints.get(complaint_id) for complaint_id in self._before)
        return {
            one.customer_id.value
            for one in found
            if one is not None and one.customer_id is not None
        }

    def attribute(
        self, complaints: Mapping[str, ComplaintState], customers: Mapping[str, CustomerState]
    ) -> None:
        """Let the complaints that are left count under their owners' profiles."""
        for complaint_id in self._before:
            complaint = complaints.get(complaint_id)
            if complaint is not None and complaint.customer_id is not None:
                complaint.attribute(customers[complaint.customer_id.value].profile)

    def contributions(self, complaints: Mapping[str, ComplaintState]) -> list[Contribution]:
        """What the batch adds and takes back, once complaints are attributed.

        Of a complaint that is gone all is taken back.
        """
        found: list[Contribution] = []
        for complaint_id, before in self._before.items():
            complaint = complaints.get(complaint_id)
            if complaint is None:
                found += difference(before, before._replace(measured=[]))
            elif complaint.customer_id is not None:
                found += difference(before, complaint.counted(self._rules))
        return found
