"""Reading CSV strictly by RFC 4180: whatever the bytes, findings with rows and never an exception."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.package import records
from feed.package.records import RecordReader, parse_strictly

Fault = tuple[int, int | None, str]


def read(
    data: bytes, width: int = 3
) -> tuple[list[str] | None, list[tuple[int, list[str]]], list[Fault], RecordReader]:
    """Header, (row, values) of every sound record, faults, and the reader."""
    faults: list[Fault] = []
    reader = RecordReader(io.BytesIO(data), lambda row, column, code, _sentence: faults.append((row, column, code)))
    header = reader.header()
    found: list[tuple[int, list[str]]] = []
    if header is not None:
        for batch in reader.batches(width):
            found += zip(batch.lines, batch.rows, strict=True)
    return header, found, faults, reader


CASES: dict[str, tuple[bytes, list[Any], list[Fault]]] = {
    "plain": (b"1,2,3\n4,5,6\n", [(2, ["1", "2", "3"]), (3, ["4", "5", "6"])], []),
    "no end of the last line": (b"1,2,3", [(2, ["1", "2", "3"])], []),
    "CRLF": (b"1,2,3\r\n4,,\r\n", [(2, ["1", "2", "3"]), (3, ["4", "", ""])], []),
    "quoted": (b'"1","2,3","4"\n', [(2, ["1", "2,3", "4"])], []),
    "doubled quotes": (b'"1","say ""hi""",""\n', [(2, ["1", 'say "hi"', ""])], []),
    "a quoted line break is one row": (b'1,"2\r\n2",3\n4,5,6\n', [(2, ["1", "2\r\n2", "3"]), (3, ["4", "5", "6"])], []),
    "too few fields": (b"1,2\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, None, "field-count")]),
    "too many fields": (b"1,2,3,4\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, None, "field-count")]),
    "blank rows": (b"\n1,2,3\n\n", [(3, ["1", "2", "3"])], [(2, None, "blank-row"), (4, None, "blank-row")]),
    "a bare quote": (b'1,x"y,3\n4,5,6\n', [(3, ["4", "5", "6"])], [(2, None, "quote")]),
    "text behind a quote": (b'1,"x"y,3\n4,5,6\n', [(3, ["4", "5", "6"])], [(2, None, "quote")]),
    "an open quote": (b'1,"x,3\n4,5,6\n', [(3, ["4", "5", "6"])], [(2, None, "quote")]),
    "a space before a quote": (b'1, "x",3\n4,5,6\n', [(3, ["4", "5", "6"])], [(2, None, "quote")]),
    "a lone carriage return": (b"1,2\r2,3\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, None, "line-break")]),
    "a NUL": (b"1,\0,3\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, 1, "nul")]),
    "not UTF-8": (b"1,2,\xff\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, 2, "encoding")]),
    "an encoded surrogate": (b"1,2,\xed\xa0\x80\n", [], [(2, 2, "encoding")]),
    "a row that is too long": (
        b"1,2," + b"x" * 140_000 + b"\n4,5,6\n", [(3, ["4", "5", "6"])], [(2, None, "line-too-long")]),
    "a long row of quotes": (
        b'1,2,"' + b'""' * 140_000 + b'"\n4,5,6\n', [(3, ["4", "5", "6"])], [(2, None, "line-too-long")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("chunk", [1 << 18, 16, 3])
def test_records_and_faults(name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, expected, faults = CASES[name]
    if len(data) > 1_000 and chunk < 1_000:
        chunk = 1_000
    monkeypatch.setattr(records, "CHUNK", chunk)

    header, found, told, reader = read(b"a,b,c\n" + data)

    assert header == ["a", "b", "c"]
    assert found == expected
    assert told == faults
    assert reader.digest == hashlib.sha256(b"a,b,c\n" + data).hexdigest()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-header"),
        (b"\n1,2,3\n", "no-header"),
        (b"\xff\xfea\0,\0b\0", "encoding"),
        (b'"a,b\n', "quote"),
        (b"x" * 3_000_000, "line-too-long"),
    ],
    ids=["empty", "blank", "UTF-16", "an open quote", "one endless line"],
)
def test_an_unreadable_header_is_a_problem_of_row_1(data: bytes, code: str) -> None:
    header, _, faults, reader = read(data)
    assert (header, faults) == (None, [(1, None, code)])
    assert reader.digest == hashlib.sha256(data).hexdigest()


def test_a_quote_that_is_never_closed_is_found_without_reading_all_into_memory() -> None:
    data = b'a,b,c\n1,"2,3\n' + b"4,5,6\n" * 380_000
    _, found, faults, reader = read(data)
    assert faults == [(2, None, "quote")]
    assert (len(found), reader.records) == (380_000, 380_001)


def test_a_line_without_end_is_found_without_reading_it_into_memory() -> None:
    data = b"a,b,c\n1,2,3\n" + b"x" * 5_000_000
    _, found, faults, reader = read(data)
    assert (found, faults, reader.stopped) == ([(2, ["1", "2", "3"])], [(3, None, "line-too-long")], True)
    assert reader.digest == hashlib.sha256(data).hexdigest()


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


# Hypothesis gathers Unicode's categories once, which takes a busy machine seconds.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(values, min_size=2, max_size=2), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_rows_written_by_the_rules_are_read_back(rows: list[list[str]], end: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    _, found, faults, _ = read(out.getvalue().encode(), width=2)
    assert faults == []
    assert [values for _, values in found] == rows
    assert [row for row, _ in found] == list(range(2, len(rows) + 2))


@given(st.binary(max_size=300))
def test_no_content_raises(data: bytes) -> None:
    _, found, _, reader = read(data, width=2)
    assert all(len(values) == 2 for _, values in found)
    assert reader.digest == hashlib.sha256(data).hexdigest()


@given(st.text(st.sampled_from('a",\r\n\0é'), max_size=60))
def test_the_fast_and_the_strict_parser_agree(text: str) -> None:
    """Whatever the quick reader lets through, the grammar lets through with the same values."""
    quick = RecordReader._records(text, suspicious=False) if text else None
    if quick is not None and quick.plain:
        strict = [[] if record == [""] else record for record in parse_strictly(text)]
        assert [[] if record == [""] else record for record in quick.all] == strict
