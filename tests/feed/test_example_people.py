"""The people of the example book: names, programs, specialties, credentials, and numbers fit together."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from feed.example.book import LARGE_GROUP
from feed.example.people import check_digit, npi
from feed.example.practices import LIGHTER, PRACTICES
from feed.example.states import BY_STATE
from tests.feed.example_books import TODAY, joined, rows


def test_the_name_program_and_people_of_a_practice_fit_together(three_hundred: Path) -> None:
    by_kind = {
        practice.kind: (
            program,
            {LIGHTER.get(one.code, one).code for one in practice.specialties}
            | {one.code for one in (*practice.specialties, *practice.employs)},
        )
        for program, practices in PRACTICES.items()
        for practice in practices
    }
    seen = set()
    for one in joined(three_hundred):
        kind = next((kind for kind in by_kind if one["holder"].endswith(kind)), None)
        if kind and one["kind"] == "person":
            seen.add(kind)
            assert (one["program"], one["specialty_code"] in by_kind[kind][1]) == (by_kind[kind][0], True), one
    assert len(seen) > 12
    single = {program: {one["specialty_code"][:2] for one in joined(three_hundred) if one["program"] == program}
              for program in ("dental", "allied")}  # fmt: skip
    assert single["dental"] <= {"DG", "DO", "DP", "EN"}
    assert single["allied"] <= {"NP", "PA", "CR", "NM", "PT", "EN"}


def test_an_anesthesia_group_insures_anesthesiologists_and_nurse_anesthetists(three_hundred: Path) -> None:
    people = [one for one in joined(three_hundred) if "Anesthesia Consultants" in one["holder"]]
    assert {one["specialty_code"] for one in people} <= {"AN1", "CR1", "EN1"}
    assert {one["program"] for one in people} == {"physicians"}


def test_a_facility_is_an_organization_with_the_name_of_one(three_hundred: Path) -> None:
    holders = {one["policyholder_id"]: one for one in rows(three_hundred, "policyholders.csv")}
    facilities = [one for one in rows(three_hundred, "policies.csv") if one["program"] == "facility"]
    assert len(facilities) > 3
    for one in facilities:
        holder = holders[one["policyholder_id"]]
        assert holder["kind"] == "organization"
        assert holder["name"].endswith(("Center", "Surgery Center", "Medical Center"))


def test_limits_are_those_sold_in_the_state(three_hundred: Path) -> None:
    found: dict[str, set[tuple[str, str]]] = {}
    for one in joined(three_hundred):
        if one["program"] == "physicians" and one["part"] == "professional":
            found.setdefault(one["number"][:3] + one["state"], set()).add(
                (one["limit_per_claim"], one["limit_aggregate"])
            )
    assert found["MPLNY"] == {("1300000.00", "3900000.00")}
    assert found["MPLLA"] == {("100000.00", "300000.00")}
    assert found["MPLIN"] == {("500000.00", "1500000.00")}
    assert found["MPLPA"] == {("500000.00", "1500000.00")}
    assert found["MPLWI"] == {("1000000.00", "3000000.00")}
    assert found["MPLFL"] <= {("250000.00", "750000.00"), ("500000.00", "1500000.00"), ("1000000.00", "3000000.00")}
    assert found["MPLTX"] <= {("200000.00", "600000.00"), ("500000.00", "1000000.00"), ("1000000.00", "3000000.00")}
    wisconsin = [one for one in joined(three_hundred) if one["state"] == "WI" and one["program"] == "physicians"]
    assert {one["form"] for one in wisconsin} == {"occurrence"}


def test_a_fund_enrolls_physicians_and_only_the_others_that_it_names(three_hundred: Path) -> None:
    by_fund = {one["coverage_id"]: one for one in rows(three_hundred, "fund_enrollments.csv")}
    enrolled: dict[str, dict[str, set[bool]]] = {}
    for one in joined(three_hundred):
        fund = by_fund.get(one["coverage_id"])
        if one["part"] in {"professional", "entity"}:
            enrolled.setdefault(one["state"], {}).setdefault(one["specialty_code"], set()).add(bool(fund))
        else:
            assert not fund
        assert fund is None or "Wisconsin" not in fund["fund"] or fund["form"] == "occurrence"
    for code, state in BY_STATE.items():
        physicians = {"FM1", "IM1", "GS3", "AN1"} & set(enrolled[code])
        assert all(enrolled[code][one] == {state.fund is not None} for one in physicians)
    assert enrolled["PA"].get("NP1", {False}) == {False}
    assert enrolled["IN"].get("NP1", {True}) == {True}
    assert all(enrolled[code].get("DG1", {False}) == {False} for code in ("PA", "WI", "KS", "NE"))


def test_licenses_and_phones_are_those_of_the_state(three_hundred: Path) -> None:
    people = {one["insured_id"]: one for one in rows(three_hundred, "insureds.csv")}
    for one in rows(three_hundred, "licenses.csv"):
        person = people[one["insured_id"]]
        form = re.escape(BY_STATE[one["state"]].license_form(person["credential"])).replace(r"\#", r"\d")
        assert re.fullmatch(form, one["number"]), one
        assert (dt.date.fromisoformat(one["expires"]) + dt.timedelta(days=1)).day == 1
    for one in people.values():
        assert one["phone"].startswith(f"({BY_STATE[one['state']].area}) 555-01")


def test_a_credential_fits_the_specialty(three_hundred: Path) -> None:
    fits = {"NP": {"APRN"}, "PA": {"PA-C"}, "CR": {"CRNA"}, "NM": {"CNM"}, "PT": {"DPT"}}
    fits |= {key: {"DDS", "DMD"} for key in ("DG", "DO", "DP")} | {"ST": {""}}
    for one in rows(three_hundred, "insureds.csv"):
        if one["kind"] == "person":
            assert one["credential"] in fits.get(one["specialty_code"][:2], {"MD", "DO"}), one
            born = dt.date.fromisoformat(one["date_of_birth"])
            assert one["credential"] not in {"MD", "DO"} or TODAY.year - born.year >= 31


def test_npis_are_invented_but_have_the_right_check_digit(three_hundred: Path) -> None:
    # The example of 45 CFR 162.406's standard.
    assert check_digit("123456789") == 3
    npis = [one["npi"] for one in rows(three_hundred, "insureds.csv")]
    assert len(npis) == len(set(npis))
    for digits in npis:
        assert re.fullmatch(r"0\d{9}", digits)
        assert luhn(f"80840{digits}") == 0


def luhn(digits: str) -> int:
    """Return the remainder of the Luhn sum, 0 where the check digit is right."""
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(divmod(2 * int(digit), 10)) for digit in even)) % 10


def test_the_npis_of_a_large_book_are_unique() -> None:
    found = {npi(policy, 0) for policy in range(0, 100_000, 7)}
    found |= {npi(policy, 255) for policy in range(0, 100_000, 7)}
    found |= {npi(LARGE_GROUP, member) for member in range(256, 5_010)}
    assert len(found) == 2 * len(range(0, 100_000, 7)) + 5_010 - 256


def test_groups_have_names_of_their_own(forty: Path) -> None:
    names = [one["name"] for one in rows(forty, "policyholders.csv")]
    assert len(names) == len(set(names))


def test_everyone_in_the_book_is_clearly_invented(forty: Path) -> None:
    for file in ("insureds.csv", "policyholders.csv", "contacts.csv", "agencies.csv"):
        for one in rows(forty, file):
            assert re.fullmatch(r"([a-z0-9.]+@[a-z0-9]+\.example)?", one["email"])
            assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", one["phone"])
    for one in rows(forty, "insureds.csv"):
        assert re.fullmatch(r"0\d{9}", one["npi"])
    for one in rows(forty, "companies.csv"):
        assert one["naic_number"].startswith("00")
