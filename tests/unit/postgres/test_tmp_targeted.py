from builders import *
import pytest
from unit.postgres.store import NOW, Store, send
from builders import messages

CASES = {
    "opened again after reopening": [
        [complaint("a"), complaint("b", action="reopened", occurred_at=at(hours=1)), complaint("c", occurred_at=at(hours=2))]
    ],
    "largest amount": [[customer(annual_value=1e12)]],
    "earlier complaint step by another": [
        [complaint("a", occurred_at=at(hours=5))],
        [complaint("b", customer_id="u-2", action="resolved", occurred_at=at(hours=1))],
    ],
    "order goes over": [
        [repair_step("a", stage="delivery", edge="exit", promised_at=at(hours=-1))],
        [repair_step("b", customer_id="u-2", occurred_at=at(hours=3))],
    ],
    "complaint goes over": [[complaint("a")], [complaint("b", customer_id="u-2", occurred_at=at(hours=3))]],
}


@pytest.mark.parametrize("name", CASES)
def test_it(store, name):
    sink = store.sink(0)
    up = store.upkeep()
    log = []
    for batch in CASES[name]:
        print(send(sink, messages(batch)))
        log += messages(batch)
        up.settle(NOW)
        up.assess_churn(NOW)
    store.assert_as_expected(log)
