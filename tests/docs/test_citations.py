"""References that lead nowhere are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.citations import decision_faults, faults

PAGE = """# Security

<a id="codes"></a>
## Codes that expire

`accounts/test_codes.py::test_a_code_expires`
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "tests" / "accounts").mkdir(parents=True)
    (tmp_path / "docs" / "security.md").write_text(PAGE)
    (tmp_path / "docs" / "spec.md").write_text('- <a id="s-14"></a>**S-14** Lockout.\n')
    (tmp_path / "tests" / "accounts" / "test_codes.py").write_text("def test_a_code_expires() -> None: ...\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("See docs/security.md#codes.", None),
        ("See docs/security.md#codes-that-expire.", None),
        ("See docs/security.md#lockout.", "docs/security.md has no anchor #lockout"),
        ("See docs/safety.md.", "there is no docs/safety.md"),
        ("Lockout (S-14).", None),
        ("Lockout (S-15).", "docs/spec.md has no anchor #s-15"),
        ("A table (B-09).", "docs/spec.md has no anchor #b-09"),
        ("Codes (SECURITY: codes).", "'SECURITY:' isn't a document"),
        ("Rows (DESIGN: data).", "'DESIGN:' isn't a document"),
        ("Held (FEED.md).", "'FEED.md' isn't a document"),
        ("How to report a hole: SECURITY.md.", None),
    ],
)
def test_a_reference_in_code_leads_somewhere(repository: Path, text: str, fault: str | None) -> None:
    (repository / "module.py").write_text(f'"""{text}"""\n')
    found = list(faults(repository, ["module.py"]))
    assert [bool(fault)] * len(found) == ([True] if fault else [])
    if fault:
        assert found[0].startswith(f"module.py:1: {fault}")


def test_a_test_that_a_page_names_exists(repository: Path) -> None:
    assert list(faults(repository, ["docs/security.md"])) == []
    (repository / "docs" / "other.md").write_text("`accounts/test_codes.py::test_a_code_opens_twice`\n")
    assert list(faults(repository, ["docs/other.md"])) == [
        "docs/other.md:1: there is no test accounts/test_codes.py::test_a_code_opens_twice"
    ]


def test_a_link_between_pages_leads_somewhere(repository: Path) -> None:
    (repository / "docs" / "other.md").write_text(
        "[codes](security.md#codes) [gone](gone.md) [web](https://x.example/)\n"
    )
    assert list(faults(repository, ["docs/other.md"])) == ["docs/other.md:1: there is no gone.md"]


def test_a_decision_has_number_date_status_and_a_line_in_the_index(repository: Path) -> None:
    folder = repository / "docs" / "decisions"
    (folder / "README.md").write_text("| [0001](0001-rows.md) | Rows | 2026-11-22 | accepted |\n")
    (folder / "0001-rows.md").write_text("# Rows\n\nDate: 2026-11-22\n\nStatus: accepted\n")
    assert list(decision_faults(repository)) == []
    (folder / "0001-again.md").write_text("# Again\n\nStatus: accepted\n")
    (folder / "loose.md").write_text("# Loose\n")
    found = "\n".join(decision_faults(repository))
    assert "0001-rows.md: 0001-again.md has the same number" in found
    assert "0001-again.md: no line 'Date: YYYY-MM-DD'" in found
    assert "0001-again.md: README.md doesn't list it" in found
    assert "loose.md: a record's name begins with a number" in found
