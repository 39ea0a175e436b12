"""Who is insured on a policy today, column by column, as a roster is compared with."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import connection

from policies.models import Coverage, Insured, License
from policies.names import fold
from policies.rosters.columns import Field

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            ), '') AS licenses,
            COALESCE((
                SELECT string_agg(
                    l.state || ' ' || ltrim(upper(regexp_replace(l.number, '[^[:alnum:]]', '', 'g')), '0'), '|'
                )
                FROM {License._meta.db_table} l WHERE l.insured_id = i.id AND l.retired_at IS NULL
            ), '') AS license_keys, i.sort_key
        FROM covered JOIN {Insured._meta.db_table} i ON i.id = covered.insured_id
        WHERE i.kind = 'person' AND i.retired_at IS NULL
        ORDER BY i.sort_key COLLATE "C", i.id
    )
    SELECT {{columns}} FROM person
"""  # noqa: S608 - names of tables
TEXTS = (
    "public_id", "last_name", "first_name", "middle_name", "suffix", "credential", "npi", "date_of_birth_hash", "email",
    "phone", "specialty", "site", "cost_center", "form", "retroactive_date", "licenses",
    "license_keys", "sort_key",
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

    def by_license(self, wanted: set[str]) -> dict[str, list[int]]:
        """Return the places of those with one of these licenses: `license_key` after its state, or without."""
        found: dict[str, list[int]] = {}
        for place, keys in enumerate(self.of("license_keys")):
            # Most have one license, and few are wanted.
            if keys and (keys in wanted or keys[3:] in wanted or "|" in keys):
                for key in keys.split("|"):
                    for form in {key, key[3:]} & wanted:
                        found.setdefault(form, []).append(place)
        return found

    def by_birth(self, wanted: set[str]) -> dict[str, list[int]]:
        """Return the places of those with one of these keyed hashes of a date of birth."""
        found: dict[str, list[int]] = {}
        for place, birth in enumerate(self.of("date_of_birth_hash")):
            if birth in wanted:
                found.setdefault(birth, []).append(place)
        return found

    def named(self, last: str, first: str = "") -> Iterator[int]:
        """Yield the places of those with a last and a first name, or with a last name. Spaces in a name count."""
        keys, begins = self.of("sort_key"), fold(f"{last} {first}")
        place = bisect_left(keys, begins)
        while place < len(keys) and keys[place].startswith(begins):
            if fold(self.of("last_name")[place]) == fold(last) and (
                not first or fold(self.of("first_name")[place]) == fold(first)
            ):
                yield place
            place += 1

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
