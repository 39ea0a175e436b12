"""Who is insured on a policy today, column by column, as a roster is compared with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import connection

from policies.models import Coverage, Insured, License
from policies.names import fold
from policies.rosters.columns import Field

if TYPE_CHECKING:
    from policies.models import Term

# One row of text columns: thousands of small values would take longer to hand over than to compare. Of several
# coverages of a person, the professional one that holds today; those that have ended aren't on the roster.
APART, NUL = "\x1f", ""
SQL = f"""
    WITH covered AS (
        SELECT DISTINCT ON (c.insured_id) c.insured_id, c.specialty, c.site, c.cost_center, c.form, c.retroactive_date
        FROM {Coverage._meta.db_table} c
        WHERE c.term_id = %(term)s AND c.retired_at IS NULL AND c.expires > %(day)s
        ORDER BY c.insured_id, c.part <> 'professional', c.effective > %(day)s, c.effective DESC, c.id
    ), person AS (
        SELECT i.id, i.public_id, i.last_name, i.first_name, i.middle_name, i.suffix, i.credential, i.npi,
            i.date_of_birth_hash, i.email, i.phone, covered.specialty, covered.site, covered.cost_center, covered.form,
            COALESCE(covered.retroactive_date::text, '') AS retroactive_date,
            COALESCE((
                SELECT string_agg(l.state || ' ' || l.number, '|' ORDER BY l.state, l.number)
                FROM {License._meta.db_table} l WHERE l.insured_id = i.id AND l.retired_at IS NULL
            ), '') AS licenses
        FROM covered JOIN {Insured._meta.db_table} i ON i.id = covered.insured_id
        WHERE i.kind = 'person' AND i.retired_at IS NULL
        ORDER BY i.sort_key, i.id
    )
    SELECT {{columns}} FROM person
"""  # noqa: S608 - names of tables
TEXTS = (
    "public_id", "last_name", "first_name", "middle_name", "suffix", "credential", "npi", "date_of_birth_hash", "email",
    "phone", "specialty", "site", "cost_center", "form", "retroactive_date", "licenses",
)  # fmt: skip
COLUMNS = ", ".join(("array_agg(id)", *(f"string_agg(translate({name}, '{APART}', ''), '{APART}')" for name in TEXTS)))


@dataclass(frozen=True)
class Current:
    """The persons insured in a term today, in order of name; every list has one entry each. Entities aren't in it."""

    ids: list[int]
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, name: str) -> list[str]:
        """Return a column, such as `last_name` or `licenses` (`'NY 123|NJ 45'`)."""
        return self.columns[name]

    @cached_property
    def by_npi(self) -> dict[str, int]:
        """The place of each NPI."""
        return {npi: place for place, npi in enumerate(self.of("npi")) if npi}

    @cached_property
    def by_license(self) -> dict[str, list[int]]:
        """The places of those with a license, by its state and number without punctuation, and by the number alone."""
        found: dict[str, list[int]] = {}
        for place, licenses in enumerate(self.of("licenses")):
            for text in licenses.split("|") if licenses else ():
                state, _, number = text.partition(" ")
                plain = license_key(number)
                found.setdefault(f"{state} {plain}", []).append(place)
                found.setdefault(plain, []).append(place)
        return found

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """The places of those with a name: first and last, folded."""
        found: dict[str, list[int]] = {}
        for place, key in enumerate(self.names):
            found.setdefault(key, []).append(place)
        return found

    @cached_property
    def by_last(self) -> dict[str, list[int]]:
        """The places of those with a last name, folded, without spaces."""
        found: dict[str, list[int]] = {}
        for place, key in enumerate(self.names):
            found.setdefault(key.partition("|")[0], []).append(place)
        return found

    @cached_property
    def names(self) -> list[str]:
        """The folded 'last|first' of each."""
        return [name_key(last, first) for last, first in zip(self.of("last_name"), self.of("first_name"), strict=True)]

    @cached_property
    def by_birth(self) -> dict[str, list[int]]:
        """The places of those with a date of birth, by its keyed hash."""
        found: dict[str, list[int]] = {}
        for place, hashed in enumerate(self.of("date_of_birth_hash")):
            if hashed:
                found.setdefault(hashed, []).append(place)
        return found

    def display_name(self, place: int) -> str:
        """Return a name as people write it: 'Ana M. Núñez Jr., MD'."""
        parts = (self.of(name)[place] for name in ("first_name", "middle_name", "last_name", "suffix"))
        name, credential = " ".join(filter(None, parts)), self.of("credential")[place]
        return f"{name}, {credential}" if credential else name


# What of a person on file a column of the file is compared with.
COMPARED: dict[Field, str] = {
    Field.LAST: "last_name",
    Field.FIRST: "first_name",
    Field.MIDDLE: "middle_name",
    Field.SUFFIX: "suffix",
    Field.CREDENTIAL: "credential",
    Field.NPI: "npi",
    Field.LICENSE: "licenses",
    Field.SPECIALTY: "specialty",
    Field.EMAIL: "email",
    Field.PHONE: "phone",
    Field.SITE: "site",
    Field.COST_CENTER: "cost_center",
    Field.RETROACTIVE: "retroactive_date",
}


def roster_on(term: Term, day: dt.date) -> Current:
    """Return who is insured in a term and hasn't left by `day`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(columns=COLUMNS), {"term": term.pk, "day": day})
        ids, *texts = cursor.fetchone()
    if not ids:
        return Current([], {name: [] for name in TEXTS})
    return Current(list(ids), {name: text.split(APART) for name, text in zip(TEXTS, texts, strict=True)})


def license_key(number: str) -> str:
    """Return a license number without punctuation, case, and leading zeros: 'ME-0012345' → 'ME0012345'."""
    return "".join(filter(str.isalnum, number.upper())).lstrip("0")


def name_key(last: str, first: str) -> str:
    """Return the folded last and first name; spaces don't count: 'De La Cruz' is 'Delacruz'."""
    return f"{fold(last).replace(' ', '')}|{fold(first).replace(' ', '')}"
