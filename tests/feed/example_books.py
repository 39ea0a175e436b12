"""What the tests of the example book share: the day it is written for, and how its rows are read."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from pathlib import Path

TODAY = dt.date(2026, 11, 20)
AS_OF = dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC)


def rows(package: Path, file: str) -> list[dict[str, str]]:
    with (package / file).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def sizes(package: Path) -> Counter[str]:
    """Clinicians of each policy's holder, by the beginning of their ids."""
    return Counter(one["insured_id"][:8] for one in rows(package, "insureds.csv") if one["kind"] == "person")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def joined(package: Path) -> list[dict[str, str]]:
    """Every row of coverage with its policy's columns, its insured's, and its holder's name."""
    policies = {one["policy_number"]: one for one in rows(package, "policies.csv")}
    terms = {one["term_id"]: policies[one["policy_number"]] for one in rows(package, "terms.csv")}
    holders = {one["policyholder_id"]: one for one in rows(package, "policyholders.csv")}
    people = {one["insured_id"]: one for one in rows(package, "insureds.csv")}
    found = []
    for one in rows(package, "coverages.csv"):
        policy, person = terms[one["term_id"]], people[one["insured_id"]]
        place = {"program": policy["program"], "number": policy["policy_number"], "state": person["state"]}
        found.append(one | place | {"holder": holders[policy["policyholder_id"]]["name"], "kind": person["kind"]})
    return found
