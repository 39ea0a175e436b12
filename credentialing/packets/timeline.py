"""The coverage timeline of a packet: a snapshot of the insured's page when the packet is built, and its PDF (B-07).

It goes to others, so it says that coverage ended, and neither that a policy was cancelled nor why. What isn't bound
isn't on it. Where a certificate of coverage in force is refused, so is the timeline: it would certify the same
(docs/decisions/0212-timelines-for-others.md).
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from core.money import whole_dollars
from core.pdf import Candidate, unprintable
from core.templatetags.show import day, day_long
from credentialing.certificates.snapshot import texts_of
from credentialing.models import wants_approved_form
from credentialing.packets.layout import in_zone, layout
from policies.eligibility import form_state
from policies.freshness import data_as_of
from policies.models import Term
from policies.pages.tails import Reporting
from policies.pages.timeline import Stretch, drawn
from policies.words import Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.pages.home import OwnCoverage
    from policies.pages.insured import InsuredPage, Row
    from policies.pages.timeline import Timeline

STATUS = {
    Word.IN_FORCE: "In force",
    Word.PENDING_CANCELLATION: "In force",
    Word.UPCOMING: "Upcoming",
}
ENDED = "Ended"
LOOK = {"In force": "current", "Upcoming": "next", ENDED: "past"}
LABELS = {
    "past": ENDED,
    "current": "In force",
    "next": "Upcoming",
    "prior": "Other carriers",
    "gap": "No coverage on record",
    "leave": "Not covered",
    "tail": "Tail (extended reporting)",
}
# Of each look: fill, stroke, dashes.
PAINT = {
    "past": ("#d9ebe8", "#0b5855", ""),
    "current": ("#0b5855", "#0b5855", ""),
    "next": ("#ffffff", "#0b5855", "4 3"),
    "prior": ("#ebebe6", "#6b7679", ""),
    "gap": ("#fbf0d9", "#7a4b00", "3 3"),
    "leave": ("#e3bd72", "#7a4b00", ""),
    "tail": ("#0b5855", "none", ""),
}
WIDTH, HEIGHT = 500, 74


class NoTimelineError(Exception):
    """There is no timeline to give out; the message is the sentence for the user."""


def snapshot_of(page: InsuredPage) -> dict[str, Any]:
    """Return what the timeline says today, from the insured's page as its builder sees it: plain JSON.

    Raises `NoTimelineError`.
    """
    bound = [row for row in page.rows if row.own is None or _is_bound(row.own)]
    ours = [row.own for row in bound if row.own is not None]
    if not ours:
        raise NoTimelineError("There is no coverage with us to show.")
    for own in ours:
        _refuse_what_no_certificate_says(own)
    today = ours[0].status.day
    picture = _drawn(bound, ours, today)
    as_of = min((at for own in ours if (at := data_as_of(own.status.policy.source))), default=None)
    snapshot = {
        "legal_name": settings.BRAND["legal_name"],
        "insured": page.insured.display_name,
        "specialty": page.leading.coverage.specialty or page.insured.specialty,
        "scope": _scope(page, ours),
        "day": str(today),
        "as_of": as_of.isoformat() if as_of else None,
        "created": timezone.now().isoformat(),
        "rows": [_row(row) for row in bound],
        "sentences": _sentences(page, bound),
        "summary": picture.summary if picture else "",
        "retroactive_label": picture.retroactive_label if picture else "",
        "drawing": _numbers(picture) if picture else None,
    }
    if missing := unprintable("".join(texts_of(snapshot))):
        raise NoTimelineError(f"The timeline has characters we can’t print ({' '.join(missing)}).")
    return snapshot


def timeline_pdf(snapshot: Mapping[str, Any]) -> bytes:
    """Return the PDF of a timeline. The same snapshot gives the same bytes."""
    picture = snapshot["drawing"]
    context = {
        "s": snapshot,
        "day": day_long(dt.date.fromisoformat(snapshot["day"])),
        "as_of": in_zone(dt.datetime.fromisoformat(snapshot["as_of"])) if snapshot["as_of"] else "",
        "rows": snapshot["rows"],
        "drawing": _image(_svg(picture)) if picture else "",
        "swatches": _swatches(picture) if picture else [],
    }
    return layout().render([Candidate(render_to_string("credentialing/packets/pdf/timeline.html", context))])


def _is_bound(own: OwnCoverage) -> bool:
    return own.term.status in Term.TAKEN_UP and own.starts < own.ends and own.word != Word.PENDING


def _refuse_what_no_certificate_says(own: OwnCoverage) -> None:
    """Raise `NoTimelineError` for coverage in force or to come that gives no certificate, and in the states where a
    paper about coverage needs an approved form: a timeline has none."""
    if wants_approved_form(form_state(own.coverage)):
        raise NoTimelineError("In this state, papers about coverage need an approved form, and a timeline has none.")
    if own.word in STATUS and not own.eligibility.allows:
        raise NoTimelineError(own.eligibility.reason)


def _scope(page: InsuredPage, ours: list[OwnCoverage]) -> str:
    if page.is_own:
        return "Coverage with us, and with other carriers as it was reported to us"
    names = ", ".join(dict.fromkeys(own.status.policy.policyholder.name for own in ours))
    return f"Policies of {names}, and other carriers as reported to us; gaps aren’t judged"


def _row(row: Row) -> dict[str, Any]:
    period = f"{day(row.starts)} – {day(row.ends) if row.ends else 'no end'}"
    if row.own is not None:
        return {"period": period} | _of_ours(row.own, row)
    if row.prior is not None:
        c = row.prior
        return {
            "period": period,
            "status": "Other carrier",
            "what": c.get_form_display(),
            "notes": _moved(row),
            "carrier": c.carrier,
            "policy": c.policy_number,
            "retroactive": day(c.retroactive_date) or "–",
            "limits": "–",
            "basis": "",
        }
    empty = {"notes": [], "carrier": "", "policy": "", "retroactive": "", "limits": "", "basis": ""}
    if row.tail:
        return {"period": period, "status": "Time to report claims", "what": row.tail} | empty
    return {"period": period, "status": row.length, "what": "No coverage on record"} | empty


def _of_ours(own: OwnCoverage, row: Row) -> dict[str, Any]:
    c, policy = own.coverage, own.status.policy
    notes = [c.get_form_display(), *(f"Not covered {line.text}" for line in own.facts.leave), *_moved(row)]
    if own.eligibility.cancellation_effective:
        notes.append(f"The policy will be cancelled on {day(own.eligibility.cancellation_effective)}")
    return {
        "status": STATUS.get(own.word, ENDED),
        "what": c.get_part_display(),
        "notes": notes,
        "carrier": policy.company.name,
        "policy": policy.number,
        "retroactive": c.retroactive_text,
        "limits": f"{whole_dollars(c.limit_per_claim)} / {whole_dollars(c.limit_aggregate)}",
        "basis": f"{c.per_claim_label} / aggregate{', shared' if c.limits_shared else ''}",
    }


def _moved(row: Row) -> list[str]:
    return [f"Retroactive date later than before ({day(row.later_than)})"] if row.later_than else []


def _sentences(page: InsuredPage, rows: list[Row]) -> list[str]:
    found = []
    if any(row.is_gap for row in rows):
        found.append(
            "“No coverage on record” means days without professional or entity coverage, with us or with another "
            "carrier we know of. Leave isn’t counted."
        )
    elif page.is_own and len(rows) > 1:
        found.append("We have no gaps in coverage on record.")
    if any(row.later_than for row in rows):
        found.append("Claims-made coverage doesn’t reach events before its retroactive date.")
    return found


def _drawn(rows: list[Row], ours: list[OwnCoverage], today: dt.date) -> Timeline | None:
    stretches, tails = [], []
    for row in rows:
        if row.tail:
            tails.append(Reporting(row.starts, row.ends, row.tail))
        elif row.ends is not None:
            stretches.append(Stretch(row.starts, row.ends, row.ends, _kind_of(row), ""))
    dates = {row.retroactive_date for row in rows if row.retroactive_date is not None}
    return drawn(
        stretches,
        today,
        retroactive=min(dates, default=None),
        dates=dates,
        suspended=[days for own in ours for days in own.facts.suspended],
        tails=tails,
        noun="period",
        title="Coverage over the years",
    )


def _kind_of(row: Row) -> str:
    if row.own is not None:
        return LOOK[STATUS.get(row.own.word, ENDED)]
    return "prior" if row.prior else "gap"


def _numbers(picture: Timeline) -> dict[str, Any]:
    """Return the drawing in percent, as JSON."""
    return {
        "bars": [[bar.left, bar.width, bar.kind] for bar in picture.bars],
        "ticks": [[tick.left, tick.label] for tick in picture.ticks],
        "dates": [mark.left for mark in picture.dates],
        "today": picture.today,
        "reach": [picture.retroactive, picture.bars[0].left] if picture.retroactive is not None else None,
    }


def _svg(picture: Mapping[str, Any]) -> str:
    """Return the drawing as an SVG image. Its numbers are ours; its only text is years and 'Today'."""

    def x(percent: float) -> float:
        return round(percent * WIDTH / 100, 1)

    font = 'font-family="Portal Sans" font-size="8" fill="#4f5b5f"'
    out = [f'<line x1="0" x2="{WIDTH}" y1="54" y2="54" stroke="#b9c2c2" stroke-width="0.8"/>']
    for left, label in picture["ticks"]:
        anchor = "end" if left > 92 else "middle" if left > 4 else "start"
        out.append(f'<line x1="{x(left)}" x2="{x(left)}" y1="16" y2="54" stroke="#d5dbdb" stroke-width="0.6"/>')
        out.append(f'<text x="{x(left)}" y="66" text-anchor="{anchor}" {font}>{label}</text>')
    if picture["reach"]:
        start, end = map(x, picture["reach"])
        dots = 'stroke="#0b5855" stroke-width="1.6" stroke-dasharray="1 4"'
        out.append(f'<line x1="{start}" x2="{end}" y1="34" y2="34" {dots}/>')
    out += [_bar(x(left), x(width), kind) for left, width, kind in picture["bars"]]
    for left in picture["dates"]:
        y = 34 if picture["reach"] and left == picture["reach"][0] else 24
        out.append(f'<circle cx="{max(x(left), 3)}" cy="{y}" r="3" fill="#0b5855" stroke="#ffffff" stroke-width="1"/>')
    if picture["today"] is not None:
        at = x(picture["today"])
        anchor = "end" if picture["today"] > 92 else "middle" if picture["today"] > 8 else "start"
        out.append(f'<line x1="{at}" x2="{at}" y1="14" y2="54" stroke="#172024" stroke-width="1.2"/>')
        out.append(f'<text x="{at}" y="10" text-anchor="{anchor}" font-weight="600" {font}>Today</text>')
    return _image_of(WIDTH, HEIGHT, "".join(out))


def _bar(left: float, width: float, kind: str) -> str:
    fill, stroke, dashes = PAINT[kind]
    y, height = (46.5, 5) if kind == "tail" else (24, 20)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<rect x="{left}" y="{y}" width="{max(width, 0.5)}" height="{height}" rx="2" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="0.8"{dashed}/>'
    )


def _swatches(picture: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the looks that occur, with what they mean."""
    drawn_kinds = {kind for _, _, kind in picture["bars"]}
    return [
        {"label": label, "image": _image(_image_of(20, 10, _swatch(kind)))}
        for kind, label in LABELS.items()
        if kind in drawn_kinds
    ]


def _swatch(kind: str) -> str:
    fill, stroke, dashes = PAINT[kind]
    y, height = (3.5, 3) if kind == "tail" else (1, 8)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<rect x="1" y="{y}" width="18" height="{height}" rx="2" fill="{fill}" stroke="{stroke}"{dashed}/>'


def _image_of(width: int, height: int, content: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{content}</svg>'


def _image(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
