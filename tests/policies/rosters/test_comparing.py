"""A roster beside who is insured: matched by NPI, license, name, and date of birth, and what differs (B-06)."""

from __future__ import annotations

import datetime as dt

import pytest

from policies.models import Coverage, Insured, Term
from policies.rosters.columns import Columns, guess
from policies.rosters.comparing import NEW, SAME_AS, SKIP, Against, Comparison, Kind, compare, person_key, row_keys
from policies.rosters.current import roster_on
from policies.rosters.matching import By
from policies.rosters.reading import read
from tests.book import InsuredFactory, days
from tests.made_once import made_once
from tests.policies.rosters.files import (
    ALAN,
    GRACE,
    HEAD,
    JOAN,
    KATE,
    NPIS,
    PEOPLE,
    Person,
    Row,
    a_csv,
    a_group,
    insure,
)

pytestmark = pytest.mark.django_db
_made = made_once(a_group)


def group() -> Term:
    """Return the group's term, the same one as often as a test asks."""
    return Term.objects.first() or _made()


def compared(*rows: Row, everyone: bool = True, decisions: dict[str, str] | None = None, head=HEAD) -> Comparison:
    """Return the comparison of these rows with the group of four."""
    term = group()
    sheet = read(a_csv(*rows, head=head))
    against = Against(term, term.policy.today(), everyone=everyone)
    return compare(sheet, guess(sheet, {}), against, decisions or {})


def counts(comparison: Comparison) -> dict[str, int]:
    found = {str(kind): comparison.count(kind) for kind in Kind if comparison.count(kind)}
    return {**found, "unchanged": comparison.unchanged} if comparison.unchanged else found


def only(comparison: Comparison, kind: Kind):
    (line,) = comparison.lines[kind]
    return line


def everyone(*others: Row, without: Person | None = None) -> list[Row]:
    return [*(one.row() for one in PEOPLE if one is not without), *others]


def test_the_same_people_are_unchanged():
    assert counts(compared(*everyone())) == {"unchanged": 4}


def test_what_is_written_in_another_way_isnt_a_change():
    rows = everyone(
        GRACE.row(first="GRACE", born="12/09/1970", license="00-200001", specialty="family medicine"), without=GRACE
    )

    assert counts(compared(*rows)) == {"unchanged": 4}


def test_someone_new_is_added_and_someone_missing_removed():
    comparison = compared(*everyone(("Jemison", "Mae", NPIS[2], "10/17/1976", "", "", "Surgery"), without=KATE))

    assert counts(comparison) == {"added": 1, "removed": 1, "unchanged": 3}
    added, removed = only(comparison, Kind.ADDED), only(comparison, Kind.REMOVED)
    assert (added.name, added.number) == ("Mae Jemison", 5)
    assert (removed.name, removed.number, removed.tail) == ("Katherine Johnson, MD", None, True)


def test_who_is_missing_isnt_removed_where_the_file_lists_only_some():
    assert counts(compared(GRACE.row(), everyone=False)) == {"unchanged": 1}


def test_a_removed_persons_occurrence_coverage_needs_no_tail():
    term = group()
    Coverage.objects.update(form=Coverage.Form.OCCURRENCE, retroactive_date=None)
    sheet = read(a_csv(GRACE.row()))
    lines = compare(sheet, guess(sheet, {}), Against(term, term.policy.today()), {}).lines[Kind.REMOVED]

    assert [line.tail for line in lines] == [False, False, False]


@pytest.mark.parametrize(
    ("person", "other", "field", "old", "new", "by"),
    [
        (GRACE, {"last": "Murray"}, "Last name", "Hopper", "Murray", By.NPI),
        (GRACE, {"specialty": "Surgery"}, "Specialty", "Family medicine, no surgery", "Surgery", By.NPI),
        (GRACE, {"license": "999"}, "License number", "NY 200001", "NY 999", By.NPI),
        (KATE, {"npi": NPIS[2]}, "NPI", "", NPIS[2], By.LICENSE),
        (JOAN, {"npi": NPIS[2]}, "NPI", "", NPIS[2], By.BIRTH),
        (JOAN, {"npi": NPIS[2], "born": ""}, "NPI", "", NPIS[2], By.NAME),
    ],
)
def test_a_change_says_which_field_and_what_the_person_was_recognized_by(person, other, field, old, new, by):
    comparison = compared(*everyone(person.row(**other), without=person))

    assert counts(comparison) == {"changed": 1, "unchanged": 3}
    line = only(comparison, Kind.CHANGED)
    assert [(change.label, change.old, change.new) for change in line.changes] == [(field, old, new)]
    assert line.by == by


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ALAN.row(last="Welchman", first="Gordon"), "Has this NPI, but another name."),
        (KATE.row(last="Vaughan", first="Dorothy", born=""), "Has this license number, but another name."),
        (ALAN.row(npi=NPIS[2], license="", born=""), "Has the same name, but another NPI, 1245319599."),
        (JOAN.row(born="1980-01-01"), "Has the same name, but another date of birth."),
        (JOAN.row(last="Murray"), "Has the same date of birth, and part of the name."),
        (KATE.row(first="Kathy", license="", born=""), "Has the same last name, and a similar first name."),
    ],
)
def test_who_may_be_someone_insured_is_in_doubt_and_nobody_is_removed_for_it(row, why):
    person = next(
        one
        for one in PEOPLE
        if (one.last == row[0]) or one.first == row[1] or one.npi == row[2] != "" or one.license == row[4] != ""
    )
    comparison = compared(*everyone(row, without=person))

    assert counts(comparison) == {"doubtful": 1, "unchanged": 3}
    (other,) = only(comparison, Kind.DOUBTFUL).others
    assert (other.why, person.last in other.name) == (why, True)
    assert comparison.waits


def test_of_two_namesakes_the_date_of_birth_decides_and_without_one_the_user():
    term = group()
    insure(term, Person("Clarke", "Joan", born="1990-01-01"))

    def result(born: str) -> Comparison:
        sheet = read(a_csv(*everyone(JOAN.row(born=born), without=JOAN)))
        return compare(sheet, guess(sheet, {}), Against(term, term.policy.today(), everyone=False), {})

    assert counts(result("1990-01-01")) == {"unchanged": 4}
    assert len(only(result(""), Kind.DOUBTFUL).others) == 2


def test_the_user_decides_a_doubt_and_it_outlasts_another_order_of_rows():
    row = ALAN.row(npi=NPIS[2], license="", born="", specialty="Surgery")
    comparison = compared(*everyone(row, without=ALAN))
    doubt = only(comparison, Kind.DOUBTFUL)
    keys = row_keys(comparison, doubt)

    same = compared(row, *everyone(without=ALAN), decisions=dict.fromkeys(keys, SAME_AS + doubt.others[0].public_id))
    new = compared(row, *everyone(without=ALAN), decisions=dict.fromkeys(keys, NEW))
    out = compared(row, *everyone(without=ALAN), decisions=dict.fromkeys(keys, SKIP))

    assert counts(same) == {"doubtful": 1, "changed": 1, "unchanged": 3}
    assert [change.label for change in only(same, Kind.CHANGED).changes] == ["NPI", "Specialty"]
    assert only(same, Kind.CHANGED).by == By.DECISION
    assert counts(new) == {"doubtful": 1, "added": 1, "removed": 1, "unchanged": 3}
    assert counts(out) == {"doubtful": 1, "unchanged": 3}
    assert not any(one.waits for one in (same, new, out))


def test_someone_who_isnt_in_the_file_can_be_kept():
    term = group()
    kept = Insured.objects.get(last_name="Johnson").public_id
    comparison = compared(*everyone(without=KATE), decisions={person_key(kept): "keep"})

    assert (only(comparison, Kind.REMOVED).is_left_out, comparison.asks, term.coverages.count()) == (True, 0, 4)


WRONG = [
    (GRACE.row(npi="12345"), "C", "An NPI has 10 digits, and “12345” has 5."),
    (GRACE.row(born="31/12/1970"), "D", "“31/12/1970” isn’t a date we can read."),
    (GRACE.row(born="2020-01-01"), "D", "A date of birth can’t be 1/1/2020."),
    (GRACE.row(state="Atlantis"), "F", "“Atlantis” isn’t a state."),
    (GRACE.row(first=""), "B", "First name is missing."),
    (GRACE.row(specialty="#REF!"), "G", "The spreadsheet shows an error here, #REF!."),
    (GRACE.row(specialty="x" * 301), "G", "Specialty is longer than 300 characters."),
]


@pytest.mark.parametrize(("row", "column", "sentence"), WRONG)
def test_an_error_names_row_and_column_and_never_removes_the_person(row, column, sentence):
    comparison = compared(*everyone(row, without=GRACE))

    assert counts(comparison) == {"errors": 1, "unchanged": 3}
    line = only(comparison, Kind.FAULT)
    (fault,) = line.faults
    assert (line.number, fault.column) == (5, column)
    assert fault.sentence.startswith(sentence)


def test_a_new_persons_npi_must_have_its_right_check_digit():
    comparison = compared(*everyone(("Jemison", "Mae", "1003000143", "10/17/1976", "", "", "Surgery")))

    assert only(comparison, Kind.FAULT).faults[0].sentence.startswith("1003000143 isn’t a valid NPI")


def test_a_person_named_twice_is_an_error_of_the_second_row_which_alone_can_be_left_out():
    comparison = compared(*everyone(GRACE.row(specialty="Surgery"), without=JOAN), everyone=False)
    line = only(comparison, Kind.FAULT)
    keys = row_keys(comparison, line)

    assert line.faults[0].sentence.startswith("This is Grace Hopper again, as in row 2.")
    left = compared(
        *everyone(GRACE.row(specialty="Surgery"), without=JOAN), everyone=False, decisions=dict.fromkeys(keys, SKIP)
    )
    assert (counts(left), left.waits) == ({"errors": 1, "unchanged": 3}, False)


def test_a_last_day_in_the_file_removes_and_who_left_before_isnt_added():
    last = days(10)
    head = (*HEAD, "Start Date", "Term Date")
    rows = [(*one.row(), "", "") for one in PEOPLE if one is not ALAN]
    gone = ("Noether", "Emmy", "", "3/23/1960", "", "", "", "", days(-30).isoformat())
    comes = ("Jemison", "Mae", "", "10/17/1976", "", "", "", days(20).isoformat(), "")
    comparison = compared(*rows, (*ALAN.row(), "", last.strftime("%m/%d/%Y")), gone, comes, head=head)

    assert counts(comparison) == {"added": 1, "removed": 1, "unchanged": 3}
    assert (comparison.gone, only(comparison, Kind.REMOVED).ends) == (1, last.isoformat())
    assert only(comparison, Kind.ADDED).starts == days(20).isoformat()


def test_dates_that_cant_be_are_errors_or_notes():
    term = group()
    head = (*HEAD, "Start Date", "End Date")
    late = ("Jemison", "Mae", "", "", "", "", "", (term.expires + dt.timedelta(days=9)).isoformat(), "")
    turned = ("Noether", "Emmy", "", "", "", "", "", days(20).isoformat(), days(10).isoformat())
    early = ("Curie", "Marie", "", "", "", "", "", "2001-07-01", "")
    comparison = compared(late, turned, early, head=head, everyone=False)

    sentences = [line.faults[0].sentence for line in comparison.lines[Kind.FAULT]]
    assert sentences[0].startswith("The start date is after the policy’s term, which ends ")
    assert sentences[1].startswith("The last day is before the start date, ")
    assert (only(comparison, Kind.ADDED).starts, only(comparison, Kind.ADDED).note[:6]) == ("", "Starts")


def test_entities_ended_coverages_and_other_terms_arent_compared():
    term = group()
    entity = InsuredFactory.create(entity=True, name="Riverbend PC")
    (left,) = insure(term, Person("Left", "Lee"), effective=term.effective, expires=days(-1))
    insure(term, Person("Excess", "Eve"), part=Coverage.Part.EXCESS)
    Coverage.objects.filter(insured=left.insured).update(ended_reason="Left")
    Coverage.objects.create(
        source="core",
        external_id="entity",
        term=term,
        insured=entity,
        part=Coverage.Part.ENTITY,
        form=Coverage.Form.OCCURRENCE,
        limit_per_claim=1,
        limit_aggregate=1,
        effective=term.effective,
        expires=term.expires,
    )

    found = roster_on(term, term.policy.today())

    assert sorted(found.of("last_name")) == ["Clarke", "Excess", "Hopper", "Johnson", "Turing"]


def test_a_comparison_asks_once_whatever_its_size(django_assert_num_queries):
    term = group()
    sheet = read(a_csv(*everyone()))
    columns: Columns = guess(sheet, {})
    with django_assert_num_queries(1):
        compare(sheet, columns, Against(term, days(0)), {})
