"""Declares how each kind of facts that rules need is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.facts.stage_times import StageTimes
from voc_stream.alerts.facts.workshop_facts import WorkingTimes, WorkshopFacts
from voc_stream.alerts.levels import Levels
from voc_stream.alerts.rules.complaints.complaint_ageing import OpenComplaints
from voc_stream.alerts.rules.complaints.complaint_surge import OpenedComplaints
from voc_stream.alerts.rules.customers.churn_risk_rising import RiskShares
from voc_stream.alerts.rules.customers.high_value_at_risk import HighValueCustomers
from voc_stream.alerts.rules.experiences.key_experience_dropped import Drops
from voc_stream.alerts.rules.experiences.touchpoint_silent import HeardSites
from voc_stream.postgres.alerting.drops import DropReader
from voc_stream.postgres.alerting.facts.complaints import read_complaints, read_opened_complaints
from voc_stream.postgres.alerting.facts.customers import (
    read_high_value_customers,
    read_risk_shares,
)
from voc_stream.postgres.alerting.facts.levels import read_levels
from voc_stream.postgres.alerting.facts.silence import read_heard_sites
from voc_stream.postgres.alerting.facts.site_activity import SiteActivity
from voc_stream.postgres.alerting.facts.stage_minutes import StageTimesReader
from voc_stream.postgres.alerting.facts.workshop import WorkshopReader

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.alerting.facts.reading import Readers


def make_readers(catalogue: Catalogue) -> Readers:
    """One reader for each kind.

    Make them once per process, for some keep what is expensive to read.
    """
    return {
        Drops: DropReader(catalogue),
        Levels: read_levels,
        HeardSites: read_heard_sites,
        StageTimes: StageTimesReader(),
        WorkshopFacts: WorkshopReader(),
        WorkingTimes: SiteActivity(),
        OpenComplaints: read_complaints,
        OpenedComplaints: read_opened_complaints,
        HighValueCustomers: read_high_value_customers,
        RiskShares: read_risk_shares,
    }
