from __future__ import annotations

from typing import TYPE_CHECKING

from builders import at, callback, complaint, customer, messages, repair_step, retraction
from integration.postgres.store import NOW

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

TEXT_TABLES = (
    "complaint_text",
    "complaint_gram",
    "text_suggestion",
    "complaint_term",
    "complaint_pareto",
)
RUDE = "The advisor was rude, 态度很差"


def _about(number: int, category: str | None, text: str, **more: str) -> Event:
    return complaint(
        f"k-{number}", complaint_id=f"q-{number}", category=category, text=text, **more
    )


def _read_piece_by_piece(store: Store) -> None:
    chores = store.chores()
    while chores.read_texts():
        pass


def test_on_the_first_day_the_words_of_the_catalogue_suggest(store: Store) -> None:
    """A complaint with a text and no stated category gets one, with margin and reasons."""
    store.take_in(_about(1, None, RUDE))
    _read_piece_by_piece(store)
    ((category, margin, reasons),) = store.ask(
        "SELECT category_suggested, category_margin, category_reasons"
        " FROM voc_bi.complaint_suggestion"
    )
    assert category == "advisor_service"
    assert margin > 0
    assert {"advisor", "rude"} <= set(reasons)


def test_a_stated_category_is_never_replaced(store: Store) -> None:
    """Neither if it was stated with the text, nor if it is stated later."""
    events = [_about(1, "fair_charge", RUDE), _about(2, None, RUDE)]
    store.take_in(*events)
    _read_piece_by_piece(store)
    assert store.ask("SELECT complaint_id FROM complaint_suggestion") == [("q-2",)]
    late = complaint("k-3", complaint_id="q-2", category="overall", action="closed")
    store.take_in(late)
    assert store.ask("SELECT complaint_id FROM complaint_suggestion") == []
    _read_piece_by_piece(store)
    assert store.ask("SELECT complaint_id FROM text_suggestion") == []
    assert store.ask("SELECT complaint_id, category FROM complaint ORDER BY 1") == [
        ("q-1", "fair_charge"),
        ("q-2", "overall"),
    ]
    store.assert_as_expected(messages([*events, late]), names=TEXT_TABLES)


def test_what_is_learned_suggests(store: Store) -> None:
    """Complaints that people sorted teach words that no catalogue knows."""
    learned = [
        _about(number, "car_cleanliness" if number % 2 else "fair_charge", text)
        for number, text in enumerate(["gloves forgotten", "voucher refused"] * 6)
    ]
    events = [*learned, _about(20, None, "my voucher"), _about(21, None, "gloves again")]
    store.take_in(*events)
    _read_piece_by_piece(store)
    assert store.ask("SELECT complaint_id, category FROM text_suggestion ORDER BY 1") == [
        ("q-20", "car_cleanliness"),
        ("q-21", "fair_charge"),
    ]
    store.assert_as_expected(messages(events), names=TEXT_TABLES)


def test_corrections_and_retractions_are_taken_back_exactly(store: Store) -> None:
    """Counts follow what is stated latest and what is left, whatever was counted before."""
    events = [
        _about(1, "fair_charge", "too expensive"),
        _about(2, "overall", "too expensive"),
        complaint("k-8", complaint_id="q-1", action="closed", category="overall",
                  occurred_at=at(hours=1), text="and rude"),
        complaint("k-9", complaint_id="q-1", action="informed", text="far too expensive",
                  occurred_at=at(hours=-1000)),
    ]  # fmt: skip
    for event in events:
        store.take_in(event)
        _read_piece_by_piece(store)
    store.assert_as_expected(messages(events), names=TEXT_TABLES)
    taken = retraction("x-1", "k-2", "k-8")
    store.take_in(taken)
    assert store.chores().take_back(NOW)
    _read_piece_by_piece(store)
    store.assert_as_expected(messages([*events, taken]), names=TEXT_TABLES)
    assert store.ask("SELECT DISTINCT category FROM complaint_gram") == [("fair_charge",)]


def test_suggestions_follow_what_was_learned_since(store: Store) -> None:
    """Also those of complaints that have not changed themselves."""
    events = [_about(1, None, "the gloves")]
    store.take_in(*events)
    chores = store.chores()
    chores.read_texts()
    assert store.ask("SELECT FROM text_suggestion") == []
    learned = [_about(n, "service_time", "gloves") for n in range(2, 5)]
    store.take_in(*learned)
    assert chores.read_texts(everything=True) == 0
    assert store.ask("SELECT category FROM text_suggestion") == [("service_time",)]
    store.assert_as_expected(messages([*events, *learned]), names=TEXT_TABLES)


def test_the_impact_of_a_theme_is_exact(store: Store) -> None:
    """The mean of the month with and without the answers about orders with such complaints."""
    events = [
        customer("p-1"),
        repair_step("r-1", order_id="o-1"),
        callback("c-1", order_id="o-1", answers=[{"item": "overall", "score": 2}]),
        callback("c-2", order_id="o-2", answers=[{"item": "overall", "score": 9.5}]),
        callback("c-3", order_id="o-3", answers=[{"item": "overall", "score": 8}]),
        _about(1, "fair_charge", "too expensive", order_id="o-1"),
    ]
    store.take_in(*events)
    assert store.chores().refresh(NOW)
    ((theme, n, n_all, theme_mean, mean, without, impact),) = store.ask(
        "SELECT category, n, n_all, theme_mean, mean, mean_without, impact FROM voc_bi.theme_impact"
    )
    assert (theme, n, n_all, theme_mean) == ("fair_charge", 1, 3, 2)
    assert (mean, without, impact) == (6.5, 8.75, -2.25)
    store.assert_as_expected(messages(events), names=["theme_impact"])
