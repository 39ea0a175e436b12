"""Documents of one invented policy, as small PDFs. The policies at the front of the book have their own; all others
share one for each kind, which says that it is a specimen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from feed.example.companies import BY_COMPANY
from feed.example.endorsements import LEAVE
from feed.example.ledger import Ledger
from feed.example.members import Outline
from feed.example.money import bills_of, invoice_id
from feed.example.pdf import Line, pdf
from feed.example.rows import Ids, cents, policy_number
from feed.example.segments import LEFT, Segment, Segments
from feed.example.stories import ALL_STORIES, GROUP, SOLO
from feed.example.tails import OPTIONS, letter_code, price_of
from feed.example.terms import DAY, Schedule, Term
from feed.example.writing import PackageWriter

# Program → form number and name of the policy, claims-made and occurrence.
POLICY_FORMS = {
    "physicians": ("LM-PL-100", "LM-PL-110", "Physicians and surgeons professional liability"),
    "allied": ("LM-AH-210", "LM-AH-200", "Advanced practice and allied professional liability"),
    "dental": ("LM-DN-120", "LM-DN-130", "Dental professional liability"),
    "facility": ("LM-FA-310", "LM-FA-320", "Health care facility liability"),
    "student": ("LM-ST-150", "LM-ST-150", "Student and school blanket professional liability"),
}
# Programs as they are sold, by program and size.
GROUP_ADVANTAGE_FROM = 25
PROGRAM_NAMES = {
    "physicians": "Physicians & Surgeons",
    "allied": "Advanced Practice & Allied",
    "dental": "Dental Professionals",
    "facility": "Ambulatory Facilities",
    "student": "Student & School Blanket",
}
SPECIMEN = "Specimen of an invented carrier. The policy’s own document would be here."
INVENTED = "An invented document of an invented carrier."


class _Document(NamedTuple):
    """A document: `name` of its file, and what it says."""

    id: str
    kind: str
    title: str
    issued: dt.date
    term: Term
    name: str
    lines: Sequence[str]


class DocumentRows:
    """Writes the documents of one policy."""

    def __init__(
        self, outline: Outline, ids: Ids, schedule: Schedule, segments: Segments, ledger: Ledger, *, name: str,
        seed: int, today: dt.date,
    ) -> None:  # fmt: skip
        self._outline, self._ids, self._schedule, self._segments = outline, ids, schedule, segments
        self._ledger, self._name, self._seed, self._today = ledger, name, seed, today
        self._number = policy_number(outline.index, outline.program)
        self._own = outline.index < ALL_STORIES
        self._cast = outline.index in {GROUP, SOLO}

    def write(self, out: PackageWriter) -> None:
        """Add the rows and their files."""
        for term in self._schedule.terms:
            if term.covered and (term.effective >= self._schedule.began or self._cast):
                self._write(out, self._declarations(term))
        current = next(one for one in self._schedule.terms if one.effective == self._schedule.began)
        if self._outline.status != "pending":
            self._write(out, self._policy(current))
        if self._cast or self._outline.index % 7 == 3:
            self._write(out, self._application(current))
        if any(one.status == "bound" and one.effective > self._schedule.began for one in self._schedule.terms):
            self._write(out, self._renewal_application(current))
        for document in (*self._endorsements(current), *self._notices(current), *self._tail_letters(current)):
            self._write(out, document)
        self._write_invoices(out)

    def _write(self, out: PackageWriter, one: _Document, *, account: str = "") -> None:
        own = self._cast or (self._own and one.kind in {"declarations", "notice"})
        path = f"documents/{self._number}/{one.name}.pdf" if own else f"documents/specimens/{one.kind}.pdf"
        if not out.has_document(path):
            company = BY_COMPANY[self._outline.company].name if own else "Larkfield Mutual Insurance Company"
            title = one.title if own else one.kind.replace("_", " ").capitalize()
            words = [f"Policy {self._number}", f"Named insured: {self._name}", *one.lines] if own else [SPECIMEN]
            lines = [Line(company), Line(title, heading=True), Line(""), *map(Line, words), Line(""), Line(INVENTED)]
            out.write_document(path, pdf(title, lines))
        out.add(
            "documents.csv", document_id=one.id, policy_number="" if account else self._number,
            billing_account_id=account, term_id=one.term.id, kind=one.kind, title=one.title,
            issued=one.issued.isoformat(), path=path, sha256=out.digest_of(path),
        )  # fmt: skip

    def _id(self, term: Term, name: str) -> str:
        return f"DO{self._ids.policy:06}-{term.effective.year}-{name}"

    def _declarations(self, term: Term) -> _Document:
        segments = self._segments.of(term)
        outline = self._outline
        advantage = outline.program == "physicians" and outline.clinicians >= GROUP_ADVANTAGE_FROM
        first = segments[0]
        lines = [
            f"Program: {'Group Advantage' if advantage else PROGRAM_NAMES[outline.program]}",
            f"Policy period: {long(term.effective)} to {long(term.expires)}, {BY_COMPANY[outline.company].period}",
            f"Coverage: {'claims-made' if first.form == 'claims_made' else 'occurrence'}",
            f"Limits: ${first.limits[0]:,} / ${first.limits[1]:,}",
            f"Insureds: {len({one.place for one in segments})}",
            f"Premium: ${sum(one.premium for one in segments):,}",
        ]
        title = f"Declarations, {term.effective.year}–{term.expires.year}"
        return _Document(
            self._id(term, "DEC"), "declarations", title, min(term.effective, self._today), term,
            f"declarations-{term.effective.year}", lines,
        )  # fmt: skip

    def _policy(self, term: Term) -> _Document:
        claims_made, occurrence, name = POLICY_FORMS[self._outline.program]
        form = claims_made if self._segments.claims_made else occurrence
        title = f"{name} policy, {form} ({term.effective:01-%y})"
        lines = [
            "This policy consists of the declarations, this form, and the endorsements listed in the declarations.",
            "Report an incident as soon as you learn of it. The policy says what counts as a report.",
        ]
        return _Document(
            self._id(term, "POL"), "policy", title, min(term.effective, self._today), term, "policy", lines
        )

    def _application(self, term: Term) -> _Document:
        day = min(term.effective, self._today) - 45 * DAY
        return _Document(
            self._id(term, "APP"), "application", "Application", day, term, "application", ["Signed electronically."]
        )

    def _renewal_application(self, term: Term) -> _Document:
        day = min(term.expires - 60 * DAY, self._today - DAY)
        title = f"Renewal application, {term.expires.year}"
        return _Document(
            self._id(term, "REN"), "renewal_application", title, day, term, "renewal-application",
            ["Completed and signed electronically. Nothing has changed since the last one."],
        )  # fmt: skip

    def _endorsements(self, term: Term) -> list[_Document]:
        """Return the endorsements that came in mid-term, and the cast's leave."""
        found = [self._changed(term, one) for one in self._segments.of(term) if one.change and one.continues]
        if self._outline.story.leave:
            day = min(term.effective + 30 * DAY, self._today)
            words = "Professional services from March 1 to April 1 are not covered. The policy goes on."
            title = f"Endorsement {LEAVE.form} ({LEAVE.edition}), {LEAVE.title}"
            found.append(
                _Document(self._id(term, "END-L"), "endorsement", title, day, term, "endorsement-leave", [words])
            )
        return found

    def _changed(self, term: Term, one: Segment) -> _Document:
        title = f"Endorsement, {'increased limits' if one.prior else 'change of specialty'}"
        return _Document(
            self._id(term, f"END{one.place:04}"), "endorsement", title, one.effective, term,
            f"endorsement-{one.place}", [f"Effective {long(one.effective)}."],
        )  # fmt: skip

    def _notices(self, term: Term) -> list[_Document]:
        status, ends = self._outline.status, self._schedule.ends
        if status == "pending_cancellation":
            day = self._today - 10 * DAY
            words = f"The policy will be cancelled unless ${cents(self._ledger.past_due)} is paid."
            return [_Document(self._id(term, "NOC"), "notice", "Notice of cancellation", day, term, "notice", [words])]
        if status == "nonrenewed":
            words = f"The policy ends on {long(ends)} and will not be renewed. Until then it is in force."
            return [
                _Document(
                    self._id(term, "NON"), "notice", "Notice of nonrenewal", ends - 100 * DAY, term, "notice", [words]
                )
            ]
        return []

    def _tail_letters(self, term: Term) -> list[_Document]:
        """Return the letter to the cast's clinician who left, with the code to choose and pay."""
        left = [one for one in self._segments.of(term) if one.reason == LEFT and one.part == "professional"]
        if not self._cast or not left or not self._segments.claims_made:
            return []
        one = left[0]
        options = [f"{option}: ${price_of(one.annual, share):,}" for option, _, share in OPTIONS]
        words = [
            f"Coverage ended on {long(one.expires)}. You may choose extended reporting within 60 days.", *options,
            f"Your code: {letter_code(self._seed, one.id)}",
        ]  # fmt: skip
        return [
            _Document(
                self._id(term, "ERE"), "notice", "Offer of extended reporting", one.expires, term, "tail-offer", words
            )
        ]

    def _write_invoices(self, out: PackageWriter) -> None:
        """Add the invoices that went out."""
        bills = bills_of(self._ledger, self._outline, began=self._schedule.began, today=self._today)
        for ledger, bill in bills:
            year = ledger.term.effective.year
            number = invoice_id(self._ids, year, bill.number)
            amount = cents(bill.billed or bill.amount + bill.fee)
            document = _Document(
                f"DO-{number}", "invoice", f"Invoice {number}", bill.due - 20 * DAY, ledger.term, number.lower(),
                [f"Invoice {number}", f"Amount: ${amount}", f"Due: {long(bill.due)}"],
            )  # fmt: skip
            self._write(out, document, account=self._ids.account)


def long(day: dt.date) -> str:
    """Return a date as written: August 1, 2026."""
    return f"{day:%B} {day.day}, {day.year}"
