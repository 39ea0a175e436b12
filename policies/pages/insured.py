"""What an insured's page shows: coverage over the years, with us and with others, gaps, leave, and licenses (B-07)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import Http404
from django.urls import reverse

from core.templatetags.show import day_long
from policies.models import Company, Coverage, License, Policy, PriorCoverage, Term, reach_of
from policies.models.details import details_as_json
from policies.pages.home import OwnCoverage, own_coverages
from policies.pages.status import status_for_insured
from policies.pages.timeline import Days, Stretch, Timeline, drawn, stretches_of

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
    """One line of the history: coverage with us (`own`), with another carrier (`prior`), or days without any."""

    starts: dt.date
    ends: dt.date
    own: OwnCoverage | None = None
    prior: PriorCoverage | None = None

    @property
    def is_gap(self) -> bool:
        """Whether it is days without coverage."""
        return self.own is None and self.prior is None

    @property
    def length(self) -> str:
        """How long it is: "1,447 days"."""
        days = (self.ends - self.starts).days
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
    """Return the page of an insured, with their coverage on the policies that the user sees. Four queries.

    Raises Http404 where the user sees none.
    """
    visible = Coverage.objects.visible_to(user).filter(insured__public_id=public_id, insured__retired_at=None)
    coverages = list(visible.with_policy().annotate(detail_rows=details_as_json()).order_by("-effective", "part", "pk"))
    if not coverages:
        raise Http404("no such insured of this user")
    insured = coverages[0].insured
    is_own = insured.pk in reach_of(user).insured_ids
    shown = _by_policy(coverages, is_own=is_own)
    prior = list(PriorCoverage.objects.not_retired().filter(insured=insured))
    gaps = _gaps(shown, prior) if is_own else []
    rows = [
        *(Row(one.starts, one.ends, own=one) for one in shown),
        *(Row(one.effective, one.expires, prior=one) for one in prior),
        *(Row(*days) for days in gaps),
    ]
    licenses = License.objects.not_retired().filter(insured=insured).order_by("state", "number")
    today = shown[0].status.day
    return InsuredPage(
        insured=insured,
        is_own=is_own,
        coverages=shown,
        rows=sorted(rows, key=lambda row: (row.starts, row.ends), reverse=True),
        timeline=_timeline(shown, prior, gaps, today),
        leave=list(dict.fromkeys(line for one in shown for line in one.facts.leave)),
        licenses=[LicenseRow(one, one.expires is not None and one.expires < today) for one in licenses],
    )


def _by_policy(coverages: list[Coverage], *, is_own: bool) -> list[OwnCoverage]:
    """Return one coverage for each chain of segments, the latest first, with its status on its own policy.

    As the insured sees it: without the policyholder's reasons and cost centers. Papers and tails are on the policy's
    page for others, by what they may do there.
    """
    policies: dict[int, Policy] = {coverage.term.policy_id: coverage.term.policy for coverage in coverages}
    terms: dict[int, list[Term]] = {pk: [] for pk in policies}
    for term in Term.objects.not_retired().filter(policy__in=policies):
        terms[term.policy_id].append(term)
    found: list[OwnCoverage] = []
    for pk, policy in policies.items():
        own = [coverage for coverage in coverages if coverage.term.policy_id == pk]
        status = status_for_insured(policy, own, terms[pk], policy.today())
        sees_tails = is_own and policy.company.offers(Company.Service.ERE)
        found += own_coverages(own, status, terms[pk], sees_tails=sees_tails, issues=is_own)
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
    coverages: list[OwnCoverage], prior: list[PriorCoverage], gaps: list[Days], today: dt.date
) -> Timeline | None:
    stretches, retroactive = stretches_of([(one.coverage, one.word) for one in coverages])
    stretches += [Stretch(one.effective, one.expires, one.expires, "prior", one.carrier) for one in prior]
    stretches += [Stretch(starts, ends, ends, "gap", "No coverage on record") for starts, ends in gaps]
    dates = [date for date in (retroactive, *(one.retroactive_date for one in prior)) if date is not None]
    suspended = [days for one in coverages for days in one.facts.suspended]
    return drawn(
        stretches,
        today,
        retroactive=min(dates, default=None),
        suspended=suspended,
        noun="period",
        title="Coverage over the years",
    )
