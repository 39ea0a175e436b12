"""What an insured's page shows: coverage over the years, with us and with others, gaps, leave, and licenses (B-07)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from django.http import Http404
from django.urls import reverse

from core.templatetags.show import day_long
from policies.models import Company, Coverage, EreOffer, License, Policy, PriorCoverage, Term, reach_of
from policies.models.details import details_as_json
from policies.pages.home import OwnCoverage, own_coverages
from policies.pages.status import status_for_insured
from policies.pages.tails import Reporting, Tail, reporting_of, tails_of
from policies.pages.timeline import Days, Stretch, Timeline, drawn, stretches_of
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from policies.models import Insured
    from policies.pages.facts import Line
    from policies.words import Word

# Coverage of these parts fills a day (docs/feed-format.md).
FILLING = (Coverage.Part.PROFESSIONAL, Coverage.Part.ENTITY)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the history: coverage with us (`own`), with another carrier (`prior`), a tail (`tail` names it), or
    days without any.

    `ends` is None for a tail without an end. `later_than`: the retroactive date before, where this one's is later.
    """

    starts: dt.date
    ends: dt.date | None
    own: OwnCoverage | None = None
    prior: PriorCoverage | None = None
    tail: str = ""
    later_than: dt.date | None = None

    @property
    def is_gap(self) -> bool:
        """Whether it is days without coverage."""
        return self.own is None and self.prior is None and not self.tail

    @property
    def retroactive_date(self) -> dt.date | None:
        """The retroactive date of claims-made coverage; None where it has none."""
        one = self.own.coverage if self.own else self.prior
        return one.retroactive_date if one is not None and one.form == Coverage.Form.CLAIMS_MADE else None

    @property
    def length(self) -> str:
        """How long it is: "1,447 days"."""
        days = (self.ends - self.starts).days if self.ends else 0
        return f"{days:,} day{'' if days == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class LicenseRow:
    """A license, and whether it has expired; it is good through its last day."""

    license: License
    has_expired: bool


@dataclass(frozen=True, slots=True)
class InsuredPage:
    """The page. `is_own`: for the insured, who sees all there is. Others see what is on the policies that they see, and
    no gaps (docs/decisions/0141-gaps-are-told-to-the-insured.md)."""

    insured: Insured
    is_own: bool
    coverages: list[OwnCoverage]
    rows: list[Row]
    timeline: Timeline | None
    leave: list[Line]
    licenses: list[LicenseRow]
    tails: list[Tail]

    @property
    def settled_tails(self) -> list[Tail]:
        """Those that don't wait for a decision."""
        return [tail for tail in self.tails if not tail.is_open]

    @property
    def leading(self) -> OwnCoverage:
        """The coverage that the head speaks of: in force and longest, else the last one."""
        return max(self.coverages, key=lambda one: (one.in_force, one.ends))

    @property
    def word(self) -> Word:
        """The status of that coverage."""
        return self.leading.word

    @property
    def dated(self) -> str:
        """The date that goes with it."""
        return f"until {day_long(self.leading.ends)}" if self.leading.in_force else ""

    @property
    def matters(self) -> str:
        """What the status doesn't say: that services aren't covered today."""
        today = self.leading.facts.today if self.leading.in_force else []
        return f"{today[0]}." if today else ""

    @property
    def eyebrow(self) -> str:
        """What kind of page it is, and the specialty."""
        specialty = self.leading.coverage.specialty or self.insured.specialty
        return f"Insured · {specialty}" if specialty else "Insured"

    @property
    def note(self) -> str:
        """What the history counts, and where it comes from."""
        sentences = ["" if self.is_own else "This is coverage on the policies you see."]
        if any(row.is_gap for row in self.rows):
            sentences.append(
                "“No coverage on record” means days without professional or entity coverage, with us or with another "
                "carrier we know of. Leave isn’t counted."
            )
        elif self.is_own and len(self.rows) > 1:
            sentences.append("We have no gaps in coverage on record.")
        if any(row.later_than for row in self.rows):
            sentences.append("Claims-made coverage doesn’t reach events before its retroactive date.")
        if any(row.prior for row in self.rows):
            sentences.append("Coverage with other carriers is as it was reported to us.")
        return " ".join(filter(None, sentences))

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The way back: the policy, where there is one."""
        policies = {one.status.policy.pk: one.status.policy for one in self.coverages}
        here = [(policy.number, policy.get_absolute_url()) for policy in policies.values()]
        return [("Policies", reverse("policies:list")), *(here if len(here) == 1 else [])]


def page_of_insured(user: User, public_id: str) -> InsuredPage:
    """Return the page of an insured, with their coverage on the policies that the user sees. Five queries, and one more
    for others than the insured.

    Raises Http404 where the user sees none.
    """
    visible = Coverage.objects.visible_to(user).filter(insured__public_id=public_id, insured__retired_at=None)
    coverages = list(visible.with_policy().annotate(detail_rows=details_as_json()).order_by("-effective", "part", "pk"))
    if not coverages:
        raise Http404("no such insured of this user")
    insured = coverages[0].insured
    is_own = insured.pk in reach_of(user).insured_ids
    shown = _by_policy(coverages, is_own=is_own, with_tails=_policies_with_tails(user, coverages))
    prior = list(PriorCoverage.objects.not_retired().filter(insured=insured))
    offers = list(EreOffer.objects.not_retired().filter(coverage__in=coverages).select_related("coverage"))
    gaps = _gaps(shown, prior) if is_own else []
    reporting = _all_reporting(shown, prior, offers)
    rows = [
        *(Row(one.starts, one.ends, own=one) for one in shown),
        *(Row(one.effective, one.expires, prior=one) for one in prior),
        *(Row(one.starts, one.ends, tail=one.title) for one in reporting),
        *(Row(*days) for days in gaps),
    ]
    if is_own:
        rows = _with_later_dates(rows)
    licenses = License.objects.not_retired().filter(insured=insured).order_by("state", "number")
    today = shown[0].status.day
    return InsuredPage(
        insured=insured,
        is_own=is_own,
        coverages=shown,
        rows=sorted(rows, key=lambda row: (row.starts, row.ends or dt.date.max), reverse=True),
        timeline=_timeline(shown, prior, gaps, reporting, today),
        leave=list(dict.fromkeys(line for one in shown for line in one.facts.leave)),
        licenses=[LicenseRow(one, one.expires is not None and one.expires < today) for one in licenses],
        tails=tails_of(shown, offers),
    )


def _policies_with_tails(user: User, coverages: list[Coverage]) -> set[int]:
    """Return the policies of these coverages on which the user may see tails. One query."""
    offering = {c.term.policy_id for c in coverages if c.term.policy.company.offers(Company.Service.ERE)}
    reach = reach_with(user, Capability.VIEW_ERE, asks_policy=True)
    if not offering or not reach:
        return set()
    seen = Coverage.objects.open_to(reach.scope).filter(pk__in=[c.pk for c in coverages])
    return offering & set(seen.order_by().values_list("term__policy_id", flat=True))


def _all_reporting(coverages: list[OwnCoverage], prior: list[PriorCoverage], offers: list[EreOffer]) -> list[Reporting]:
    """Return the days of tails, with us and with other carriers."""
    elsewhere = [
        Reporting(one.expires, one.ere_ends, f"Tail, {one.carrier}")
        for one in prior
        if one.ere_ends is not None and one.ere_ends > one.expires
    ]
    return [*reporting_of(coverages, offers), *elsewhere]


def _with_later_dates(rows: list[Row]) -> list[Row]:
    """Return the rows, with `later_than` where professional or entity coverage has a later retroactive date than the
    coverage before it had: what happened in between is then covered by neither, unless a tail was bought."""
    dated = [row for row in rows if row.retroactive_date is not None and _fills(row)]
    dated.sort(key=lambda row: row.starts)
    later = {
        id(row): before.retroactive_date
        for before, row in pairwise(dated)
        if before.retroactive_date and row.retroactive_date and row.retroactive_date > before.retroactive_date
    }
    return [replace(row, later_than=later.get(id(row))) for row in rows]


def _fills(row: Row) -> bool:
    return row.own is None or row.own.coverage.part in FILLING


def _by_policy(coverages: list[Coverage], *, is_own: bool, with_tails: set[int]) -> list[OwnCoverage]:
    """Return one coverage for each chain of segments, the latest first, with its status on its own policy.

    As the insured sees it: without the policyholder's reasons and cost centers. Papers are on the policy's page for
    others, by what they may do there. `with_tails`: the policies on which the user may see tails.
    """
    policies: dict[int, Policy] = {coverage.term.policy_id: coverage.term.policy for coverage in coverages}
    terms: dict[int, list[Term]] = {pk: [] for pk in policies}
    for term in Term.objects.not_retired().filter(policy__in=policies):
        terms[term.policy_id].append(term)
    found: list[OwnCoverage] = []
    for pk, policy in policies.items():
        own = [coverage for coverage in coverages if coverage.term.policy_id == pk]
        status = status_for_insured(policy, own, terms[pk], policy.today())
        found += own_coverages(own, status, terms[pk], sees_tails=pk in with_tails, issues=is_own)
    return sorted((one for one in found if one.leads), key=lambda one: one.starts, reverse=True)


def _gaps(coverages: Iterable[OwnCoverage], prior: Iterable[PriorCoverage]) -> list[Days]:
    """Return the calendar days without professional or entity coverage, with us or with another carrier, between the
    first day of any and the last. Leave isn't a gap."""
    covered = [
        (one.starts, one.ends)
        for one in coverages
        if one.coverage.part in FILLING and one.term.status in Term.TAKEN_UP and one.starts < one.ends
    ]
    covered += [(one.effective, one.expires) for one in prior]
    gaps: list[Days] = []
    reached: dt.date | None = None
    for starts, ends in sorted(covered):
        if reached is not None and starts > reached:
            gaps.append((reached, starts))
        reached = ends if reached is None else max(reached, ends)
    return gaps


def _timeline(
    coverages: list[OwnCoverage],
    prior: list[PriorCoverage],
    gaps: list[Days],
    reporting: list[Reporting],
    today: dt.date,
) -> Timeline | None:
    stretches, retroactive = stretches_of([(one.coverage, one.word) for one in coverages])
    stretches += [Stretch(one.effective, one.expires, one.expires, "prior", one.carrier) for one in prior]
    stretches += [Stretch(starts, ends, ends, "gap", "No coverage on record") for starts, ends in gaps]
    own = (one.coverage.retroactive_date for one in coverages if one.term.status != Term.Status.DECLINED)
    dates = {date for date in (retroactive, *own, *(one.retroactive_date for one in prior)) if date is not None}
    suspended = [days for one in coverages for days in one.facts.suspended]
    return drawn(
        stretches,
        today,
        retroactive=min(dates, default=None),
        dates=dates,
        suspended=suspended,
        tails=reporting,
        noun="period",
        title="Coverage over the years",
    )
