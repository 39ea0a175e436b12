"""Columns and references that several files share."""

from __future__ import annotations

from decimal import Decimal

from core.feedspec import Column, Kind, Reference

NOTHING = Decimal(0)
CENT = Decimal("0.01")

ACCOUNT = Column("billing_account_id", Kind.IDENTIFIER, field=None, required=True)
OF_ACCOUNT = Reference("billing_account_id", "billing_accounts.csv", "account")
OF_TERM = Reference("term_id", "terms.csv", "term")
