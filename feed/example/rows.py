"""Values of the example book's rows: the carrier's ids, money, and booleans."""

from __future__ import annotations

from typing import NamedTuple

FIRST_NUMBER = 100_000
PREFIXES = {"physicians": "MPL", "allied": "AHP", "dental": "DNT", "facility": "FAC", "student": "STU"}


class Ids(NamedTuple):
    """The carrier's ids around a policy. `owner` is the policy whose policyholder and insureds it has."""

    policy: int
    owner: int

    @property
    def holder(self) -> str:
        return f"PH{self.owner:06}"

    def insured(self, member: int) -> str:
        """Return the id of an insured by place; entities come after the clinicians."""
        return f"IN{self.owner:06}-{member:04}"

    def coverage(self, year: int, member: int, *, suffix: str = "") -> str:
        """Return the id of a coverage; a letter follows where a member has more than one in the term."""
        return f"CV{self.policy:06}-{year}-{member:04}{suffix}"

    @property
    def account(self) -> str:
        """The id of the billing account: a policy and the one that replaced it are on one."""
        return f"BA{self.owner:06}"

    @staticmethod
    def agency(number: int) -> str:
        """Return the id of an agency, counted from 1."""
        return f"AG{number:04}"


def policy_number(index: int, program: str) -> str:
    """Return a policy number as printed."""
    return f"{PREFIXES[program]}-{FIRST_NUMBER + index}"


def money(amount: float) -> str:
    """Return US dollars with two places."""
    return f"{amount:.2f}"


def cents(amount: int) -> str:
    """Return US dollars with two places, of an amount in cents."""
    sign, whole = "-" if amount < 0 else "", abs(amount)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def flag(value: bool) -> str:
    return "true" if value else "false"
