"""What an attacker may compare: answers without what differs by chance, and statements without their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def plain(answer: Any, *typed: str) -> tuple[int, str, str]:
    """Return status, address, and page of an answer, without tokens, the minute of the line for print, and what was
    typed."""
    passing = ("csrfmiddlewaretoken", 'class="only-print"')
    lines = answer.content.decode().splitlines()
    page = "\n".join(line for line in lines if not any(each in line for each in passing))
    for text in typed:
        page = page.replace(text, "TYPED")
    return answer.status_code, answer.get("Location", ""), page


@contextmanager
def statements() -> Iterator[Callable[[], list[str]]]:
    """Yield what returns the statements asked within the block, without their values."""
    with CaptureQueriesContext(connection) as queries:
        yield lambda: [shape(query["sql"]) for query in queries.captured_queries]


def shape(sql: str) -> str:
    """Return a statement without its values."""
    without = re.sub(r"'(?:[^']|'')*'|\b\d+\b|\bs\d+_x\d+\b", "?", sql)
    return re.sub(r"\s+", " ", without)
