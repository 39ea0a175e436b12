"""Extended reporting endorsements ('tails') that the carrier offers where claims-made coverage ends."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from random import Random

from feed.example.endorsements import UNLIMITED_TAIL, Endorsement
from feed.example.members import Outline
from feed.example.rows import money
from feed.example.segments import Segment
from feed.example.terms import years_later
from feed.example.writing import PackageWriter

# Options: years (0 is unlimited), and the price as a share of the premium.
OPTIONS = (("1y", 1, 0.9), ("3y", 3, 1.5), ("unlimited", 0, 2.0))
UNLIMITED = "unlimited"
DECIDE_WITHIN = dt.timedelta(days=60)
# From this price on it's paid by installments: in New York by three yearly ones with a finance charge.
BY_INSTALLMENTS, YEARLY, QUARTERLY = 5_000, 3, 4
FINANCE_CHARGE = 0.06
# Free of charge on death and retirement.
GRANTED = {"retired", "deceased"}
CODE_LENGTH = 12


def price_of(annual: int, share: float) -> int:
    """Return the price of an option in dollars, by the premium of a year and the option's share of it."""
    return max(250, round(annual * share))


def letter_code(seed: int, coverage: str) -> str:
    """Return the code in the letter of an offer, in groups of four letters and digits."""
    drawn = base64.b32encode(hashlib.sha256(f"{seed}/{coverage}".encode()).digest()).decode()[:CODE_LENGTH]
    return "-".join(drawn[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def code_hash(code: str) -> str:
    """Return what the feed holds of a letter's code: the hash of its letters and digits, in capitals."""
    return hashlib.sha256("".join(filter(str.isalnum, code.upper())).encode()).hexdigest()


class Tails:
    """Writes the offers of one policy."""

    def __init__(self, outline: Outline, *, reason: str, rng: Random, seed: int, today: dt.date) -> None:
        self._outline, self._reason = outline, reason
        self._rng, self._seed, self._today = rng, seed, today

    def write(self, out: PackageWriter, ended: Segment) -> Endorsement | None:
        """Add the offer for a coverage that ended, one row for each option; return the endorsement if one is in
        place."""
        in_new_york = self._outline.state.code == "NY"
        if self._reason in GRANTED:
            self._write(out, ended, 9, status="granted", option=UNLIMITED, price=0, years=0)
            return UNLIMITED_TAIL
        if in_new_york:
            self._write_automatic(out, ended)
        decide_by = ended.expires + DECIDE_WITHIN
        over = decide_by < self._today
        chosen, status = self._choice(over=over)
        for number, (option, years, share) in enumerate(OPTIONS):
            price = price_of(ended.annual, share)
            self._write(
                out, ended, number, option=option, years=years, price=price, decide_by=decide_by,
                status=status if option == chosen or not chosen else "declined",
                installments=self._installments(price, yearly=in_new_york),
            )  # fmt: skip
        return UNLIMITED_TAIL if status == "paid" else None

    def _choice(self, *, over: bool) -> tuple[str, str]:
        """Return the option that was chosen, if one was, and its status; otherwise the status of all options."""
        chance, told = self._rng.random(), self._outline.story.tail
        if told:
            return (UNLIMITED, told) if told in {"elected", "paid"} else ("", told)
        if not over:
            return (UNLIMITED, "elected") if chance < 0.1 else ("", "offered")
        if chance < 0.3:
            return UNLIMITED, "paid"
        return "", "declined" if chance < 0.5 else "lapsed"

    def _installments(self, price: int, *, yearly: bool) -> tuple[int, int, int] | None:
        """Return how many installments, the amount of each, and the finance charge, in dollars."""
        if price <= BY_INSTALLMENTS:
            return None
        count = YEARLY if yearly else QUARTERLY
        total = price * (1 + FINANCE_CHARGE) if yearly else price
        amount = -int(-total // count)
        return count, amount, amount * count - price

    def _write_automatic(self, out: PackageWriter, ended: Segment) -> None:
        """Add the days of extended reporting that New York's rules give without being asked (11 NYCRR 73.3)."""
        out.add(
            "ere_offers.csv", offer_id=f"ERE-{ended.id[2:]}-A", coverage_id=ended.id, status="automatic",
            option="60d", price=money(0), starts=ended.expires.isoformat(),
            ends=(ended.expires + DECIDE_WITHIN).isoformat(),
        )  # fmt: skip

    def _write(
        self, out: PackageWriter, ended: Segment, number: int, *, status: str, option: str, price: int, years: int,
        decide_by: dt.date | None = None, installments: tuple[int, int, int] | None = None,
    ) -> None:  # fmt: skip
        count, amount, charge = installments or (None, None, None)
        code = code_hash(letter_code(self._seed, ended.id)) if status in {"offered", "elected"} else ""
        out.add(
            "ere_offers.csv", offer_id=f"ERE-{ended.id[2:]}-{number}", coverage_id=ended.id, status=status,
            decide_by=decide_by.isoformat() if decide_by else "", option=option, price=money(price),
            installments=count, installment_amount=money(amount) if amount else "",
            finance_charge=money(charge) if charge else "", letter_code_sha256=code,
            starts=ended.expires.isoformat(), ends=years_later(ended.expires, years).isoformat() if years else "",
        )  # fmt: skip
