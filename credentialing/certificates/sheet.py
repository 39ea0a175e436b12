"""The words of a certificate's page, made from its snapshot: the wordings of each kind are here, once.

It queries nothing: the same snapshot always gives the same page (docs/spec.md#insurance-facts).
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
from policies.models.tails import OPTIONS

PAST_COVERAGE = "past_coverage_letter"
READABLE = (3, 4)
# What the policy says about the work that it covers: heading and key in the snapshot.
WORDINGS = {"Scope of coverage": "scope", "Locum tenens": "locum", "Covered states": "states"}


@dataclass(frozen=True)
class Statement:
    """A sentence in a box above the facts; `kind` is empty (a warning) or 'plain'."""

    title: str
    text: str
    kind: str = ""


class Entry:
    """One coverage, as a certificate states it or as a line of a letter."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.policy: str = facts["policy"]
        self.named_insured: str = facts["named_insured"]
        self.part: str = facts["part"]
        self.form_name: str = facts["form_name"]
        self.is_occurrence: bool = facts["form"] == "occurrence"
        self.retroactive: str = facts["retroactive"]
        self.per: str = facts["per"]
        self.funds: list[str] = [_fund(each) for each in facts["funds"]]
        self.suspensions: list[str] = [_span(each) for each in facts["suspensions"]]
        self.prior_limits: list[str] = [_prior_limits(each) for each in facts["prior_limits"]]
        self.defense = f"Defense {facts['defense']}" if facts["defense"] else ""
        self.starts = dt.date.fromisoformat(facts["starts"])
        self.ends = dt.date.fromisoformat(facts["ends"])
        self.per_claim = whole_dollars(Decimal(facts["per_claim"]))
        self.aggregate = whole_dollars(Decimal(facts["aggregate"]))
        self.is_shared: bool = facts["shared"]
        shared_with = facts["shared_with"] or "other insureds of the policy"
        self.sharing = f"Shared with {shared_with}" if self.is_shared else "Separate for this insured"


class Sheet:
    """A certificate's snapshot in words, for its template."""

    generator = "Customer portal"

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        """`snapshot` comes from `build_snapshot`. Raises ValueError on a version not in `READABLE`."""
        if snapshot["version"] not in READABLE:
            raise ValueError(f"A snapshot of version {snapshot['version']} can't be read; these can be: {READABLE}.")
        self.kind: str = snapshot["kind"]
        self.company: dict[str, Any] = snapshot["company"]
        self.producer: dict[str, Any] | None = snapshot["producer"]
        self.named_insured: dict[str, Any] = snapshot["named_insured"]
        self.insured: dict[str, Any] = snapshot["insured"]
        self.policy: dict[str, Any] = snapshot["policy"]
        self.hour: str = self.policy["hour"]
        self.coverage = Entry(snapshot["coverage"])
        self.endorsements: list[str] = snapshot["coverage"]["endorsements"]
        self.history = [Entry(facts) for facts in snapshot["history"]]
        self.holder: dict[str, Any] | None = snapshot["holder"]
        self.contact: dict[str, str] = snapshot["contact"]
        self._whole_history: bool = snapshot["whole_history"]
        self._deductible = Decimal(snapshot["coverage"]["deductible"])
        self._deductible_basis: str = snapshot["coverage"]["deductible_basis"]
        self._wordings = {name: snapshot["coverage"][key] for name, key in WORDINGS.items()}
        self._standing: dict[str, Any] = snapshot["standing"]
        self._tails: list[dict[str, Any]] = snapshot["tails"]
        self._as_of: dict[str, str] = snapshot["as_of"]
        self.issued_on = dt.date.fromisoformat(snapshot["issued_on"])
        self.policy_starts = dt.date.fromisoformat(self.policy["starts"])
        self.policy_ends = dt.date.fromisoformat(self.policy["ends"])

    @property
    def is_letter(self) -> bool:
        """Whether this is a letter of past coverage."""
        return self.kind == PAST_COVERAGE

    @property
    def title(self) -> str:
        """The heading of the page and the title of the file."""
        return "Letter of Past Coverage" if self.is_letter else "Certificate of Insurance"

    @property
    def paper(self) -> str:
        """The page's word for itself in a sentence."""
        return "letter" if self.is_letter else "certificate"

    @property
    def addressee(self) -> str:
        """The page's word for its reader in a sentence."""
        return "recipient" if self.is_letter else "certificate holder"

    @property
    def status(self) -> str:
        """The status of the coverage on the day of issue, as `policies.eligibility` judged it. Never a reason."""
        if self.is_letter:
            what = "Policy period" if self._goes_on else "Coverage"
            return f"{what} ended on {day_long(self.coverage.ends)}"
        cancelled = self._day("cancellation_effective")
        if begins := self._day("begins"):
            status = f"Bound; begins on {day_long(begins)}"
        else:
            status = f"In force on {day_long(self.issued_on)}"
        if cancelled is None:
            return status
        if cancelled == self.coverage.ends:
            return f"{status}; ends on {day_long(cancelled)}"
        return f"{status}; cancellation pending for {day_long(cancelled)}"

    @property
    def history_heading(self) -> str:
        """The heading of a letter's list: everything with the company, or one policyholder's policies only."""
        if self._whole_history:
            return f"Past coverage on record with {self.company['name']}"
        return f"Past coverage on record under policies of {self.named_insured['name']}"

    @property
    def names_differ(self) -> bool:
        """Whether a letter lists policies of several policyholders, so each line names its own."""
        return len({entry.named_insured for entry in self.history}) > 1

    @property
    def tall_foot(self) -> bool:
        """Whether the company's or signatory's name is so long that the foot of the page needs more room."""
        return len(self.company["name"]) > 60 or len(self.company["signatory"] + self.company["signatory_title"]) > 80

    @property
    def statements(self) -> list[Statement]:
        """The sentences above a certificate's facts: a cancellation ahead, a term that begins later. Never a reason."""
        found = [Statement("Days not covered.", text) for text in self._days_not_covered]
        if cancelled := self._day("cancellation_effective"):
            found.append(self._cancellation(cancelled))
        if begins := self._day("begins"):
            what = "the renewal term, which is bound" if self._standing["renewal"] else "coverage that is bound"
            found.append(
                Statement(
                    "Renewal term." if self._standing["renewal"] else "Upcoming coverage.",
                    f"This certificate is of {what} and begins on {day_long(begins)}, {self.hour}.",
                    kind="plain",
                )
            )
        return found

    @property
    def _days_not_covered(self) -> list[str]:
        """A sentence for each suspension within the period: a leave isn't an end, but its days aren't covered."""
        spans = self.coverage.suspensions
        return [f"Professional services from {span}, {self.hour}, aren’t covered." for span in spans]

    @property
    def wordings(self) -> list[tuple[str, str]]:
        """The policy's own wordings of what is covered, each with its name; none where it has none."""
        return [(name, text) for name, text in self._wordings.items() if text]

    def _cancellation(self, cancelled: dt.date) -> Statement:
        """Return a pending cancellation, or the end of a policy that is cancelled as of a later day."""
        if cancelled == self.coverage.ends:
            text = f"Coverage under this policy ends on {day_long(cancelled)}, {self.hour}."
            return Statement("Coverage ends before the policy period does.", text)
        text = (
            f"This policy will be cancelled effective {day_long(cancelled)}, {self.hour}, unless the company withdraws "
        )
        text += "the cancellation."
        if cancelled < self.coverage.ends:
            text += " The coverage stated below then ends on that day."
        return Statement("Cancellation pending.", text)

    @property
    def how_it_ended(self) -> str:
        """The letter's sentence on the end. Never the carrier's reasons: a third party reads it."""
        number, day = self.policy["number"], day_long(self.coverage.ends)
        sentences = {
            "cancelled": f"Policy {number} was cancelled, and coverage under it ended on {day}.",
            "left": f"Coverage of this insured under policy {number} ended on {day}.",
            "ended": f"Coverage under policy {number} ended on {day}.",
            "term": f"The period of policy {number} that began on {day_long(self.policy_starts)} ended on {day}.",
        }
        return sentences[self._standing["how_it_ended"]]

    @property
    def continuation(self) -> str:
        """The letter's sentence on the policy that continues the coverage; empty without one."""
        continued = self._standing.get("continued")
        if not continued:
            return ""
        since = day_long(dt.date.fromisoformat(continued["since"]))
        return f"Coverage continued under policy {continued['policy']}, effective {since}."

    @property
    def licenses(self) -> str:
        """'License NY 123456' or 'Licenses NY 123456, NJ 99'; empty where none is printed."""
        numbers = self.insured["licenses"]
        if not numbers:
            return ""
        return f"License{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"

    @property
    def particulars(self) -> list[str]:
        """Specialty, NPI, and licenses, as far as they are printed."""
        npi = f"NPI {self.insured['npi']}" if self.insured["npi"] else ""
        return [part for part in (self.insured["specialty"], npi, self.licenses) if part]

    @property
    def own_period(self) -> bool:
        """Whether this insured's coverage began later or ended earlier than the policy period."""
        return (self.coverage.starts, self.coverage.ends) != (self.policy_starts, self.policy_ends)

    @property
    def deductible(self) -> str:
        return whole_dollars(self._deductible) if self._deductible else "None"

    @property
    def deductible_basis(self) -> str:
        """'Indemnity only', or empty without a deductible or where the carrier doesn't say."""
        return self._deductible_basis.capitalize() if self._deductible else ""

    @property
    def tails(self) -> list[str]:
        """The state of the extended reporting endorsement, a line for each part of each policy."""
        several = len(self._tails) > 1
        lines = []
        for tail in self._tails:
            about = f"{tail['part']}, policy {tail['policy']}: " if several else ""
            if tail["occurrence"]:
                lines.append(f"{about}Not needed: occurrence form")
            elif tail["in_place"]:
                lines += [about + _tail(each) for each in tail["in_place"]]
            else:
                lines.append(f"{about}None on record")
        return lines

    @property
    def as_of_text(self) -> str:
        """The time of the company's data in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
        moment = dt.datetime.fromisoformat(self._as_of["at"]).astimezone(ZoneInfo(self._as_of["zone"]))
        return date_format(timezone.localtime(moment, moment.tzinfo), "F j, Y, g:i a T")

    @property
    def _goes_on(self) -> bool:
        return bool(self._standing["how_it_ended"] == "term")

    def _day(self, name: str) -> dt.date | None:
        value = self._standing.get(name)
        return dt.date.fromisoformat(value) if value else None


def _span(facts: Mapping[str, Any]) -> str:
    """Return 'March 1, 2026, to May 1, 2026'; an end is the first day that counts again."""
    starts, ends = (day_long(dt.date.fromisoformat(facts[name])) for name in ("starts", "ends"))
    return f"{starts}, to {ends}"


def _prior_limits(facts: Mapping[str, Any]) -> str:
    """Return 'incidents before January 1, 2024: $500,000 / $1,500,000'."""
    limits = f"{whole_dollars(Decimal(facts['per_claim']))} / {whole_dollars(Decimal(facts['aggregate']))}"
    return f"incidents before {day_long(dt.date.fromisoformat(facts['before']))}: {limits}"


def _fund(facts: Mapping[str, Any]) -> str:
    """Return 'State Excess Fund, occurrence, layer: $1,000,000, enrolled from July 1, 2026, to July 1, 2027'."""
    parts = [facts["name"], facts["form"], f"layer: {facts['limits']}" if facts["limits"] else ""]
    if facts["starts"]:
        parts.append(f"enrolled from {day_long(dt.date.fromisoformat(facts['starts']))}")
    if facts["ends"]:
        parts.append(f"to {day_long(dt.date.fromisoformat(facts['ends']))}")
    return ", ".join(part for part in parts if part)


def _tail(facts: Mapping[str, Any]) -> str:
    """Return 'Unlimited reporting period from March 1, 2026, purchased'."""
    line: str = OPTIONS.get(facts["option"], facts["option"])
    if facts["starts"]:
        line += f" from {day_long(dt.date.fromisoformat(facts['starts']))}"
    if facts["ends"]:
        line += f" to {day_long(dt.date.fromisoformat(facts['ends']))}"
    return f"{line}, {facts['state']}"
