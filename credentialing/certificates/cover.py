"""The list at the front of many certificates, and their outline."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.template.loader import render_to_string

from core.pdf import Candidate
from core.pdf.setting import CantSet
from core.templatetags.show import day_long
from credentialing.certificates.names import sort_name
from credentialing.certificates.rendering import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.pdf.binding import Entry
    from core.pdf.setting import Composed
    from credentialing.models import Certificate

# Lines on a page where none is long; the first page has a heading.
A_PAGE = 40


@dataclass(frozen=True)
class Line:
    """A certificate in the list. `page`: the number that is printed; `target`: its object in the file."""

    insured: str
    policy: str
    holder: str
    serial: str
    is_letter: bool
    page: int
    target: int
    is_history: bool = False

    @classmethod
    def of(cls, certificate: Certificate, *, number: int, page: int) -> Line:
        """Return the line of a certificate whose first page is that number, and that object."""
        return cls(
            insured=sort_name(certificate.snapshot),
            policy=certificate.policy_number,
            holder=certificate.holder_name,
            serial=certificate.serial,
            is_letter=certificate.is_letter,
            page=number,
            target=page,
        )


def title_of(lines: Sequence[Line]) -> str:
    """Return '5,000 certificates of insurance', or what else there is."""
    letters = sum(line.is_letter for line in lines)
    histories = sum(line.is_history for line in lines)
    others = len(lines) - histories
    plural = "" if others == 1 else "s"
    if letters == 0:
        title = f"{others:,} certificate{plural} of insurance"
    elif letters == others:
        title = f"{others:,} letter{plural} of past coverage"
    else:
        title = f"{others:,} certificates and letters"
    if not histories:
        return title
    also = f"{histories:,} claims histor{'y' if histories == 1 else 'ies'}"
    return f"{title} and {also}" if others else also


def cover_pages(lines: Sequence[Line], *, created: dt.datetime) -> Iterator[Composed]:
    """Yield the pages of the list, in the order of the file. A page with long lines holds fewer."""
    press = layout()
    start = number = 0
    title = title_of(lines)
    while start < len(lines):
        number += 1
        context = {
            "title": title,
            "subtitle": f"In this file, {day_long(created.date())}" if number == 1 else "",
            "running": f"{title}, list, page {number}",
            "author": "",
            "created": created,
        }
        count = A_PAGE
        while True:
            entries = lines[start : start + count]
            html = render_to_string("credentialing/pdf/cover.html", context | {"entries": entries})
            try:
                page = press.compose(partial(_one, html))
            except CantSet:
                if count == 1:
                    raise
                count = max(1, count * 3 // 4)
                continue
            break
        yield page
        start += len(entries)


def _one(html: str) -> list[Candidate]:
    return [Candidate(html, pages=1)]


def outline_of(lines: Sequence[Line]) -> list[Entry]:
    """Return an entry for each insured, by name, and below it their certificates where there are several."""
    by_insured: dict[str, list[Line]] = {}
    for line in lines:
        by_insured.setdefault(line.insured, []).append(line)
    return [
        (
            insured,
            mine[0].target,
            [(f"{line.holder}, {line.serial}", line.target, []) for line in mine] if len(mine) > 1 else [],
        )
        for insured, mine in sorted(by_insured.items(), key=lambda each: each[0].casefold())
    ]
