"""What a certificate's page says, read from its snapshot: the wordings of each kind stand here, once.

Nothing is looked up: the same snapshot always gives the same page (SPEC: insurance facts to get right).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format

from core.money import whole_dollars
from core.templatetags.show import day_long

PAST_COVERAGE = "past_coverage_letter"
TIME_OF_DAY = "12:01 a.m. standard time at the named insured’s address"
# EreOffer.option as the feed spells it, in words; others are printed as they come.
TAILS = {"unlimited": "Unlimited reporting period", **{f"{n}y": f"{n} years" for n in range(2, 11)}, "1y": "1 year"}


@dataclass(frozen=True)
class Notice:
    """A statement that must not be overlooked; kind is empty (attention) or 'plain'."""

    title: str
    text: str
    kind: str = ""


class Sheet:
    """The snapshot of a certificate as its template reads it."""

    generator = "Customer portal"

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        """`snapshot` as `credentialing.snapshot.build_snapshot` makes it."""
        self.kind: str = snapshot["kind"]
        self.company: dict[str, Any] = snapshot["company"]
        self.producer: dict[str, Any] | None = snapshot["producer"]
        self.named_insured: dict[str, Any] = snapshot["named_insured"]
        self.insured: dict[str, Any] = snapshot["insured"]
        self.policy: dict[str, Any] = snapshot["policy"]
        self.coverage: dict[str, Any] = snapshot["coverage"]
        self.holder: dict[str, Any] | None = snapshot["holder"]
        self.contact: dict[str, str] = snapshot["contact"]
        self._standing: dict[str, Any] = snapshot["standing"]
        self._ere: list[dict[str, Any]] = snapshot["ere"]
        self._as_of: dict[str, str] = snapshot["as_of"]
        self.issued_on = dt.date.fromisoformat(snapshot["issued_on"])
        self.policy_starts = dt.date.fromisoformat(self.policy["starts"])
        self.policy_ends = dt.date.fromisoformat(self.policy["ends"])
        self.starts = dt.date.fromisoformat(self.coverage["starts"])
        self.ends = dt.date.fromisoformat(self.coverage["ends"])

    @property
    def is_letter(self) -> bool:
        """Whether this is a letter of past coverage, not a certificate."""
        return self.kind == PAST_COVERAGE

    @property
    def title(self) -> str:
        """The heading of the page and the title of the file."""
        return "Letter of Past Coverage" if self.is_letter else "Certificate of Insurance"

    @property
    def paper(self) -> str:
        """What the page calls itself in a sentence."""
        return "letter" if self.is_letter else "certificate"

    @property
    def addressee(self) -> str:
        """Whoever holds the paper, in a sentence."""
        return "recipient" if self.is_letter else "certificate holder"

    @property
    def addressee_label(self) -> str:
        """The heading over the holder."""
        return "Addressed to" if self.is_letter else "Certificate holder"

    @property
    def coverage_heading(self) -> str:
        """The heading over the facts of the coverage."""
        if self.is_letter:
            return "The coverage that was in force"
        return "The coverage"

    @property
    def tall_foot(self) -> bool:
        """Whether the company's or the signatory's name is so long that the foot of the page needs more room."""
        return len(self.company["name"]) > 60 or len(self.company["signatory"] + self.company["signatory_title"]) > 80

    @property
    def notices(self) -> list[Notice]:
        """What stands over a certificate: a pending cancellation, a term that is still to begin."""
        found = []
        if cancelled := self._day("cancellation_effective"):
            text = f"This policy is to be cancelled effective {day_long(cancelled)}, {TIME_OF_DAY}."
            if cancelled < self.ends:
                text += " The coverage stated below ends then, unless the company withdraws the cancellation."
            found.append(Notice("Cancellation pending.", text))
        if begins := self._day("begins"):
            what = (
                "This certificate is of the renewal term, which is bound"
                if self._standing["renewal"]
                else ("This certificate is of coverage that is bound")
            )
            found.append(
                Notice(
                    "Renewal term." if self._standing["renewal"] else "Coverage to come.",
                    f"{what} and begins on {day_long(begins)}, {TIME_OF_DAY}.",
                    kind="plain",
                )
            )
        return found

    @property
    def how_it_ended(self) -> str:
        """The letter's sentence on the end. The carrier's reasons stay with the carrier: a third party reads this."""
        verb = "ended" if self.ends <= self.issued_on else "ends"
        day = day_long(self.ends)
        sentences = {
            "ended": f"The coverage stated below {verb} on {day}.",
            "cancelled": f"The policy was cancelled, and this coverage {verb} on {day}.",
            "nonrenewed": f"The policy was not renewed, and this coverage {verb} on {day}.",
            "expired": f"The policy period expired, and this coverage {verb} on {day}.",
            "left": f"Coverage of this insured under the policy {verb} on {day}.",
            "past_term": f"The policy period stated below has passed; its coverage {verb} on {day}.",
        }
        return sentences[self._standing["how_it_ended"]]

    @property
    def licenses(self) -> str:
        """'License NY 123456', 'Licenses NY 123456, NJ 99'; empty where none is on record."""
        numbers = self.insured["licenses"]
        if not numbers:
            return ""
        return f"License{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"

    @property
    def particulars(self) -> str:
        """Specialty and licenses in a sentence: 'Obstetrics and gynecology; licenses NY 123456, NJ 99'."""
        licenses = self.licenses
        parts = (self.insured["specialty"], licenses[:1].lower() + licenses[1:])
        return "; ".join(part for part in parts if part)

    @property
    def own_period(self) -> bool:
        """Whether this insured's coverage began later or ended earlier than the policy period."""
        return (self.starts, self.ends) != (self.policy_starts, self.policy_ends)

    @property
    def per_claim(self) -> str:
        """The first limit."""
        return whole_dollars(Decimal(self.coverage["per_claim"]))

    @property
    def aggregate(self) -> str:
        """The annual aggregate limit."""
        return whole_dollars(Decimal(self.coverage["aggregate"]))

    @property
    def sharing(self) -> str:
        """Whether the limits are this insured's own."""
        return "Shared with other insureds of the policy" if self.coverage["shared"] else "Separate for this insured"

    @property
    def deductible(self) -> str:
        """The deductible, or that there is none."""
        amount = Decimal(self.coverage["deductible"])
        return whole_dollars(amount) if amount else "None"

    @property
    def tails(self) -> list[str]:
        """Extended reporting endorsements that are in place: 'Unlimited reporting period from March 1, 2026'."""
        lines = []
        for tail in self._ere:
            line = TAILS.get(tail["option"], tail["option"])
            if tail["starts"]:
                line += f" from {day_long(dt.date.fromisoformat(tail['starts']))}"
            if tail["ends"]:
                line += f" to {day_long(dt.date.fromisoformat(tail['ends']))}"
            lines.append(line)
        return lines

    @property
    def as_of_text(self) -> str:
        """The moment of the company's data, in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
        moment = dt.datetime.fromisoformat(self._as_of["at"]).astimezone(ZoneInfo(self._as_of["zone"]))
        return date_format(timezone.localtime(moment, moment.tzinfo), "F j, Y, g:i a T")

    def _day(self, name: str) -> dt.date | None:
        value = self._standing.get(name)
        return dt.date.fromisoformat(value) if value else None
