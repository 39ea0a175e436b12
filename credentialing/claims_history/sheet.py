"""The words of a claims history and a loss run, made from their snapshots: for the PDF, and for the page that shows
what the paper will hold.

It queries nothing: the same snapshot always gives the same words.
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

from core.money import dollars, whole_dollars
from core.templatetags.show import day, day_long

READABLE = (1,)
NONE = "–"


@dataclass(frozen=True)
class CoverageLine:
    """One period of coverage, in words."""

    policy: str
    named_insured: str
    period: str
    coverage: str
    specialty: str
    limits: str
    per: str


@dataclass(frozen=True)
class ClaimLine:
    """One claim or suit, in words. `insured`, `expense`, `reserve`, and `total` are a loss run's."""

    number: str
    policy: str
    kind: str
    status: str
    disposition: str
    incident: str
    report: str
    closed: str
    indemnity: str
    description: str
    insured: str = ""
    expense: str = ""
    reserve: str = ""
    total: str = ""

    @property
    def has_incident(self) -> bool:
        """Whether the date of the incident is known."""
        return self.incident != NONE


class Sheet:
    """A snapshot in words, for its templates."""

    generator = "Customer portal"

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        """`snapshot` comes from `claims_history.snapshot`. Raises ValueError on a version that isn't in `READABLE`."""
        if snapshot["version"] not in READABLE:
            raise ValueError(f"A snapshot of version {snapshot['version']} can't be read; these can be: {READABLE}.")
        self._snapshot = snapshot
        self.company: dict[str, Any] = snapshot["company"]
        self.contact: dict[str, str] = snapshot["contact"]
        self.years: int | None = snapshot["years"]
        self.valued_on = _date(snapshot["valued_on"])
        self.issued_on = _date(snapshot["issued_on"])
        self.window_starts = _date(snapshot["window_starts"]) if snapshot["window_starts"] else None
        self.is_history: bool = snapshot["kind"] == "history"
        self.holder: dict[str, Any] | None = snapshot.get("holder")
        self.form: dict[str, str] | None = snapshot.get("form")
        self.purpose: str = snapshot.get("purpose", "")
        self.under: str = snapshot.get("under", "")
        self.shows_reserves: bool = snapshot.get("reserves", False)
        self.claims = [_claim(facts) for facts in snapshot["claims"]]

    @property
    def title(self) -> str:
        """The heading of the page and the title of the file."""
        return "Claims History" if self.is_history else "Loss Run"

    @property
    def subject(self) -> str:
        """Whose it is."""
        who = self._snapshot["insured"] if self.is_history else self._snapshot["named_insured"]
        return str(who["name"])

    @property
    def particulars(self) -> list[str]:
        """Specialty and NPI of the insured, as far as they are printed."""
        insured = self._snapshot["insured"]
        return [part for part in (insured["specialty"], f"NPI {insured['npi']}" if insured["npi"] else "") if part]

    @property
    def named_insured(self) -> dict[str, Any]:
        """A loss run's policyholder with the address."""
        found: dict[str, Any] = self._snapshot["named_insured"]
        return found

    @property
    def window(self) -> str:
        """'Claims reported from November 20, 2016, to November 20, 2026, and all open claims'."""
        if self.window_starts is None:
            return f"All claims reported through {day_long(self.valued_on)}"
        return (
            f"Claims reported from {day_long(self.window_starts)}, to {day_long(self.valued_on)}, and all claims that "
            "are still open"
        )

    @property
    def scope(self) -> str:
        """Whose policies it is limited to; of a loss run, which policies."""
        if not self.is_history:
            numbers = ", ".join(policy["number"] for policy in self._snapshot["policies"])
            what = "All policies on the account" if self._snapshot["account"] else "Policy"
            return f"{what}: {numbers}" if self._snapshot["account"] else f"{what} {numbers}"
        if self.under:
            return f"Coverage under policies of {self.under}"
        return f"All coverage on record with {self.company['name']}"

    @property
    def starts(self) -> dt.date:
        """The first day that the statement speaks of: that of the first coverage on record, or of a claim from before
        it, and never before the window's."""
        firsts = [self._snapshot["since"]] if self.is_history else [one["starts"] for one in self._snapshot["periods"]]
        firsts += [claim["report"] for claim in self._snapshot["claims"]]
        first = min((_date(one) for one in firsts), default=self.valued_on)
        return first if self.window_starts is None else max(first, self.window_starts)

    @property
    def statement(self) -> str:
        """The sentence that a reader looks for first: how many claims, or explicitly none, with this company, from when
        to when."""
        under = f" under policies of {self.under}" if self.under else ""
        span = f"from {day_long(self.starts)}, to {day_long(self.valued_on)}"
        if not self.claims:
            return f"No claims with this company{under} {span}."
        number = len(self.claims)
        still = sum(1 for claim in self.claims if claim.status == "Open")
        if number == 1:
            return f"1 claim with this company{under} {span}, {'still open' if still else 'closed'}."
        state = f"of which {still} {'is' if still == 1 else 'are'} open"
        if still in (0, number):
            state = "all open" if still else "all closed"
        return f"{number} claims with this company{under} {span}, {state}."

    @property
    def release(self) -> str:
        """The sentence on the insured's authorization; empty where the insured issued the history."""
        given = self._snapshot.get("authorization")
        if not given:
            return ""
        return f"Released on the insured’s authorization of {day_long(_date(given['given_on']))}."

    @property
    def coverages(self) -> list[CoverageLine]:
        """The periods of coverage of a history."""
        return [
            CoverageLine(
                policy=facts["policy"],
                named_insured=facts["named_insured"],
                period=f"{day(_date(facts['starts']))} – {day(_date(facts['ends']))}",
                coverage=f"{facts['part']}, {facts['form_name']}",
                specialty=facts["specialty"],
                limits=f"{_whole(facts['per_claim'])} / {_whole(facts['aggregate'])}",
                per=f"{facts['per']} / annual aggregate",
            )
            for facts in self._snapshot["coverages"]
        ]

    @property
    def periods(self) -> list[tuple[str, str]]:
        """The policy periods of a loss run: number and dates."""
        return [
            (one["policy"], f"{day(_date(one['starts']))} – {day(_date(one['ends']))}")
            for one in self._snapshot["periods"]
        ]

    @property
    def lines(self) -> int:
        """How many lines it has beside its claims."""
        return len(self._snapshot["coverages"] if self.is_history else self._snapshot["periods"])

    @property
    def has_several_policies(self) -> bool:
        return len(self._snapshot.get("policies", ())) > 1

    @property
    def totals(self) -> dict[str, str]:
        """What a loss run's claims come to."""
        rows = self._snapshot["claims"]
        sums = {name: sum((Decimal(one[name] or 0) for one in rows), Decimal(0)) for name in ("indemnity", "expense")}
        sums["reserve"] = sum((Decimal(one["reserve"] or 0) for one in rows), Decimal(0))
        sums["total"] = sums["indemnity"] + sums["expense"] + sums["reserve"]
        return {name: dollars(amount) for name, amount in sums.items()}

    @property
    def as_of_text(self) -> str:
        """The time of the company's data in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
        as_of = self._snapshot["as_of"]
        moment = dt.datetime.fromisoformat(as_of["at"]).astimezone(ZoneInfo(as_of["zone"]))
        return date_format(timezone.localtime(moment, moment.tzinfo), "F j, Y, g:i a T")


def _claim(facts: Mapping[str, Any]) -> ClaimLine:
    paid = Decimal(facts["indemnity"])
    line: dict[str, str] = {name: facts[name] for name in ("number", "policy", "kind", "status", "description")}
    line |= {name: day(_date(facts[name])) if facts[name] else NONE for name in ("incident", "report", "closed")}
    line |= {"disposition": facts["disposition"], "indemnity": dollars(paid)}
    if "expense" in facts:
        expense, reserve = Decimal(facts["expense"]), Decimal(facts["reserve"] or 0)
        line |= {"insured": facts["insured"], "expense": dollars(expense), "total": dollars(paid + expense + reserve)}
        line["reserve"] = dollars(reserve) if facts["reserve"] is not None else ""
    return ClaimLine(**line)


def _whole(amount: str) -> str:
    return whole_dollars(Decimal(amount))


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
