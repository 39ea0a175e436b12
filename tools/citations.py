"""What texts refer to is there: anchors of docs/, ids of docs/spec.md, tests that docs/security.md names, decisions.

`python -m tools.citations` prints each reference that leads nowhere; part of `make lint`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = {".py", ".html", ".txt", ".css", ".js", ".md", ".toml", ".yml", ".yaml", ".sh"}
# Its own pattern of what is forbidden, and the texts that its tests judge.
LEFT_OUT = {"tools/citations.py", "tests/docs/test_citations.py"}
SPEC = "docs/spec.md"

DOCUMENT = re.compile(r"\b(docs/[\w./-]+\.md)(?:#([\w-]+))?")
ID = re.compile(r"(?<![\w-])([SB])-(\d{2}\w?)\b")
ELSEWHERE = re.compile(
    r"\b(?:DESIGN|SPEC|FEED|STYLE)(?:\.md\b|:|['’]| ['‘(])|\b(?:DESIGN|SPEC|FEED)\)|\bSECURITY(?::|['’])"
)
TEST = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\(([^)#\s]+)?(?:#([\w-]+))?\)")
ANCHOR = re.compile(r'<a id="([\w-]+)">')
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
DECISION = re.compile(r"(\d{4})-[a-z0-9-]+\.md")


def main() -> int:
    """Print what leads nowhere; 1 if anything does."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    names = [name for name in listed.splitlines() if Path(name).suffix in SUFFIXES and name not in LEFT_OUT]
    found = [*faults(ROOT, names), *decision_faults(ROOT)]
    print("\n".join(found) or "Every reference leads somewhere.")
    return int(bool(found))


def faults(root: Path, names: list[str]) -> Iterator[str]:
    """One line for each reference of these files that leads nowhere."""
    for name in names:
        path = root / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for fault in _faults_of(root, name, line):
                yield f"{name}:{number}: {fault}"


def _faults_of(root: Path, name: str, line: str) -> Iterator[str]:
    for document, anchor in DOCUMENT.findall(line):
        yield from _target(root / document, anchor, document)
    if name != SPEC:
        for letter, digits in ID.findall(line):
            yield from _target(root / SPEC, f"{letter}-{digits}".lower(), SPEC)
    if match := ELSEWHERE.search(line):
        yield f"'{match.group()}' isn't a document of this repository; cite an anchor of docs/"
    if name.endswith(".md"):
        for file, test in TEST.findall(line):
            if not has_test(root / "tests" / file, test):
                yield f"there is no test {file}::{test}"
        for target, anchor in LINK.findall(line):
            if "://" not in target:
                yield from _target((root / name).parent / target if target else root / name, anchor, target or name)


def _target(path: Path, anchor: str, shown: str) -> Iterator[str]:
    if not path.exists():
        yield f"there is no {shown}"
    elif anchor and anchor not in anchors(path):
        yield f"{shown} has no anchor #{anchor}"


@cache
def anchors(path: Path) -> frozenset[str]:
    """Every anchor of a Markdown file: those that it sets, and those of its headings as GitHub makes them."""
    text = path.read_text(encoding="utf-8")
    headings = (ANCHOR.sub("", heading).replace("</a>", "") for heading in HEADING.findall(text))
    slugs = (re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)
    return frozenset(ANCHOR.findall(text)) | frozenset(slugs)


@cache
def has_test(path: Path, test: str) -> bool:
    """Whether a file of tests has this one."""
    return path.is_file() and f"def {test}(" in path.read_text(encoding="utf-8")


def decision_faults(root: Path) -> Iterator[str]:
    """One line for each decision record that lacks its number, date, status, or line in the index."""
    folder = root / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    numbers: dict[str, str] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        match = DECISION.fullmatch(path.name)
        if match is None:
            yield f"docs/decisions/{path.name}: a record's name begins with a number of four digits"
            continue
        if other := numbers.get(match.group(1)):
            yield f"docs/decisions/{path.name}: {other} has the same number"
        numbers[match.group(1)] = path.name
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE):
            yield f"docs/decisions/{path.name}: no line 'Date: YYYY-MM-DD'"
        status = re.search(r"^Status: (accepted|superseded by \d{4})$", text, re.MULTILINE)
        if status is None:
            yield f"docs/decisions/{path.name}: no line 'Status: accepted' or 'Status: superseded by NNNN'"
        elif not re.search(
            rf"^\| \[{match.group(1)}\]\({re.escape(path.name)}\) \|.*\| {status.group(1)} \|$", index, re.MULTILINE
        ):
            yield f"docs/decisions/{path.name}: README.md doesn't list it with its status"


if __name__ == "__main__":
    sys.exit(main())
