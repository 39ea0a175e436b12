"""An insured's authorization: its text, its signature, and its revocation (docs/security.md#consents)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from core.idempotency import create_once
from core.origin import current_origin
from core.templatetags.show import day_long
from credentialing import emails
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, AuthorizationRevocation
from credentialing.models.authorizations import months_after
from credentialing.models.on_file import fingerprint_of
from policies.names import fold

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    from accounts.models import User
    from credentialing.models import CarrierHolder, Holder
    from policies.models import Agency, Insured, Membership, Policyholder

# Change the text only together with its version: each authorization keeps both.
VERSION = "2026-11"
TEXT = """
I, {insured}, authorize {legal_name} and its insurance companies to release my claims history to {recipient}{people}.

The claims history holds my name, my coverage with its policies, dates, limits, and specialty, and for each claim or
suit reported {window}: its number, status, incident, report, and closing dates, disposition, indemnity paid, and a
short description. It holds no reserves, no incidents without a claim, and no patient information.

{use}

This authorization holds from {given} until {expires}. I can revoke it at any time, free of charge, on the page Claims
history or by calling customer service at {phone}. Revoking it ends it at once; what was given out before can’t be taken
back.

I give it voluntarily. My coverage and its price don’t depend on it. I sign it electronically by typing my name, and my
signature has the same effect as one on paper.
"""
TO_PARTY = (
    "The people who represent {recipient} in this portal may read it, download it, and give it to hospitals, health "
    "plans, and others who credential me. It’s limited to coverage and claims under policies that {recipient} {verb}."
)
TO_HOLDER = (
    "It may be released to this recipient only. The people who represent my policyholder or its agent in this portal "
    "may prepare it for this recipient, and so may read it, limited to their own policies."
)


@dataclass(frozen=True)
class Recipient:
    """Whom an authorization names: a policyholder, an agency, or a holder by name and address."""

    policyholder: Policyholder | None = None
    agency: Agency | None = None
    holder: Holder | CarrierHolder | None = None

    @property
    def name(self) -> str:
        return str(self.policyholder or self.agency or (self.holder.name if self.holder else ""))

    @property
    def address(self) -> str:
        """The address of a holder, on one line."""
        return ", ".join(self.holder.address_lines) if self.holder else ""


def text_of(*, insured: Insured, recipient: Recipient, years: int | None, today: dt.date) -> list[str]:
    """Return the paragraphs that the insured signs today."""
    window = "at any time" if years is None else f"within {years} years before it is issued, or still open then"
    if recipient.holder:
        people, use = f", {recipient.address}", TO_HOLDER
    else:
        people, use = (
            "",
            TO_PARTY.format(
                recipient=recipient.name, verb="holds" if recipient.policyholder else "serves as agent of record"
            ),
        )
    values = {
        "insured": insured.display_name,
        "legal_name": settings.BRAND["legal_name"],
        "recipient": recipient.name,
        "people": people,
        "window": window,
        "use": use,
        "given": day_long(today),
        "expires": day_long(months_after(today, settings.AUTHORIZATION_MONTHS)),
        "phone": settings.SUPPORT["service"]["phone"],
    }
    return [" ".join(paragraph.split()).format(**values) for paragraph in TEXT.strip().split("\n\n")]


def is_name_of(typed: str, insured: Insured) -> bool:
    """Whether a typed signature has the insured's own names; an entity's representative signs with their own."""
    words = fold(typed).split()
    if insured.kind == insured.Kind.ENTITY:
        return len(words) >= 2
    return set(fold(f"{insured.first_name} {insured.last_name}").split()) <= set(words)


def authorize(
    *,
    insured: Insured,
    membership: Membership,
    recipient: Recipient,
    years: int | None,
    signed_name: str,
    by: User,
    code_at: dt.datetime,
    key: uuid.UUID,
) -> Authorization:
    """Store the insured's signed authorization. `membership`: the insured's own; `code_at`: when the second factor was
    given. The same form again gives the same one."""
    today = carrier_today()
    origin = current_origin()
    holder = recipient.holder

    def create() -> Authorization:
        given = Authorization.objects.create(
            insured=insured,
            policyholder=recipient.policyholder,
            agency=recipient.agency,
            holder_name=holder.name if holder else "",
            holder_address=recipient.address,
            holder_fingerprint=_fingerprint(holder) if holder else "",
            years=years,
            given_by=by,
            membership=membership,
            given_on=today,
            expires_on=months_after(today, settings.AUTHORIZATION_MONTHS),
            text_version=VERSION,
            text="\n\n".join(text_of(insured=insured, recipient=recipient, years=years, today=today)),
            signed_name=signed_name,
            username=by.username,
            email=by.email,
            code_at=code_at,
            ip=origin.ip,
            agent=origin.agent,
            session_id=origin.session_id,
            request_id=origin.request_id,
            idempotency_key=key,
        )
        record_event(
            ClaimsPaperEvent.AUTHORIZED,
            subject=given,
            by=by,
            authorization=given.public_id,
            insured=insured.pk,
            years=years,
            version=VERSION,
        )
        emails.authorization_changed(given, revoked=False)
        return given

    given, _ = create_once(Authorization.objects.filter(given_by=by), key=key, create=create)
    return given


def revoke(authorization: Authorization, *, by: User, side: str) -> bool:
    """End an authorization at once; False where it was revoked before."""
    origin = current_origin()
    try:
        with transaction.atomic():
            AuthorizationRevocation.objects.create(
                authorization=authorization,
                side=side,
                by=by,
                at=timezone.now(),
                ip=origin.ip,
                session_id=origin.session_id,
                request_id=origin.request_id,
            )
            record_event(
                ClaimsPaperEvent.REVOKED,
                subject=authorization,
                by=by,
                on_behalf_of=authorization.given_by,
                authorization=authorization.public_id,
                side=side,
            )
            emails.authorization_changed(authorization, revoked=True)
    except IntegrityError:
        return False
    return True


def _fingerprint(holder: Holder | CarrierHolder) -> str:
    return fingerprint_of(holder.name, holder.address1, holder.address2, holder.city, holder.state, holder.zip)
