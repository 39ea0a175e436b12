"""Columns that several files have."""

from __future__ import annotations

from functools import partial

from core.crypto import keyed_hash
from core.dates import STATE_ZONES
from core.feedspec import Column, Kind
from policies.names import normalize_number

# States and territories that license; beyond them, where mail goes: the codes of the armed forces and of the
# associated states.
STATES = tuple(sorted(STATE_ZONES))
POSTAL_STATES = (*STATES, "AA", "AE", "AP", "FM", "MH", "PW")
ADDRESS = (
    Column("address1"),
    Column("address2"),
    Column("city"),
    Column("state", Kind.CHOICE, choices=POSTAL_STATES),
    Column("zip", Kind.ZIP),
)
# Of a date of birth only its keyed hash is kept; a registrant's is matched by the same (purpose `date_of_birth`, ISO
# date).
DATE_OF_BIRTH = Column(
    "date_of_birth",
    Kind.DATE,
    field="date_of_birth_hash",
    store=partial(keyed_hash, "date_of_birth"),
    not_future=True,
)
# A policy is known by its number without spaces, dashes and case (S-07).
POLICY = Column("policy_number", Kind.IDENTIFIER, field=None, required=True, fold=normalize_number)
