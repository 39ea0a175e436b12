"""Issuing claims histories, for one insured or for many at once, and laying out their files."""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import work
from core.alerts import alert_staff
from core.dates import carrier_today
from core.events import record_event, record_many
from core.pdf import unprintable
from credentialing.certificates import limits
from credentialing.certificates.issuing import keep_holder
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.certificates.snapshot import texts_of
from credentialing.claims_history.access import CAPABILITY, Ground, subjects_of, switched_off
from credentialing.claims_history.rendering import claims_paper_pdf
from credentialing.claims_history.snapshot import NotIssuableError, digest_of, histories
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, ClaimsPaper, ClaimsRequest, Holder
from credentialing.models.claims_histories import ClaimsRequestQuerySet
from credentialing.papers import store_file
from policies.rights import reach_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from credentialing.claims_history.access import Key, Subject
    from policies.models import Membership

UNPRINTABLE = "The company’s data has characters we can’t print ({}). Please ask customer service to correct them."


@dataclass
class Issued:
    """What became of histories that were asked for: papers in the making, requests that wait for staff, and for the
    others, why not."""

    papers: list[ClaimsPaper] = field(default_factory=list)
    requests: list[ClaimsRequest] = field(default_factory=list)
    refused: list[tuple[Subject, str]] = field(default_factory=list)


def issue_histories(
    *,
    subjects: Sequence[Subject],
    years: int | None,
    purpose: str,
    holder: Holder | None,
    by: User,
    key: uuid.UUID,
    with_files: bool = True,
) -> Issued:
    """Issue the claims history of each subject (`access.subjects_of`) for `years` (None: all) and start on the files.

    Judges each subject's ground again. `holder` (None: to whom it may concern) is in the address book of one of the
    subjects' memberships; each party gets it into its own. `key`: the form's; the same form again gives the same
    papers. `with_files`: False leaves the files until someone asks for one.

    A fixed number of queries for any number of subjects of one party; three more for each further party whose address
    book doesn't have the holder. Raises `limits.TooManyError` from a new holder.
    """
    done = Issued()
    off = switched_off(subjects, holder)
    grounds: dict[Key, Authorization | None] = {}
    open_ones: list[Subject] = []
    for subject in subjects:
        ground: Ground = subject.ground(years, holder, off=off[subject.key])
        if ground.allows:
            grounds[subject.key] = ground.authorization
            open_ones.append(subject)
        else:
            done.refused.append((subject, ground.refusal))
    today = carrier_today()
    snapshots = histories(open_ones, years=years, purpose=purpose, holder=holder, grounds=grounds, today=today)
    with transaction.atomic():
        books = _books(open_ones, holder, by=by)
        papers, requests = [], []
        for subject in open_ones:
            snapshot = snapshots[subject.key]
            if isinstance(snapshot, NotIssuableError):
                requests.append(
                    _request(
                        subject,
                        str(snapshot),
                        years=years,
                        purpose=purpose,
                        holder=books.get(subject.membership.pk),
                        by=by,
                        key=key,
                    )
                )
            elif missing := unprintable("".join(texts_of(snapshot))):
                done.refused.append((subject, UNPRINTABLE.format(" ".join(missing))))
            else:
                papers.append(
                    _paper(
                        subject,
                        snapshot,
                        years=years,
                        purpose=purpose,
                        holder=books.get(subject.membership.pk),
                        authorization=grounds[subject.key],
                        by=by,
                        key=key,
                    )
                )
        done.papers = store_papers(papers, by=by, with_files=with_files)
        done.requests = _store_requests(requests, by=by)
        if done.refused:
            record_many(
                ClaimsPaperEvent.REFUSED,
                [(subject.insured, None, {"membership": subject.membership.pk}) for subject, _ in done.refused],
            )
    return done


def may_be_given(user: User, paper: ClaimsPaper) -> bool:
    """Whether the file of a paper may be given to the user now: the right to its kind, and for a history of someone
    else a ground today. What an authorization opened closes with it, also what was issued before."""
    if not reach_with(user, ClaimsPaper.RIGHTS[paper.kind]):
        return False
    if not paper.is_history:
        return True
    key = (paper.insured_id, paper.company_id, paper.policyholder_id)
    if paper.insured_id in reach_with(user, CAPABILITY).insured_ids:
        return True
    subject = next((one for one in subjects_of(user, [paper.insured_id or 0]) if one.key == key), None)
    if subject is None:
        return False
    return subject.ground(paper.years, paper.holder, off=switched_off([subject], paper.holder)[subject.key]).allows


def store_papers(papers: list[ClaimsPaper], *, by: User, with_files: bool = True) -> list[ClaimsPaper]:
    """Insert the rows, or find those that this form made before; hand new ones over and record them.

    In one statement: of two of the same form at once, the database lets one insert win, and the other finds its rows.
    """
    if not papers:
        return []
    key = papers[0].idempotency_key
    mine = ClaimsPaper.objects.filter(issued_by=by, idempotency_key=key)
    for _ in range(5):
        if found := list(mine.order_by("pk")):
            for paper in found:
                paper.was_there = True
                if paper.has_failed:
                    with suppress(limits.TooManyError):
                        limits.count_retry(by)
                        work.retry(paper, by=by)
            return found
        for paper in papers:
            paper.pk = None
            paper.serial = new_serial(ClaimsPaper.PREFIXES[paper.kind], paper.issued_on.year)
            paper.verification_code = new_verification_code()
            paper.status = paper.Status.QUEUED if with_files else paper.Status.UNFILED
        try:
            with transaction.atomic():
                ClaimsPaper.objects.bulk_create(papers)
        except IntegrityError:
            # The same form at the same moment, or (once in very many) a serial number that is taken.
            continue
        record_many(
            ClaimsPaperEvent.ISSUED,
            [
                (
                    paper,
                    None,
                    {
                        "serial": paper.serial,
                        "kind": paper.kind,
                        "membership": paper.membership_id,
                        "insured": paper.insured_id,
                        "authorization": paper.authorization.public_id if paper.authorization else "",
                    },
                )
                for paper in papers
            ],
        )
        if with_files:
            for paper in papers:
                work.hand_over(paper)
        return papers
    raise RuntimeError("No free serial number was found in five tries.")


def render(paper_id: int) -> None:
    """Lay out and store the file of a queued claims history or loss run, unless another worker is at it."""
    with work.attempt(ClaimsPaper, paper_id) as paper:
        if paper is None:
            return
        store_file(paper, claims_paper_pdf(paper))
        # One that had failed once waits for staff no longer.
        failed = ClaimsRequest.objects.filter(paper=paper, status=ClaimsRequest.Status.WAITING)
        failed.update(status=ClaimsRequest.Status.PORTAL, reason="")


def claims_history_pdf(paper: ClaimsPaper) -> bytes:
    """Return the PDF of a claims history or loss run that was issued; the same row gives the same bytes."""
    return claims_paper_pdf(paper)


def _paper(
    subject: Subject,
    snapshot: dict[str, Any],
    *,
    years: int | None,
    purpose: str,
    holder: Holder | None,
    authorization: Authorization | None,
    by: User,
    key: uuid.UUID,
) -> ClaimsPaper:
    return ClaimsPaper(
        kind=ClaimsPaper.Kind.HISTORY,
        company=subject.company,
        insured=subject.insured,
        policyholder=subject.policyholder,
        holder=holder,
        authorization=authorization,
        purpose=purpose,
        years=years,
        valued_on=dt.date.fromisoformat(snapshot["valued_on"]),
        snapshot=snapshot,
        snapshot_digest=digest_of(snapshot),
        subject=subject.insured.display_name,
        issued_on=dt.date.fromisoformat(snapshot["issued_on"]),
        issued_by=by,
        membership=subject.membership,
        idempotency_key=key,
    )


def _books(subjects: Sequence[Subject], holder: Holder | None, *, by: User) -> dict[int, Holder]:
    """Return the holder as each membership's address book has it, by membership; added where it isn't there."""
    if holder is None:
        return {}
    memberships: dict[int, Membership] = {subject.membership.pk: subject.membership for subject in subjects}
    typed = {name: getattr(holder, name) for name in ("name", "address1", "address2", "city", "state", "zip")}
    books = {
        pk: holder if holder.is_in_book_of(membership) else keep_holder(by=by, membership=membership, **typed)
        for pk, membership in memberships.items()
    }
    Holder.objects.filter(pk__in=[one.pk for one in books.values()]).update(last_used_at=timezone.now())
    return books


def _request(
    subject: Subject,
    reason: str,
    *,
    years: int | None,
    purpose: str,
    holder: Holder | None,
    by: User,
    key: uuid.UUID,
) -> ClaimsRequest:
    return ClaimsRequest(
        kind=ClaimsPaper.Kind.HISTORY,
        company=subject.company,
        insured=subject.insured,
        policyholder=subject.policyholder,
        holder=holder,
        purpose=purpose,
        years=years,
        state=subject.insured.state,
        asked_by=by,
        membership=subject.membership,
        due_at=timezone.now() + settings.CLAIMS_REQUEST_WITHIN,
        reason=reason[:300],
        idempotency_key=key,
    )


def _store_requests(requests: list[ClaimsRequest], *, by: User) -> list[ClaimsRequest]:
    """Insert the requests, or find those that this form made before; record new ones and tell staff."""
    if not requests:
        return []
    mine: ClaimsRequestQuerySet = ClaimsRequest.objects.filter(
        asked_by=by, idempotency_key=requests[0].idempotency_key, kind=requests[0].kind
    )
    if not (found := list(mine)):
        try:
            with transaction.atomic():
                found = ClaimsRequest.objects.bulk_create(requests)
        except IntegrityError:
            return list(mine)
        record_many(ClaimsPaperEvent.REQUESTED, [(one, None, {"kind": one.kind}) for one in found])
        tell_staff(len(found))
    return found


def tell_staff(number: int) -> None:
    """Mail staff that requests wait for them."""
    what = "A request for a claims paper waits" if number == 1 else f"{number} requests for claims papers wait"
    alert_staff(what, f"{what} for you in admin under Requests for claims papers, with its due time and the reason.")


def record_download(paper: ClaimsPaper, *, by: User) -> None:
    """Record who has the file, as what, and on which authorization it was issued.

    An insured may have what their group issued about them.
    """
    memberships = reach_with(by, ClaimsPaper.RIGHTS[paper.kind]).memberships
    own = [m for m in memberships if m.party_key == paper.membership.party_key]
    membership = (own or [m for m in memberships if m.insured_id and m.insured_id == paper.insured_id])[0]
    record_event(
        ClaimsPaperEvent.DOWNLOADED,
        subject=paper,
        by=by,
        serial=paper.serial,
        kind=paper.kind,
        role=membership.role,
        membership=membership.pk,
        insured=paper.insured_id,
        authorization=paper.authorization.public_id if paper.authorization else "",
    )
