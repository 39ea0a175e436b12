"""Columns that several files share."""

from __future__ import annotations

from functools import partial

from core.crypto import keyed_hash
from core.dates import STATE_ZONES
from core.feedspec import Column, Kind
from policies.names import normalize_number

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
# Policy numbers are compared without spaces, dashes, and case (S-07).
POLICY = Column("policy_number", Kind.IDENTIFIER, field=None, required=True, fold=normalize_number)
