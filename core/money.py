"""Money is `Decimal` with two places everywhere; cents exist only inside a payment gateway
(docs/architecture.md#data)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def dollars(amount: Decimal | int) -> str:
    """US dollars as read by people: Decimal("1240") → "$1,240.00", Decimal("-5") → "-$5.00"."""
    rounded = Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,.2f}"


def whole_dollars(amount: Decimal | int) -> str:
    """Limits and other round sums: Decimal("1000000") → "$1,000,000"; cents are kept where there are any."""
    text = dollars(amount)
    return text.removesuffix(".00")
