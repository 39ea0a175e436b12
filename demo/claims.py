"""Authorizations, claims histories, and loss runs, so that each of the demo's people finds some of their own."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from claims.models import Claim
from core.mail import Mail
from credentialing.claims_history import issuing, loss_runs
from credentialing.claims_history.access import subjects_of
from credentialing.claims_history.authorizing import Recipient, authorize
from credentialing.models import Authorization, ClaimsPaper, Holder
from demo.users import new_user
from policies.models import Insured, Membership, Policy

# So many colleagues of the group with claims have authorized it, for so many years.
COLLEAGUES, YEARS = 4, 10


@transaction.atomic
def make_claims_samples() -> int:
    """Sign a few authorizations and issue a few papers on the first start; returns how many papers.

    Workers make the files.
    """
    if ClaimsPaper.objects.exists():
        return 0
    insured = User.objects.get(username="insured")
    group = User.objects.get(username="policyholder")
    holder_of = group.memberships.get(role=Membership.Role.POLICYHOLDER)
    own = insured.memberships.get(role=Membership.Role.INSURED)
    to_group = Recipient(policyholder=holder_of.policyholder)
    _sign(insured, own, to_group, years=None)
    if (hospital := Holder.objects.visible_to(insured).first()) is not None:
        _sign(insured, own, Recipient(holder=hospital), years=YEARS)
    colleagues = _colleagues(holder_of, but=own)
    for number, colleague in enumerate(colleagues, 1):
        user = new_user(
            f"colleague-{number}", first_name=colleague.first_name, last_name=colleague.last_name, is_staff=False
        )
        place = Membership.objects.create(user=user, role=Membership.Role.INSURED, insured=colleague)
        _sign(user, place, to_group, years=YEARS)
    papers = _histories(insured, [own.insured_id or 0]) + _histories(group, [one.pk for one in colleagues[:2]])
    practitioner = User.objects.get(username="practitioner")
    papers += _histories(practitioner, [practitioner.memberships.get(role=Membership.Role.INSURED).insured_id or 0])
    papers += sum(_loss_run(user) for user in (group, User.objects.get(username="agent")))
    # The outbox is for the mails of what a visitor does.
    Mail.objects.filter(status=Mail.QUEUED).delete()
    return papers


def _colleagues(place: Membership, *, but: Membership) -> list[Insured]:
    """Return clinicians of the group who have claims on its policies."""
    claims = Claim.objects.without_incidents().filter(policy__policyholder=place.policyholder)
    people = Insured.objects.not_retired().filter(pk__in=claims.values("insured_id"), kind=Insured.Kind.PERSON)
    return list(people.exclude(pk=but.insured_id).order_by("external_id")[:COLLEAGUES])


def _sign(user: User, place: Membership, recipient: Recipient, *, years: int | None) -> Authorization:
    insured = place.insured
    assert insured is not None  # noqa: S101  # an insured's membership names one
    return authorize(
        insured=insured,
        membership=place,
        recipient=recipient,
        years=years,
        signed_name=insured.display_name,
        by=user,
        code_at=timezone.now(),
        key=uuid.uuid4(),
    )


def _histories(user: User, insured_ids: list[int]) -> int:
    done = issuing.issue_histories(
        subjects=subjects_of(user, insured_ids),
        years=YEARS,
        purpose=ClaimsPaper.Purpose.PRIVILEGES,
        holder=None,
        by=user,
        key=uuid.uuid4(),
    )
    return len(done.papers)


def _loss_run(user: User) -> int:
    """Ask for the loss run of the user's first policy in force that has claims."""
    claimed = Claim.objects.without_incidents().values("policy_id")
    policies = Policy.objects.visible_to(user).filter(pk__in=claimed, status=Policy.Status.ACTIVE)
    policy = policies.with_page().order_by("number_normalized").first()
    if policy is None:
        return 0
    asked = loss_runs.ask(scope=loss_runs.Scope([policy]), years=5, by=user, key=uuid.uuid4())
    return int(asked.paper is not None)
