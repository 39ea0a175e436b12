"""Names and policy numbers as people type them (S-06, S-07), compared with those on file."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.services.asking import folded_number
from policies.names import fold, normalize_number
from policies.registrants.people import FiledName, is_same_person

ABERNATHY = FiledName("Ana", "María", "Núñez-Abernathy")
JUNIOR = FiledName("Tobias", "", "Lindqvist", "Jr.")


@pytest.mark.parametrize(
    "typed",
    [
        "Ana Núñez-Abernathy",
        "ana nunez abernathy",
        "ANA M. NUNEZ-ABERNATHY, MD, FACP",
        "Ana Maria Nunez‐Abernathy M.D.",
        "Núñez-Abernathy, Ana M., MD",
        "Nunez Abernathy, Ana",
        "Dr. Ana Núñez-Abernathy",
        "Ana “Nina” Núñez-Abernathy",
        "  Ana   M  Nunezabernathy  ",
    ],
)
def test_a_name_is_the_one_on_file_however_it_is_written(typed: str) -> None:
    assert is_same_person(typed, ABERNATHY)


@pytest.mark.parametrize(
    "typed",
    [
        "Ana Núñez",
        "Ana Abernathy",
        "Anna Núñez-Abernathy",
        "A. Núñez-Abernathy",
        "Ana Lucía Núñez-Abernathy",
        "Ana L. Núñez-Abernathy",
        "Núñez-Abernathy",
        "María Núñez-Abernathy",
        "Ana Núñez-Abernathy Smith",
        "",
        "MD",
    ],
)
def test_another_name_is_another_person(typed: str) -> None:
    assert not is_same_person(typed, ABERNATHY)


@pytest.mark.parametrize(
    ("typed", "filed", "same"),
    [
        ("Tobias Lindqvist", JUNIOR, True),
        ("Tobias Lindqvist Jr", JUNIOR, True),
        ("Tobias Lindqvist II, MD", JUNIOR, True),
        ("Tobias Lindqvist Sr.", JUNIOR, False),
        ("Tobias Lindqvist III", JUNIOR, False),
        ("Lindqvist Jr., Tobias", JUNIOR, True),
        # Last names that read like credentials, and credentials that read like last names.
        ("Yo-Yo Ma", FiledName("Yo-Yo", "", "Ma"), True),
        ("Minh Do, DO", FiledName("Minh", "", "Do"), True),
        ("Pa Moua, PA-C", FiledName("Pa", "", "Moua"), True),
        ("Van Nguyen APRN-BC", FiledName("Van", "", "Nguyen"), True),
        ("Maria de la Cruz", FiledName("María", "", "de la Cruz"), True),
        ("Patrick O’Brien", FiledName("Patrick", "", "O'Brien"), True),
        ("Jean Luc Petit", FiledName("Jean-Luc", "", "Petit"), True),
        ("Mary Ann Hill", FiledName("Maryann", "", "Hill"), True),
        ("Łukasz Kowalski", FiledName("Lukasz", "", "Kowalski"), True),
        ("Ana Maria Ruiz", FiledName("Ana", "", "Ruiz"), True),
        ("Ana Ruiz", FiledName("Ana", "M.", "Ruiz"), True),
        ("Ana Margarita Ruiz", FiledName("Ana", "M.", "Ruiz"), True),
        ("Ana Ruiz", FiledName("", "", "Ruiz"), False),
        ("Ana Ruiz", FiledName("Ana", "", ""), False),
    ],
)
def test_suffixes_credentials_and_middle_names_count_as_they_should(typed: str, filed: FiledName, same: bool) -> None:
    assert is_same_person(typed, filed) is same


def test_an_individual_policyholders_name_is_read_from_one_text() -> None:
    assert FiledName.of("Mia Lund, MD") == FiledName("Mia", "", "Lund", "MD")
    assert is_same_person("Lund, Mia", FiledName.of("Mia Lund, MD"))


LETTERS = st.sampled_from("abcdefghijklmnoprstuvwyzáéíñóüçłøæşčž")
WORD = st.text(LETTERS, min_size=2, max_size=12).map(str.title)
NAME = st.builds("{}{}".format, WORD, st.one_of(st.just(""), WORD.map("-{}".format), WORD.map(" {}".format)))
MIDDLE = st.one_of(st.just(""), WORD, WORD.map(lambda word: f"{word[0]}."))


@st.composite
def filed_names(draw: st.DrawFn) -> FiledName:
    suffix = draw(st.sampled_from(["", "", "Jr.", "Sr.", "III"]))
    return FiledName(draw(WORD), draw(MIDDLE), draw(NAME), suffix)


@st.composite
def spellings(draw: st.DrawFn, filed: FiledName) -> str:
    """Return one of the ways in which a person may write their own name."""
    middle = draw(st.sampled_from(["", filed.middle, filed.middle[:1]]))
    suffix = draw(st.sampled_from(["", filed.suffix, filed.suffix.replace(".", "")]))
    last = draw(st.sampled_from([filed.last, filed.last.replace("-", " "), filed.last.replace(" ", "-")]))
    credential = draw(st.sampled_from(["", ", MD", " M.D.", ", DO, FACS", " NP", ", PhD"]))
    given_names = " ".join(part for part in (filed.first, middle) if part)
    if draw(st.booleans()):
        name = " ".join(part for part in (given_names, last, suffix) if part) + credential
    else:
        name = f"{' '.join(part for part in (last, suffix) if part)}, {given_names}{credential}"
    if draw(st.booleans()):
        name = unicodedata.normalize("NFD", name)
    return draw(st.sampled_from([name, name.upper(), name.lower(), f" {name}  ", f"Dr. {name}"]))


@given(st.data())
def test_every_spelling_of_a_persons_own_name_is_theirs(data: st.DataObject) -> None:
    filed = data.draw(filed_names())
    assert is_same_person(data.draw(spellings(filed)), filed)


@given(st.data())
def test_a_spelling_with_another_first_or_last_name_is_not(data: st.DataObject) -> None:
    filed, other = data.draw(filed_names()), data.draw(WORD)
    own = fold(f"{filed.first} {filed.middle} {filed.last}").replace(" ", "")
    # A name that is a piece of the person's own may be read in more than one way.
    assume(len(fold(other)) > 2 and fold(other) not in own and own not in fold(other))
    assert not is_same_person(f"{other} {filed.last}", filed)
    assert not is_same_person(f"{filed.first} {other}", filed)


@given(st.text(max_size=60), filed_names())
def test_any_text_is_answered(text: str, filed: FiledName) -> None:
    assert is_same_person(text, filed) in {True, False}


@given(
    st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=1, max_size=14),
    st.data(),
)
def test_spaces_dashes_and_case_of_a_number_do_not_matter(number: str, data: st.DataObject) -> None:
    between = st.sampled_from(["", "", " ", "-", " - ", "–", "."])
    typed = "".join(data.draw(between) + character for character in number) + data.draw(between)
    assert normalize_number(data.draw(st.sampled_from([typed, typed.lower()]))) == number


@given(
    st.text(st.sampled_from("ABC0123456789"), min_size=1, max_size=10),
    st.text(st.sampled_from("ABC0123456789"), min_size=1, max_size=10),
)
def test_two_numbers_are_one_only_if_their_letters_and_digits_are(one: str, other: str) -> None:
    assert (normalize_number(one) == normalize_number(other)) is (one == other)


@given(st.text(max_size=60))
def test_requests_are_counted_under_the_number_that_matching_reads(typed: str) -> None:
    assert folded_number(typed) == normalize_number(typed)
