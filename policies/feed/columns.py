"""Columns that several files share."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial

from core.crypto import keyed_hash
from core.dates import STATE_ZONES
from core.feedspec import Column, Kind, RowCheck, SetCheck
from policies.names import normalize_number

NOTHING = Decimal(0)
# States and territories that license; for mail, also the codes of the armed forces and of the associated states.
STATES = tuple(sorted(STATE_ZONES))
POSTAL_STATES = (*STATES, "AA", "AE", "AP", "FM", "MH", "PW")
ADDRESS = (
    Column("address1"),
    Column("address2"),
    Column("city"),
    Column("state", Kind.CHOICE, choices=POSTAL_STATES),
    Column("zip", Kind.ZIP),
)
# Only a keyed hash of a date of birth is stored; a registrant's date is hashed the same way and compared (purpose
# `date_of_birth`, ISO date).
DATE_OF_BIRTH = Column(
    "date_of_birth",
    Kind.DATE,
    field="date_of_birth_hash",
    store=partial(keyed_hash, "date_of_birth"),
    not_future=True,
)
# In capitals or small letters; small ones are kept.
SHA256, SHA256_WORDS = re.compile("[0-9a-f]{64}"), "a SHA-256 of 64 hexadecimal digits"
# Policy numbers are compared without spaces, dashes, and case (S-07).
POLICY = Column("policy_number", Kind.IDENTIFIER, field=None, required=True, fold=normalize_number)

LIMITS = RowCheck(
    code="limits",
    column="limit_per_claim",
    faulty="s.limit_per_claim > s.limit_aggregate",
    sentence="The limit per claim, {limit_per_claim}, is higher than the aggregate limit, {limit_aggregate}.",
)


def period(sentence: str) -> RowCheck:
    """Return the check that a period ends after it begins; its end is the first day that no longer counts."""
    return RowCheck(code="period", column="expires", faulty="s.expires <= s.effective", sentence=sentence)


def circle(table: str, field: str, column: str, sentence: str) -> SetCheck:
    """Return the check that a table's references to its own rows don't lead around in a circle.

    `table`: of the database; `field`: the foreign key. Circles of up to ten rows are found.
    """
    sql = f"""
        WITH RECURSIVE led AS (
            SELECT d.id, d.line, t.{field}_id AS there, 1 AS steps
            FROM {{change}} d JOIN {table} t ON t.id = d.id
            WHERE d.change <> 'retired' AND t.{field}_id IS NOT NULL
            UNION ALL
            SELECT led.id, led.line, t.{field}_id, led.steps + 1
            FROM led JOIN {table} t ON t.id = led.there
            WHERE t.{field}_id IS NOT NULL AND led.there <> led.id AND led.steps < 10
        )
        SELECT DISTINCT led.line FROM led WHERE led.there = led.id AND led.steps > 1
    """
    return SetCheck(code="circle", column=column, sql=sql, sentence=sentence)
