"""One invented policy: its rows, from its parties to its money."""

from __future__ import annotations

import datetime as dt
from random import Random

from feed.example.claims import ClaimRows
from feed.example.coverages import CoverageRows
from feed.example.documents import DocumentRows
from feed.example.holders import StandingRows
from feed.example.ledger import Ledger
from feed.example.members import Outline, members_of
from feed.example.money import MoneyRows
from feed.example.parties import PartyRows, holder_name
from feed.example.people import drawn
from feed.example.rows import Ids, cents, flag, money, policy_number
from feed.example.segments import Segments
from feed.example.seminars import CourseRows
from feed.example.stories import BROKER_CHANGES, BROKER_CHANGES_IN
from feed.example.terms import Schedule, Term, schedule_of
from feed.example.words import UNDERWRITERS
from feed.example.writing import PackageWriter

# Plans by their share of policies.
PLAN_SHARES = (("annual", 0.35), ("quarterly", 0.27), ("monthly", 0.15), ("tenpay", 0.13), ("semiannual", 0.10))
# Code of a status's reason → the carrier's words, with each code's share of cancellations.
REASONS = {
    "nonpayment": "Nonpayment of premium",
    "insured_request": "At the insured’s request",
    "underwriting": "Underwriting",
    "retired": "Retired from practice",
    "deceased": "Insured deceased",
    "other": "Practice closed",
}
CANCELLED_FOR = (
    ("insured_request", 0.40), ("nonpayment", 0.25), ("other", 0.12), ("retired", 0.10), ("underwriting", 0.09),
    ("deceased", 0.04),
)  # fmt: skip
REINSTATE_WITHIN = dt.timedelta(days=30)
# Days of notice of a cancellation, and of a nonrenewal.
NOTICE, NONRENEWAL_NOTICE = 10, 100


class PolicyStory:
    """Writes every row of one policy. What is drawn depends on the seed and the policy, never on the rest of the book.

    A policy that was rewritten has the policyholder and the people of the one that replaced it.
    """

    def __init__(self, outline: Outline, *, seed: int, today: dt.date) -> None:
        self._outline = outline
        self._today = today
        self._owner = outline.rewritten_as or outline
        self._rng = Random(f"{seed}/{self._owner.index}")  # noqa: S311  # an invented book, repeatable
        people = Random(f"{seed}/{self._owner.index}/people")  # noqa: S311  # the same
        self._ids = Ids(policy=outline.index, owner=self._owner.index)
        self._number = policy_number(outline.index, outline.program)
        self._schedule: Schedule = schedule_of(outline, rng=self._rng, today=today)
        first = outline.insured_since or self._schedule.first_covered
        # A person who is in all the terms joined before the first of them began.
        members = [
            one._replace(person=one.person._replace(joined=min(one.person.joined, first))) if one.person else one
            for one in members_of(outline, rng=people, today=today)
        ]
        self._name = holder_name(self._owner, members)
        self._segments = Segments(outline, self._ids, self._schedule, members, rng=self._rng, today=today)
        self._reason = self._reason_code()
        self._billing, self._plan = self._paid_how()
        self._courses = CourseRows(outline, self._ids, self._schedule, self._segments, members, seed=seed, today=today)
        self._ledger = Ledger(
            outline, self._schedule, self._segments, off=self._courses.credits(), billing=self._billing,
            plan=self._plan, reason=self._reason, seed=seed, today=today,
        )  # fmt: skip
        self._parties = PartyRows(outline, self._ids, members, self._segments, name=self._name, seed=seed, today=today)
        self._claims = ClaimRows(outline, self._ids, self._schedule, members, seed=seed, today=today)
        self._holders = StandingRows(outline, self._ids, members, seed=seed)
        self._coverages = CoverageRows(
            outline, self._ids, self._schedule, members, self._segments, name=self._name, reason=self._reason,
            seed=seed, today=today,
        )  # fmt: skip
        self._documents = DocumentRows(
            outline, self._ids, self._schedule, self._segments, self._ledger, name=self._name, seed=seed, today=today
        )

    def write(self, out: PackageWriter) -> None:
        """Add the policy's rows to the package."""
        if not self._outline.rewritten_as:
            self._parties.write(out)
        self._write_policy(out)
        self._write_agents(out)
        for term in self._schedule.terms:
            self._write_term(out, term)
            if term.covered:
                self._coverages.write(out, term)
        money_rows = MoneyRows(
            self._outline, self._ids, self._ledger, name=self._name, began=self._schedule.began, today=self._today
        )
        money_rows.write(out)
        self._documents.write(out)
        self._claims.write(out)
        self._courses.write(out)
        self._holders.write(out)

    def _paid_how(self) -> tuple[str, str]:
        """Return who bills and by which plan; a finance company pays for the year."""
        outline, story = self._outline, self._outline.story
        chance, plan = self._rng.random(), drawn(self._rng, PLAN_SHARES)
        billing = story.billing or (
            "financed" if chance < 0.05 else "agency" if chance < 0.15 and outline.agency else "direct"
        )
        if self._reason == "nonpayment":
            # An installment wasn't paid.
            return "direct", story.plan or "quarterly"
        return billing, "annual" if billing == "financed" else story.plan or plan

    def _reason_code(self) -> str:
        """Return the code of why the policy has its status, or an empty string."""
        status, chance = self._outline.status, drawn(self._rng, CANCELLED_FOR)
        if self._outline.rewritten_as:
            return "rewritten"
        if status == "pending_cancellation":
            return "nonpayment"
        if status == "cancelled":
            personal = chance in {"retired", "deceased"} and not self._outline.is_solo
            return self._outline.story.reason or ("insured_request" if personal else chance)
        if status == "expired":
            return self._outline.story.reason or "insured_request"
        if status != "nonrenewed":
            return ""
        return self._outline.story.reason or ("underwriting" if self._rng.random() < 0.5 else "other")

    def _write_policy(self, out: PackageWriter) -> None:
        outline, rng, today = self._outline, self._rng, self._today
        status_date, reason, effective, cure, by, amount = self._schedule.began, "", "", "", "", ""
        heir = outline.rewritten_as
        if outline.status == "pending_cancellation":
            day = today + dt.timedelta(days=5 + int(rng.random() * 20))
            status_date, effective = today - dt.timedelta(days=NOTICE), day.isoformat()
            cure = cents(self._ledger.past_due)
        elif outline.status == "cancelled":
            status_date, effective = self._schedule.ends, self._schedule.ends.isoformat()
            if self._reason == "nonpayment" and self._schedule.ends + REINSTATE_WITHIN >= today:
                by = (status_date + REINSTATE_WITHIN).isoformat()
                amount = cents(self._ledger.past_due)
        elif outline.status == "expired":
            status_date = self._schedule.ends
        elif outline.status == "nonrenewed":
            # Notice is given well before the term ends; until then the policy is in force.
            status_date = self._schedule.ends - dt.timedelta(days=NONRENEWAL_NOTICE)
        elif outline.status == "pending":
            status_date = today
        elif self._schedule.lapse:
            status_date, reason = self._schedule.lapse[1], "Reinstated with a lapse"
        if heir:
            reason = f"Rewritten as {policy_number(heir.index, heir.program)}"
        elif outline.status in {"expired", "nonrenewed"} and self._reason != "retired":
            reason = "Not renewed by the insured" if outline.status == "expired" else "Program withdrawn"
        underwriter, underwriter_phone, underwriter_email = UNDERWRITERS[outline.index % len(UNDERWRITERS)]
        out.add(
            "policies.csv", policy_number=self._number, company_id=outline.company, policyholder_id=self._ids.holder,
            billing_account_id=self._ids.account, program=outline.program, status=outline.status,
            status_date=status_date.isoformat(), status_reason=reason or REASONS.get(self._reason, ""),
            status_reason_code=self._reason, cancellation_effective=effective, cure_amount=cure, reinstate_by=by,
            reinstatement_amount=amount,
            replaced_by=policy_number(heir.index, heir.program) if heir else "",
            underwriter_name=underwriter, underwriter_phone=underwriter_phone, underwriter_email=underwriter_email,
        )  # fmt: skip

    def _write_term(self, out: PackageWriter, term: Term) -> None:
        offer = term.offer_expires.isoformat() if term.offer_expires else ""
        quick = flag(term.status == "offered" and self._outline.is_solo)
        through = self._ledger.paid_through(term)
        out.add(
            "terms.csv", term_id=term.id, policy_number=self._number, status=term.status,
            effective=term.effective.isoformat(), expires=term.expires.isoformat(),
            premium=money(self._segments.premium(term)), payment_plan=self._plan, billing=self._billing,
            offer_expires=offer, quick_renew=quick, paid_through=through.isoformat() if through else "",
        )  # fmt: skip

    def _write_agents(self, out: PackageWriter) -> None:
        """Add the agency of record, and the one before it if it changed."""
        outline = self._outline
        if not outline.agency:
            return
        since = min(self._schedule.terms[0].effective, self._today - dt.timedelta(days=30))
        if outline.earlier_agency:
            handed_over = max(since + dt.timedelta(days=1), self._today - dt.timedelta(days=20))
            if outline.index == BROKER_CHANGES:
                # The letter came in; the day is known, but until then the client may change it back.
                handed_over = self._today + dt.timedelta(days=BROKER_CHANGES_IN)
            out.add(
                "agents_of_record.csv", policy_number=self._number, agency_id=Ids.agency(outline.earlier_agency),
                from_=since.isoformat(), to=handed_over.isoformat(),
            )  # fmt: skip
            since = handed_over
        out.add(
            "agents_of_record.csv", policy_number=self._number, agency_id=Ids.agency(outline.agency),
            from_=since.isoformat(),
        )  # fmt: skip
