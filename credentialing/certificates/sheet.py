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
READABLE = (3, 4, 5)
# What the policy says about the work that it covers: heading and key in the snapshot.
WORDINGS = {"Scope of coverage": "scope", "Locum tenens": "locum", "Covered states": "states"}
# So many lines of the first page are full, apart from what is always there.
CROWDED = 29
# So many small letters of a legend are on one line of the foot; a capital takes as much room as one and a half.
LEGEND_LINE = 160


@dataclass(frozen=True)
class Statement:
    """A sentence in a box above the facts; `kind` is empty (a warning) or 'plain'."""

    title: str
    text: str
    kind: str = ""


class Entry:
    """One coverage, as a line of a letter states it, and as a part of a certificate."""

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


class Part(Entry):
    """One part of a certificate: with its deductible, wordings, and endorsements."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        amount = Decimal(facts["deductible"])
        self.deductible = whole_dollars(amount) if amount else "None"
        # 'Indemnity only', or empty without a deductible or where the carrier doesn't say.
        self.deductible_basis: str = facts["deductible_basis"].capitalize() if amount else ""
        # The policy's own wordings of what is covered, each with its name; none where it has none.
        self.wordings = [(name, facts[key]) for name, key in WORDINGS.items() if facts[key]]
        self.endorsements: list[str] = facts["endorsements"]
        self.days_not_covered = [
            (dt.date.fromisoformat(each["starts"]), dt.date.fromisoformat(each["ends"]))
            for each in facts["suspensions"]
        ]

    @property
    def has_more(self) -> bool:
        """Whether anything is stated below its row."""
        return bool(self.facts or self.funds)

    @property
    def facts(self) -> list[tuple[str, list[str]]]:
        """What else is stated of the part, each with its name."""
        return [
            *([("Other limits by date of incident", self.prior_limits)] if self.prior_limits else []),
            *((name, [text]) for name, text in self.wordings),
        ]


class Sheet:
    """A certificate's snapshot in words, for its template."""

    generator = "Customer portal"

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        """`snapshot` comes from `build_snapshot`. Raises ValueError on a version not in `READABLE`."""
        if snapshot["version"] not in READABLE:
            raise ValueError(f"A snapshot of version {snapshot['version']} can't be read; these can be: {READABLE}.")
        snapshot = _as_now(snapshot)
        self.kind: str = snapshot["kind"]
        self.company: dict[str, Any] = snapshot["company"]
        self.producer: dict[str, Any] | None = snapshot["producer"]
        self.named_insured: dict[str, Any] = snapshot["named_insured"]
        self.insured: dict[str, Any] = snapshot["insured"]
        self.policy: dict[str, Any] = snapshot["policy"]
        self.hour: str = self.policy["hour"]
        self.parts = [Part(facts) for facts in snapshot["parts"]]
        # The part that speaks first: of a letter, the one that ended.
        self.coverage = self.parts[0]
        self.history = [Entry(facts) for facts in snapshot["history"]]
        self.holder: dict[str, Any] | None = snapshot["holder"]
        self.contact: dict[str, str] = snapshot["contact"]
        self.form: dict[str, str] | None = snapshot["form"]
        self._whole_history: bool = snapshot["whole_history"]
        self._standing: dict[str, Any] = snapshot["standing"]
        self._tails: list[dict[str, Any]] = snapshot["tails"]
        self._as_of: dict[str, str] = snapshot["as_of"]
        self.issued_on = dt.date.fromisoformat(snapshot["issued_on"])
        self.about = dt.date.fromisoformat(snapshot["about"])
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
    def has_several(self) -> bool:
        """Whether it holds more than one part."""
        return len(self.parts) > 1

    @property
    def is_crowded(self) -> bool:
        """Whether so much belongs on the first page that, where it is continued, more than the endorsements go on.

        An estimate in lines, for the closest setting of the page.
        """
        parties = [self.named_insured, *([self.holder] if self.holder else [])]
        lines = 2 * len(self.statements) + 3 * len(self.parts) + len(self.legend_lines)
        lines += _lines(self.insured["name"], 95)
        lines += max(_lines(party["name"], 38) + len(party["address"]) for party in parties)
        for part in self.parts:
            lines += sum(_lines(f"{name}{text}", 118) for name, texts in part.facts for text in texts)
            lines += sum(2 + _lines(fund, 118) for fund in part.funds)
        return lines > CROWDED

    @property
    def status(self) -> str:
        """The status of the coverage on the day that it is about, as `policies.eligibility` judged it. Never a
        reason."""
        if self.is_letter:
            what = {"term": "Policy period", "part": self.coverage.part}.get(self._standing["how_it_ended"], "Coverage")
            return f"{what} ended on {day_long(self.coverage.ends)}"
        cancelled = self._day("cancellation_effective")
        begins = self._day("begins")
        status = f"Bound; begins on {day_long(begins)}" if begins else self._in_force
        if cancelled is None:
            return status
        if cancelled == self.coverage.ends:
            return f"{status}; ends on {day_long(cancelled)}"
        return f"{status}; cancellation pending for {day_long(cancelled)}"

    @property
    def _in_force(self) -> str:
        """The status of coverage that runs on the day of issue."""
        day = day_long(self.about)
        status = f"Bound for {day}" if self.about > self.issued_on else f"In force on {day}"
        away = all(any(first <= self.about < last for first, last in part.days_not_covered) for part in self.parts)
        return f"{status}; services on that day aren’t covered" if away else status

    @property
    def form_name(self) -> str:
        """Number and edition of the form: 'LM-COI-10 (06-26)'; empty without one."""
        if self.form is None:
            return ""
        number, edition = self.form["number"], self.form["edition"]
        return f"{number} ({edition})" if edition else number

    @property
    def legend(self) -> str:
        """The form's legend; empty without one."""
        return self.form["legend"] if self.form else ""

    @property
    def legend_lines(self) -> range:
        """Counts the lines that the legend takes at the foot of the page, for which room is kept free."""
        capitals = sum(letter.isupper() for letter in self.legend)
        return range(-(-(len(self.legend) + capitals // 2) // LEGEND_LINE))

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
        """The sentences above a certificate's facts: days not covered, a cancellation ahead, a term that begins later,
        another day than today. Never a reason."""
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
        elif self.about != self.issued_on:
            found.append(self._another_day)
        return found

    @property
    def _another_day(self) -> Statement:
        day = day_long(self.about)
        if self.about < self.issued_on:
            text = f"This certificate states the coverage as it was on {day}. It may have changed since then."
            return Statement("As of an earlier day.", text, kind="plain")
        text = f"This certificate states the coverage as it is bound for {day}. It may change before that day."
        return Statement("As of a later day.", text, kind="plain")

    @property
    def _days_not_covered(self) -> list[str]:
        """A sentence for each suspension within the period: a leave isn't an end, but its days aren't covered."""
        spans: dict[str, list[str]] = {}
        for part in self.parts:
            for span in part.suspensions:
                spans.setdefault(span, []).append(part.part.lower())
        found = []
        for span, parts in spans.items():
            under = "" if len(parts) == len(self.parts) else f" under {_listed(parts)}"
            found.append(f"Professional services from {span}, {self.hour}, aren’t covered{under}.")
        return found

    @property
    def endorsements(self) -> list[str]:
        """The endorsements of all parts, each once; with its parts where it belongs to some of several only."""
        found: dict[str, list[str]] = {}
        for part in self.parts:
            for text in part.endorsements:
                found.setdefault(text, []).append(part.part.lower())
        return [
            text if len(parts) == len(self.parts) else f"{text} ({_listed(parts)})" for text, parts in found.items()
        ]

    @property
    def wordings(self) -> list[tuple[str, str]]:
        """The policy's own wordings of what is covered, over all parts."""
        return [wording for part in self.parts for wording in part.wordings]

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
            "part": f"{self.coverage.part} coverage of this insured under policy {number} ended on {day}.",
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
    def particulars_line(self) -> str:
        """The particulars in one line, which breaks after a dot, never before it."""
        return "\u00a0\u00a0·\u00a0 ".join(self.particulars)

    @property
    def own_period(self) -> bool:
        """Whether this insured's coverage, over all parts, began later or ended earlier than the policy period."""
        return self._same_period and self._periods != {(self.policy_starts, self.policy_ends)}

    @property
    def own_periods(self) -> bool:
        """Whether the parts have periods of their own, so each states its own."""
        return not self._same_period

    @property
    def _periods(self) -> set[tuple[dt.date, dt.date]]:
        return {(part.starts, part.ends) for part in self.parts}

    @property
    def _same_period(self) -> bool:
        return len(self._periods) == 1

    @property
    def deductible_basis(self) -> str:
        """The first that a part has."""
        return next((part.deductible_basis for part in self.parts if part.deductible_basis), "")

    @property
    def tails(self) -> list[str]:
        """The state of the extended reporting endorsement, a line for each part of each policy; a certificate says
        nothing of parts on an occurrence form: the retroactive date says it already."""
        stated = [tail for tail in self._tails if self.is_letter or not tail["occurrence"]]
        several = len(stated) > 1
        lines = []
        for tail in stated:
            policy = f", policy {tail['policy']}" if self.is_letter else ""
            about = f"{tail['part']}{policy}: " if several else ""
            if tail["occurrence"]:
                lines.append(f"{about}Not needed: occurrence form")
            elif tail["in_place"]:
                lines += [about + _tail(each) for each in tail["in_place"]]
            else:
                lines.append(f"{about}None on record")
        if lines and not self.is_letter and all(line.endswith(": None on record") for line in lines):
            return ["None on record"]
        return lines

    @property
    def as_of_text(self) -> str:
        """The time of the company's data in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
        moment = dt.datetime.fromisoformat(self._as_of["at"]).astimezone(ZoneInfo(self._as_of["zone"]))
        return date_format(timezone.localtime(moment, moment.tzinfo), "F j, Y, g:i a T")

    def _day(self, name: str) -> dt.date | None:
        value = self._standing.get(name)
        return dt.date.fromisoformat(value) if value else None


def _as_now(snapshot: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a snapshot of an older version as the present one has it: one part, about the day of issue, no form."""
    if "parts" in snapshot:
        return snapshot
    return {**snapshot, "parts": [snapshot["coverage"]], "about": snapshot["issued_on"], "form": None}


def _lines(text: str, width: int) -> int:
    """Return how many lines a text takes, so many characters each."""
    return -(-len(text) // width)


def _listed(words: list[str]) -> str:
    """Return 'a', 'a and b', or 'a, b, and c'."""
    *first, last = words
    if not first:
        return last
    return f"{', '.join(first)}{',' if len(first) > 1 else ''} and {last}"


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
