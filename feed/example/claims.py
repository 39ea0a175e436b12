"""Incidents, claims, and suits of one invented policy. No patient is named, and none exists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from feed.example.members import Member, Outline
from feed.example.people import pick
from feed.example.rows import Ids, money, policy_number
from feed.example.stories import GROUP
from feed.example.terms import Schedule
from feed.example.writing import PackageWriter

INCIDENT, CLAIM, SUIT = "incident", "claim", "suit"
# For 60 clinicians: nine incidents, four claims, and three suits.
SHARES = ((INCIDENT, 9 / 60), (CLAIM, 4 / 60), (SUIT, 3 / 60))
NO_PAYMENT, DISMISSED, SETTLED, VERDICT = (
    "Closed without payment",
    "Dismissed with prejudice",
    "Settled",
    "Defense verdict",
)
# Kind → their states, each with its share.
OUTCOMES = {
    INCIDENT: (("", 0.4), (NO_PAYMENT, 0.6)),
    CLAIM: (("", 0.25), (NO_PAYMENT, 0.55), (SETTLED, 0.2)),
    SUIT: (("", 0.4), (DISMISSED, 0.3), (VERDICT, 0.1), (SETTLED, 0.2)),
}
# The cast's group: kind, outcome, and what was paid, for clinicians who aren't the first.
GROUP_MATTERS = (
    *((INCIDENT, "", 0),) * 4, *((INCIDENT, NO_PAYMENT, 0),) * 5, (CLAIM, NO_PAYMENT, 0), (CLAIM, NO_PAYMENT, 0),
    (CLAIM, DISMISSED, 0), (CLAIM, "", 0), (SUIT, SETTLED, 187_500), (SUIT, VERDICT, 0), (SUIT, "", 0),
)  # fmt: skip
EVENTS = {
    "physicians": ("Delayed diagnosis", "Medication error", "Post-procedure infection", "Missed follow-up of a result",
                   "Alleged lack of informed consent", "Injury during a procedure"),
    "allied": ("Medication error", "Delayed referral", "Fall during treatment", "Missed follow-up of a result"),
    "dental": ("Nerve injury after an extraction", "Wrong tooth treated", "Delayed diagnosis of an oral lesion"),
    "facility": ("Fall of a patient", "Retained sponge", "Medication error", "Pressure injury"),
    "student": ("Medication error under supervision",),
}  # fmt: skip
STAGES = {
    INCIDENT: (("Under review", ""),),
    CLAIM: (("Investigation", "Records due"), ("Expert review", "Expert’s report due")),
    SUIT: (("Discovery", "Deposition"), ("Mediation", "Mediation session"), ("Trial set", "Trial")),
}
HANDLERS = (
    ("Rosalind Kirkbride", "(860) 555-0181"),
    ("Omar Haddad", "(860) 555-0182"),
    ("Hana Fujimoto", "(860) 555-0183"),
)
COUNSEL = ("Marsh, Thistle & Crane LLP", "Underhill Prendergast LLP", "Okonkwo Fairweather, P.C.")
OLDEST = 9 * 365


class _Matter(NamedTuple):
    """What is decided about one matter; `others`: further places it names."""

    place: int
    kind: str
    outcome: str
    paid: int
    others: tuple[int, ...] = ()


class ClaimRows:
    """Writes the claims of one policy."""

    def __init__(
        self, outline: Outline, ids: Ids, schedule: Schedule, members: Sequence[Member], *, seed: int, today: dt.date
    ) -> None:
        self._outline, self._ids, self._schedule, self._members = outline, ids, schedule, members
        self._today = today
        self._rng = Random(f"{seed}/{outline.index}/claims")  # noqa: S311  # an invented book, repeatable

    def write(self, out: PackageWriter) -> None:
        """Add the rows; what was reported under a policy that was rewritten is with the one that replaced it."""
        if self._outline.rewritten_as or self._outline.status == "pending":
            return
        for number, matter in enumerate(self._matters()):
            self._write(out, number, matter)

    def _matters(self) -> list[_Matter]:
        if self._outline.index == GROUP:
            # The first clinician has none: the history says 'no claims with this company'.
            entity = self._outline.clinicians
            return [
                _Matter(2 + number * 3, kind, outcome, paid, (entity,) if kind == SUIT else ())
                for number, (kind, outcome, paid) in enumerate(GROUP_MATTERS)
            ]
        found = []
        for place, member in enumerate(self._members):
            chance = self._rng.random()
            for kind, share in SHARES:
                if member.person and not self._outline.named and chance < share:
                    found.append(self._drawn(place, kind))
                    break
                chance -= share
        return found

    def _drawn(self, place: int, kind: str) -> _Matter:
        rng, chance = self._rng, self._rng.random()
        outcome = ""
        for name, share in OUTCOMES[kind]:
            if chance < share:
                outcome = name
                break
            chance -= share
        paid = int((1 + rng.random() ** 2 * 40) * 7_500) if outcome == SETTLED else 0
        shared = kind == SUIT and not self._outline.is_solo and rng.random() < 0.4
        return _Matter(place, kind, outcome, paid, (self._outline.clinicians,) if shared else ())

    def _write(self, out: PackageWriter, number: int, matter: _Matter) -> None:
        rng, today = self._rng, self._today
        person = self._members[matter.place].person
        latest = min(self._schedule.ends, today)
        since = max(person.joined if person else latest, latest - dt.timedelta(days=OLDEST))
        closed = bool(matter.outcome)
        # What is closed took a year and more; what is open came in lately.
        reach = max(30, (latest - since).days - (500 if closed else 0))
        incident = latest - dt.timedelta(days=int((500 if closed else 20) + rng.random() * min(reach, 2_600)))
        incident = max(incident, since)
        reported = min(incident + dt.timedelta(days=3 + int(rng.random() * 300)), latest - dt.timedelta(days=1))
        reported = max(reported, incident)
        ended = min(reported + dt.timedelta(days=60 + int(rng.random() * 700)), today - dt.timedelta(days=2))
        stage, event = pick(rng, STAGES[matter.kind]) if not closed else ("Closed", "")
        handler, handler_phone = pick(rng, HANDLERS)
        suit = matter.kind == SUIT
        expense = int(rng.random() * (90_000 if suit else 9_000)) if matter.kind != INCIDENT else 0
        ahead = (today + dt.timedelta(days=14 + int(rng.random() * 150))).isoformat() if event else ""
        reserve = 5_000 * (1 + int(rng.random() * 40)) if not closed and matter.kind != INCIDENT else 0
        description = pick(rng, EVENTS[self._outline.program])
        counsel = pick(rng, COUNSEL) if suit else ""
        for place in (matter.place, *matter.others):
            main = place == matter.place
            out.add(
                "claims.csv", claim_number=f"LC-{self._ids.policy:06}-{number:04}",
                policy_number=policy_number(self._outline.index, self._outline.program),
                insured_id=self._ids.insured(place), kind=matter.kind, status="closed" if closed else "open",
                disposition=matter.outcome, incident_date=incident.isoformat(), report_date=reported.isoformat(),
                closed_date=max(ended, reported).isoformat() if closed else "",
                indemnity_paid=money(matter.paid if main else 0), expense_paid=money(expense if main else 0),
                reserve=money(reserve if main else 0), description=description, stage=stage, handler=handler,
                handler_phone=handler_phone, counsel=counsel, next_date=ahead, next_event=event,
            )  # fmt: skip
