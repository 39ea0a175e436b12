"""Beginning an application, saving its pages as one types, and keeping its parts in step with the roster (S-28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from core.events import record_event
from policies.models import Coverage, Insured, Policy, RenewalApplication, RenewalPart, RenewalSection
from policies.renewals.access import NotNowError
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from accounts.models import User
    from policies.models import Term

SUBMITTED = "The application was submitted meanwhile, so this wasn’t saved. Reopen it to make changes."
CLOSED = "The renewal was settled or closed meanwhile, so this wasn’t saved."
ENDED = "The term has ended, so this wasn’t saved: the application can’t be changed anymore. Call us."


def start(*, policy: Policy, term: Term, by: User, key: uuid.UUID) -> tuple[RenewalApplication, bool]:
    """Begin the application of a term, with a part for each clinician on it; returns it, and whether it is new. Two at
    once begin one."""
    with transaction.atomic():
        application, is_new = RenewalApplication.objects.get_or_create(
            term=term, defaults={"policy": policy, "user": by, "idempotency_key": key}
        )
        if is_new:
            sync_parts(application)
            record_event(RenewalEvent.STARTED, subject=application, by=by, policy=policy.public_id)
    return application, is_new


def sync_parts(application: RenewalApplication) -> None:
    """Add a part for each clinician who has come onto the term, and take away the unsigned ones of who isn't on it
    anymore. In the caller's transaction; the application's row is locked here."""
    RenewalApplication.objects.select_for_update().get(pk=application.pk)
    term = application.term
    day = term.shown_on(application.policy.today())
    on_it = Coverage.objects.not_retired().filter(term=term, expires__gt=day, insured__kind=Insured.Kind.PERSON)
    people = set(on_it.order_by().values_list("insured_id", flat=True).distinct())
    parts = RenewalPart.objects.filter(application=application)
    known = set(parts.values_list("insured_id", flat=True))
    RenewalPart.objects.bulk_create(
        [
            RenewalPart(
                application=application, insured=insured, sort_key=insured.sort_key, email=insured.email.strip()
            )
            for insured in Insured.objects.filter(pk__in=people - known).order_by("pk")
        ],
        batch_size=1000,
    )
    parts.missing().filter(insured_id__in=known - people).delete()
    count(application)


def count(application: RenewalApplication) -> None:
    """Count the parts again, and store the numbers."""
    parts = RenewalPart.objects.filter(application=application)
    missing = parts.missing().count()
    application.parts_count = parts.count()
    application.signed_count = application.parts_count - missing
    application.save(update_fields=["parts_count", "signed_count"])


def save_page(
    application: RenewalApplication,
    *,
    name: str,
    values: Mapping[str, Any],
    version: int,
    window: str,
    by: User,
    coverage: Coverage | None = None,
) -> RenewalSection:
    """Save what was typed into a page, right or wrong, and return it.

    Raises `SavedMeanwhileError` where someone else saved the page since `version`, and `NotNowError` where the
    application was submitted, or its term has ended, since the page was opened.
    """
    with transaction.atomic():
        lock(application)
        section, _ = RenewalSection.objects.get_or_create(application=application, name=name, coverage=coverage)
        section.keep(values, version=version, window=window, by=by)
    return section


def lock(application: RenewalApplication) -> RenewalApplication:
    """Lock an application to be changed, and return it as it is now. Raises `NotNowError`."""
    locked: RenewalApplication = RenewalApplication.objects.select_for_update().get(pk=application.pk)
    if not locked.is_draft:
        raise NotNowError(CLOSED if locked.is_closed else SUBMITTED)
    if application.has_ended(application.policy.today()):
        raise NotNowError(ENDED)
    return locked
