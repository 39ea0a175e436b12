"""The drawing of terms over the years."""

from __future__ import annotations

import datetime as dt

from policies.models import Policy, Term
from policies.timeline import timeline_of

TODAY = dt.date(2026, 11, 20)


def term(pk, start, end, status=Term.Status.BOUND):
    return Term(pk=pk, policy=Policy(), effective=dt.date(start, 7, 1), expires=dt.date(end, 7, 1), status=status)


def test_bars_fill_the_width_one_after_the_other_and_say_what_they_are():
    timeline = timeline_of(
        [term(3, 2027, 2028, Term.Status.OFFERED), term(1, 2025, 2026, Term.Status.EXPIRED), term(2, 2026, 2027)], TODAY
    )
    assert [bar.kind for bar in timeline.bars] == ["past", "current", "next"]
    assert timeline.bars[0].left == 0
    assert round(timeline.bars[-1].left + timeline.bars[-1].width) == 100
    for before, after in zip(timeline.bars, timeline.bars[1:], strict=False):
        assert abs(before.left + before.width - after.left) < 0.02
    assert timeline.bars[1].title == "Bound: Jul 1, 2026 to Jul 1, 2027"
    assert timeline.bars[1].left < timeline.today < timeline.bars[2].left
    assert timeline.summary == "3 terms from Jul 1, 2025 to Jul 1, 2028"


def test_declined_offers_are_left_out_and_nothing_gives_nothing():
    assert timeline_of([], TODAY) is None
    assert timeline_of([term(1, 2026, 2027, Term.Status.DECLINED)], TODAY) is None


def test_cancelled_terms_look_ended_and_a_far_today_is_not_drawn():
    timeline = timeline_of([term(1, 2019, 2020, Term.Status.CANCELLED)], TODAY)
    assert timeline.bars[0].kind == "ended"
    assert timeline.today is None


def test_a_retroactive_date_before_the_first_term_is_reached_back_to():
    timeline = timeline_of([term(1, 2026, 2027)], TODAY, retroactive=dt.date(2014, 7, 1))
    assert timeline.retroactive == 0
    assert timeline.bars[0].left > 90
    assert timeline.retroactive_label == "Retroactive date Jul 1, 2014"
    assert timeline_of([term(1, 2026, 2027)], TODAY, retroactive=dt.date(2026, 7, 1)).retroactive is None


def test_the_axis_never_has_more_years_than_fit_a_phone():
    timeline = timeline_of([term(year, year, year + 1) for year in range(1990, 2027)], TODAY)
    assert 2 <= len(timeline.ticks) <= 6
    assert [tick.left for tick in timeline.ticks] == sorted(tick.left for tick in timeline.ticks)
