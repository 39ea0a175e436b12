"""The words of docs/style.md#english: British spellings and translated phrases don't come back.

`python -m tools.wording [FILE…]` prints each place with what to write instead; part of `make lint`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = {".py", ".html", ".txt", ".css", ".js", ".md", ".toml", ".yml", ".yaml", ".sh", ""}
# They hold the words in order to forbid them, or to test that.
LEFT_OUT = re.compile(
    r"tools/wording\.py|tests/docs/test_wording\.py|docs/style\.md|requirements/.*|.*/migrations/.*|tests/.*\.json"
)
# Names that laws, standards, and libraries gave to things: these keep their spelling.
NAMES = re.compile(
    r"Model Behaviour Act|['\"]canceled['\"]|http://\S+|https://\S+|SPDX\S*|\bLICENCE\b|aria-labelledby|labelled_by"
)

TEST = re.compile(r"\s*def test_")

# Words that British English may write with -ise.
IZED = (
    "author|recogn|organ|summar|initial|normal|serial|minim|maxim|optim|real|apolog|custom|final|priorit|categor|emphas"
    "|memor|util|special|general|capital|standard|synchron|visual|item|local|modern|central|formal|character|harmon|legal"
    "|neutral|penal|personal|scrutin|stabil|symbol|sympath|trivial|union"
)
# A pattern of a word or phrase, and what to write instead.
WORDS: tuple[tuple[str, str], ...] = (
    # Phrases that read as translated.
    (r"anew", "again"),
    (r"befalls?|befell|befallen", "happened to"),
    (r"besides(?!,? the\b)", "also, as well as"),
    (r"in vain", "for nothing"),
    (r"who(?:m|so)?ever", "anyone who, the person who"),
    (r"at hand", "available"),
    (r"puts? right|putting right", "fix"),
    (r"somebody[’']s word|a person[’']s word", "a person's decision"),
    (r"stands?(?!(?: (?:out|for|up|by|in for|behind|alone|still|or fall)|-ins?)\b)", "is, are"),
    (
        r"(?<!there )is no (?!longer|more|less|later|earlier|one|other|such|different|way|reason|doubt|need)(?=[a-z])",
        "isn't a, has no",
    ),
    (
        r"hitherto|henceforth|whence|thence|whither|thither|heretofore|thereof|therein|wherein|whereof|thereupon",
        "plain words",
    ),
    (r"lest|albeit|notwithstanding|whilst|amongst|forthwith", "plain words"),
    (r"told of|tells? of", "told about"),
    # Spelling.
    (r"(?:colo|favo|behavio|hono|neighbo|labo|harbo|rumo|endeavo|flavo)ur\w*", "…or"),
    (rf"(?:{IZED})is(?:e[sd]?|ing|ation\w*|ers?)", "…ize"),
    (r"(?:anal|paral|catal)ys(?:e[sd]?|ing)", "…yze"),
    (r"judgements?", "judgment"),
    (r"acknowledgements?", "acknowledgment"),
    (r"licences?", "license"),
    (r"(?:def|off|pret)ences?", "…ense"),
    (r"practis(?:e[sd]?|ing)", "practice"),
    (r"centr(?:e[sd]?|ing)", "center"),
    (r"met(?:re)s?|lit(?:re)s?|fib(?:re)s?|theatres?", "…er"),
    (r"programmes?", "program"),
    (r"cheques?", "check"),
    (r"enrol(?:s|ments?)?", "enroll, enrollment"),
    (r"fulfil(?:s|ments?)?", "fulfill, fulfillment"),
    (r"skilful|wilful|instal(?:s|ments?)?", "double l"),
    (r"(?:label|model|travel|signal|total|level|channel|fuel|tunnel|panel|initial|equal)l(?:ed|ing|er|ers)", "one l"),
    (r"grey(?:s|ed|ish)?", "gray"),
    (r"towards|afterwards|backwards|forwards|upwards|downwards", "without the s"),
    (r"learnt|spelt|burnt|dreamt|leant", "…ed"),
    (r"ageing|storeys?|tyres?|kerbs?|moulds?|ploughs?|sceptical", "American spelling"),
    (r"(?:un)?canceled|canceling", "cancelled: the trade spells it so"),
)
PATTERN = re.compile(
    r"\b(?:" + "|".join(f"(?P<w{n}>{word})" for n, (word, _) in enumerate(WORDS)) + r")\b", re.IGNORECASE
)


def main(arguments: Sequence[str]) -> int:
    """Print every place; 1 if there is one."""
    names = list(arguments) or _tracked()
    found = [
        f"{name}:{fault}"
        for name in names
        if Path(name).suffix in SUFFIXES and not LEFT_OUT.fullmatch(name) and (ROOT / name).is_file()
        for fault in faults((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    print("\n".join(found) or "Every word is plain American English, as far as a list can tell.")
    return int(bool(found))


def faults(text: str) -> Iterator[str]:
    """Each word of the list in a text, as `line: 'word' (what to write instead)`."""
    for number, line in enumerate(text.splitlines(), 1):
        # A test's name is a sentence.
        words = line.replace("_", " ") if TEST.match(line) else line
        for match in PATTERN.finditer(NAMES.sub("", words)):
            instead = WORDS[int(str(match.lastgroup)[1:])][1]
            yield f"{number}: '{match.group()}' ({instead})"


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return listed.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
