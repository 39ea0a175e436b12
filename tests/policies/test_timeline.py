"""The drawing of terms over the years."""

from __future__ import annotations

import datetime as dt

from policies.models import Coverage, Policy, Term
from policies.pages.timeline import timeline_of, timeline_of_coverages
from policies.words import Word

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
    assert timeline_of([term(1, 2026, 2027), term(2, 2027, 2028, Term.Status.DECLINED)], TODAY) is None


def test_a_single_term_is_not_drawn():
    assert timeline_of([term(1, 2026, 2027)], TODAY) is None
    assert timeline_of([term(1, 2025, 2026, Term.Status.EXPIRED), term(2, 2026, 2027)], TODAY) is not None


def test_a_cancelled_term_ends_at_the_cancellation_and_the_rest_of_it_is_a_ghost():
    policy = Policy(status="cancelled", cancellation_effective=dt.date(2026, 9, 1))
    before, cancelled = term(1, 2025, 2026, Term.Status.EXPIRED), term(2, 2026, 2027, Term.Status.CANCELLED)
    before.policy = cancelled.policy = policy
    timeline = timeline_of([before, cancelled], TODAY)
    assert [bar.kind for bar in timeline.bars] == ["past", "ended", "ghost"]
    assert timeline.bars[1].title == "Cancelled: Jul 1, 2026 to Sep 1, 2026"
    assert timeline.bars[2].title == "After the cancellation: Sep 1, 2026 to Jul 1, 2027"
    assert timeline.bars[2].left < timeline.today < 100, "today lies in what is not covered"
    assert ("ghost", "After the cancellation") in timeline.legend
    policy.cancellation_effective = dt.date(2027, 1, 1)
    assert [bar.kind for bar in timeline_of([before, cancelled], TODAY).bars] == ["past", "current", "ghost"]


def test_a_far_today_is_not_drawn():
    old = [term(1, 2018, 2019, Term.Status.EXPIRED), term(2, 2019, 2020, Term.Status.EXPIRED)]
    assert timeline_of(old, TODAY).today is None


def own(of_term, retroactive=None):
    coverage = Coverage(
        term=of_term, effective=of_term.effective, expires=of_term.expires, retroactive_date=retroactive
    )
    coverage.segments = [coverage.as_segment]
    return coverage


def test_a_retroactive_date_before_the_first_term_is_reached_back_to():
    coverage = own(term(1, 2026, 2027), dt.date(2014, 7, 1))
    timeline = timeline_of_coverages([(coverage, Word.IN_FORCE)], TODAY)
    assert timeline.retroactive == 0
    assert timeline.bars[0].left > 90
    assert timeline.retroactive_label == "Retroactive date Jul 1, 2014"
    coverage.retroactive_date = dt.date(2026, 7, 1)
    assert timeline_of_coverages([(coverage, Word.IN_FORCE)], TODAY) is None, "it reaches back to nothing"


def test_the_axis_never_has_more_years_than_fit_a_phone():
    timeline = timeline_of([term(year, year, year + 1) for year in range(1990, 2027)], TODAY)
    assert 2 <= len(timeline.ticks) <= 6
    assert [tick.left for tick in timeline.ticks] == sorted(tick.left for tick in timeline.ticks)
