"""Every address × every role × own and another customer's object (docs/security.md#default-deny).

The walk is by the resolver: an address without a row in `ROWS` fails. A row says what each viewer gets at an address
that concerns one policy (or a certificate of it): those whose it is, and strangers, for whom it must not exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from core.uploads.models import Upload
from credentialing.certificates.issuing import issue
from credentialing.models import Certificate
from credentialing.sending.services import send
from policies.eligibility import Part, judge_now
from policies.models import (
    ChangeRequest,
    ChangeRequestFile,
    Coverage,
    Document,
    DocumentFile,
    Policy,
    RenewalApplication,
    RenewalSubmission,
)
from policies.renewals import drafting, signing
from portal.models import FaqEntry, SupportRequest
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    agent_at,
    days,
    delegate_of,
    holder_of,
    invite_to,
)
from tests.cast import make_cast
from tests.claims.reports import a_draft as a_draft_of_a_report
from tests.claims.reports import a_matter, a_report
from tests.credentialing.batches_helpers import a_batch
from tests.credentialing.claims_history.papers import authorized, issued
from tests.credentialing.helpers import a_holder
from tests.credentialing.holders import a_request, a_standing_holder
from tests.credentialing.packets.building import a_packet
from tests.factories import UserFactory, remembered_for
from tests.helpers import authenticator_for, give_password_only, sign_in
from tests.made_once import made_once
from tests.on_file import StandingHolderFactory
from tests.policies.changes import a_change, a_draft, a_file
from tests.policies.rosters.files import a_csv, an_upload

pytestmark = pytest.mark.django_db

SIGN_IN, VERIFY = "to sign in", "to verify"
# Signed in with a second factor. `colleague` is insured on the same group policy; `left` is an agent whose agency was
# replaced; `revoked` represented the group until a moment ago.
CUSTOMERS = ("insured", "policyholder", "agent")
STRANGERS = ("colleague", "other_policyholder", "other_agent", "left", "revoked", "staff")
VIEWERS = ("anonymous", "half", *CUSTOMERS, *STRANGERS)


@dataclass(frozen=True)
class Row:
    """What each viewer gets: `customers` on what is theirs, `strangers` on what isn't, before and after sign-in.

    `args` builds the address's arguments from the book for the own object; without it the address has no object, and
    strangers get what customers get. `colleague`: where a fellow insured differs from other strangers.
    """

    customers: object
    method: str = "get"
    args: Callable[[SimpleNamespace], list[str]] | None = None
    anonymous: object = SIGN_IN
    half: object = VERIFY
    strangers: object = 404
    colleague: object = None
    also: dict[str, object] = field(default_factory=dict)

    def expected(self, viewer: str) -> object:
        """Return the status, or where the viewer is sent."""
        if viewer in self.also:
            return self.also[viewer]
        if viewer in ("anonymous", "half"):
            return getattr(self, viewer)
        if viewer in CUSTOMERS or self.args is None:
            return self.customers
        if viewer == "colleague" and self.colleague is not None:
            return self.colleague
        return self.strangers


def policy(book: SimpleNamespace) -> list[str]:
    return [book.coverage.term.policy.public_id]


def document(book: SimpleNamespace) -> list[str]:
    return [book.document.public_id]


def document_file(book: SimpleNamespace) -> list[str]:
    return [book.document_file.public_id]


def coverage(book: SimpleNamespace) -> list[str]:
    return [book.coverage.public_id]


def insured(book: SimpleNamespace) -> list[str]:
    return [book.coverage.insured.public_id]


def certificate(book: SimpleNamespace) -> list[str]:
    return [book.certificate.public_id]


def history(book: SimpleNamespace) -> list[str]:
    return [book.history.public_id]


def authorization(book: SimpleNamespace) -> list[str]:
    return [book.authorization.public_id]


def delivery(book: SimpleNamespace) -> list[str]:
    return [book.certificate.public_id, book.delivery.public_id]


def code(book: SimpleNamespace) -> list[str]:
    return [book.certificate.verification_code]


def batch(book: SimpleNamespace) -> list[str]:
    return [book.batch.public_id]


def renewal(book: SimpleNamespace) -> list[str]:
    return [book.renewal.public_id]


def own_holder(book: SimpleNamespace) -> list[str]:
    return [book.standing.holder.public_id]


def standing(book: SimpleNamespace) -> list[str]:
    return [book.standing.public_id]


def on_file(book: SimpleNamespace) -> list[str]:
    return [book.on_file.public_id]


def packet(book: SimpleNamespace) -> list[str]:
    return [book.packet.public_id]


def application(book: SimpleNamespace) -> list[str]:
    """Return the address of Mia's renewal, an application of her own policy."""
    return [book.application.policy.public_id]


def clinician(book: SimpleNamespace) -> list[str]:
    return [*application(book), book.part.public_id]


def part(book: SimpleNamespace) -> list[str]:
    return [book.part.public_id]


def submission(book: SimpleNamespace) -> list[str]:
    return [book.submission.public_id]


def paper(book: SimpleNamespace) -> list[str]:
    return [book.packet.items.get().public_id]


def report(book: SimpleNamespace) -> list[str]:
    return [book.report.public_id]


def report_file(book: SimpleNamespace) -> list[str]:
    return [*report(book), book.report_file.public_id]


def matter(book: SimpleNamespace) -> list[str]:
    return [book.matter.public_id]


def matter_file(book: SimpleNamespace) -> list[str]:
    return [*matter(book), book.matter_file.public_id]


def report_draft(book: SimpleNamespace) -> list[str]:
    return [book.report_draft.public_id]


def holder_request(book: SimpleNamespace) -> list[str]:
    return [book.holder_request.public_id]


def change(book: SimpleNamespace) -> list[str]:
    return [book.change.public_id]


def draft(book: SimpleNamespace) -> list[str]:
    return [book.draft.public_id]


def roster(book: SimpleNamespace) -> list[str]:
    return [book.roster.public_id]


def change_file(book: SimpleNamespace) -> list[str]:
    return [book.change.public_id, book.change_file.public_id]


def asked(book: SimpleNamespace) -> list[str]:
    return [book.asked.public_id]


def device(book: SimpleNamespace) -> list[str]:
    """Someone else's second factor: nobody's own here, no matter who asks."""
    return [book.device.public_id]


def remembered(book: SimpleNamespace) -> list[str]:
    """Return the id of someone else's remembered device."""
    return [book.remembered.public_id]


def session(book: SimpleNamespace) -> list[str]:
    """Return the id of someone else's session."""
    return [book.session.public_id]


def place(book: SimpleNamespace) -> list[str]:
    """Return the address of the policyholder’s own membership."""
    return [book.place.public_id]


def delegate(book: SimpleNamespace) -> list[str]:
    return [*place(book), book.delegate.public_id]


def invitation(book: SimpleNamespace) -> list[str]:
    return [*place(book), book.invitation.public_id]


OTHERS: dict[str, object] = {"insured": 404, "agent": 404}
NO_ADMINISTRATORS: dict[str, object] = {"insured": 403, "colleague": 403, "left": 302, "revoked": 403, "staff": 403}
# Mia, the other policyholder, is insured by a policy of her own.
INSUREDS_200: dict[str, object] = dict.fromkeys(("insured", "colleague", "other_policyholder"), 200)
INSUREDS_404: dict[str, object] = dict.fromkeys(INSUREDS_200, 404)
OTHERS_OF_INSURED: dict[str, object] = {"policyholder": 404, "agent": 404}
MIAS_200: dict[str, object] = {"other_policyholder": 200}
MIAS_302: dict[str, object] = {"other_policyholder": 302}
MIAS_422: dict[str, object] = {"other_policyholder": 422}
ANYONE = {"anonymous": 200, "half": 200}
NOT_THE_ISSUER: dict[str, object] = {"insured": 403, "agent": 403}
ROWS: dict[str, Row] = {
    "home": Row(200, anonymous=200),
    "healthz": Row(200, **ANYONE),
    "readyz": Row(200, **ANYONE),
    "metrics": Row(200, **ANYONE),
    "manifest": Row(200, **ANYONE),
    "support": Row(200, **ANYONE),
    "faq": Row(200, **ANYONE),
    "forms": Row(200, **ANYONE),
    # Nobody has published it.
    "form": Row(404, args=lambda _book: ["x" * 22], **ANYONE | {"anonymous": 404, "half": 404}),
    "faq-entry": Row(200, args=lambda book: [book.answer.slug], strangers=200, **ANYONE),
    "support-requests": Row(200),
    "support-new": Row(200),
    # The policyholder asked: a request is nobody else's, of the same policy or not.
    "support-request": Row(404, args=asked, also={"policyholder": 200}),
    "support-reply": Row(404, method="post", args=asked, also={"policyholder": 422}),
    "support-close": Row(404, method="post", args=asked, also={"policyholder": 302}),
    "policies:list": Row(200),
    # A colleague of the group is insured on the same policy, and sees it with her own coverage only.
    "policies:policy": Row(200, args=policy, colleague=200),
    # A policy's documents are for those who hold or serve it, and who has one policy is led to its page.
    "policies:documents": Row(
        200, also=dict.fromkeys(("policyholder", "agent", "other_policyholder", "other_agent"), 302)
    ),
    "policies:policy-documents": Row(200, args=policy, colleague=403, also={"insured": 403}),
    "policies:documents-combine": Row(422, method="post", args=policy, colleague=403, also={"insured": 403}),
    "policies:documents-read": Row(302, method="post", args=policy, colleague=403, also={"insured": 403}),
    # Its file is gone, so its readers are sent back to the list.
    "policies:document": Row(302, args=document, also={"insured": 404}),
    # The policyholder asked for it: it is nobody else's.
    "policies:document-file": Row(404, args=document_file, also={"policyholder": 200}),
    "policies:document-file-progress": Row(404, args=document_file, also={"policyholder": 200}),
    "policies:document-file-retry": Row(404, method="post", args=document_file, also={"policyholder": 302}),
    "policies:document-file-download": Row(404, args=document_file, also={"policyholder": 302}),
    # What another customer's people have in common with the insured is nothing.
    "policies:insured": Row(200, args=insured),
    # For administrators: one party leads straight to its page.
    "policies:changes": Row(200),
    "policies:policy-changes": Row(200, args=policy, colleague=403, also={"insured": 403}),
    "policies:change-new": Row(200, args=policy, colleague=403, also={"insured": 403}),
    # The policyholder's own; a draft is led to the page where it goes on.
    "policies:change": Row(200, args=change, also=OTHERS),
    "policies:change-reply": Row(422, method="post", args=change, also=OTHERS),
    "policies:change-withdraw": Row(302, method="post", args=change, also=OTHERS),
    # It isn't scanned yet.
    "policies:change-file": Row(409, args=change_file, also=OTHERS),
    "policies:change-edit": Row(200, args=draft, also=OTHERS),
    "policies:change-supplement": Row(302, args=draft, also=OTHERS),
    "policies:change-review": Row(200, args=draft, also=OTHERS),
    "policies:change-discard": Row(302, method="post", args=draft, also=OTHERS),
    # The policyholder's own; the agent's party has its own rosters. Nothing in this one waits or is to be sent.
    "policies:roster": Row(200, args=policy, colleague=403, also={"insured": 403}),
    "policies:roster-template": Row(200, args=policy, colleague=403, also={"insured": 403}),
    "policies:roster-upload": Row(200, args=roster, also=OTHERS),
    "policies:roster-columns": Row(200, args=roster, also=OTHERS),
    "policies:roster-replace": Row(200, args=roster, also=OTHERS),
    "policies:roster-row": Row(200, args=lambda book: [*roster(book), "0"], also=OTHERS),
    "policies:roster-decide": Row(302, method="post", args=roster, also=OTHERS),
    "policies:roster-leave-out": Row(302, method="post", args=roster, also=OTHERS),
    "policies:roster-send": Row(302, args=roster, also=OTHERS),
    "policies:roster-download": Row(200, args=roster, also=OTHERS),
    "policies:roster-discard": Row(302, method="post", args=roster, also=OTHERS),
    "policies:access": Row(302, also=NO_ADMINISTRATORS),
    # Everything below hangs on the group administrator's own membership: the agent's is another.
    "policies:access-party": Row(200, args=place, also=OTHERS),
    "policies:access-invite": Row(200, args=place, also=OTHERS),
    "policies:access-member": Row(200, args=delegate, also=OTHERS),
    "policies:access-end": Row(200, args=delegate, also=OTHERS),
    "policies:access-send-again": Row(302, method="post", args=invitation, also=OTHERS),
    "policies:access-withdraw": Row(302, method="post", args=invitation, also=OTHERS),
    # Nobody here has opened an invitation's link.
    "policies:invitation-link": Row(302, args=lambda _book: ["no-such-token"], anonymous=302, half=302, strangers=302),
    "policies:invitation": Row(410, anonymous=410, half=410),
    "policies:invitation-join": Row(410, anonymous=410, half=410),
    "policies:invitation-accept": Row(410, method="post"),
    "policies:renewals": Row(200),
    # The group's term ends in 265 days, and has no application; its people see when it opens, insureds nothing.
    "policies:renewal": Row(200, args=policy, also={"insured": 403, "colleague": 403}),
    # An application of another policy, in progress: its holder alone has it, not even her agent.
    "policies:renewal-start": Row(404, method="post", args=application, also={**MIAS_302, "other_agent": 403}),
    "policies:renewal-review": Row(404, args=application, also=MIAS_200),
    "policies:renewal-sign": Row(404, args=application, also=MIAS_200),
    "policies:renewal-reopen": Row(404, method="post", args=application, also=MIAS_302),
    "policies:renewal-message": Row(404, method="post", args=application, also=MIAS_422),
    "policies:renewal-parts": Row(404, args=application, also=MIAS_200),
    "policies:renewal-ask-all": Row(404, method="post", args=application, also=MIAS_302),
    "policies:renewal-ask": Row(404, method="post", args=clinician, also=MIAS_302),
    "policies:renewal-email": Row(404, args=clinician, also=MIAS_200),
    "policies:renewal-withdraw": Row(404, method="post", args=clinician, also=MIAS_302),
    "policies:renewal-page": Row(404, args=lambda book: [*application(book), "practice"], also=MIAS_200),
    "policies:renewal-autosave": Row(
        404, method="post", args=lambda book: [*application(book), "practice"], also=MIAS_200
    ),
    "policies:renewal-line": Row(404, args=lambda book: [*application(book), book.mias.public_id], also=MIAS_200),
    "policies:renewal-line-autosave": Row(
        404, method="post", args=lambda book: [*application(book), book.mias.public_id], also=MIAS_200
    ),
    "policies:renewal-pdf": Row(404, args=submission, also=MIAS_302),
    "policies:renewal-progress": Row(404, args=submission, also=MIAS_200),
    "policies:renewal-retry": Row(404, method="post", args=submission, also=MIAS_302),
    # The clinician's own, and nobody else's: nothing is sent.
    "policies:renewal-part": Row(404, args=part, also=MIAS_200),
    "policies:renewal-part-autosave": Row(404, method="post", args=part, also=MIAS_200),
    # Not answered yet: back to the questions.
    "policies:renewal-part-sign": Row(404, args=part, also=MIAS_302),
    # Nobody here has opened a link to a part.
    "policies:part-link": Row(302, args=lambda _book: ["no-such-token"], anonymous=302, half=302, strangers=302),
    "policies:part-open": Row(410, anonymous=410, half=410),
    "policies:part-code": Row(410, method="post", anonymous=410, half=410),
    "policies:part-verify": Row(410, method="post", anonymous=410, half=410),
    "policies:part-new-link": Row(410, method="post", anonymous=410, half=410),
    "policies:part-answers": Row(410, anonymous=410, half=410),
    "policies:part-autosave": Row(410, method="post", anonymous=410, half=410),
    "policies:part-sign": Row(410, anonymous=410, half=410),
    "policies:part-close": Row(200, method="post", **ANYONE),
    "claims:home": Row(200),
    "claims:incident-new": Row(200, also={"staff": 403, "revoked": 403}),
    # The policyholder reported it: the insured sees it, nobody else.
    "claims:incident": Row(200, args=report, also={"agent": 404}),
    "claims:incident-receipt": Row(200, args=report, also={"agent": 404}),
    "claims:incident-file": Row(200, args=report_file, also={"agent": 404}),
    "claims:incident-add": Row(422, method="post", args=report, also={"agent": 404}),
    # The insured's own claim is nobody else's.
    "claims:matter": Row(200, args=matter, also=OTHERS_OF_INSURED),
    "claims:matter-file": Row(200, args=matter_file, also=OTHERS_OF_INSURED),
    "claims:matter-add": Row(422, method="post", args=matter, also=OTHERS_OF_INSURED),
    # Their own draft.
    "claims:incident-edit": Row(200, args=report_draft, also=OTHERS),
    "claims:incident-autosave": Row(200, method="post", args=report_draft, also=OTHERS),
    "claims:incident-review": Row(200, args=report_draft, also=OTHERS),
    "claims:incident-submit": Row(302, method="post", args=report_draft, also=OTHERS),
    "claims:incident-discard": Row(302, method="post", args=report_draft, also=OTHERS),
    "credentialing:home": Row(200),
    "credentialing:certificates": Row(200),
    # The policyholder asked to add someone.
    "credentialing:joiner": Row(200, args=lambda book: [book.joins.public_id], also=OTHERS),
    "credentialing:issue": Row(200, args=coverage),
    "credentialing:certificate": Row(200, args=certificate),
    # The policyholder issued it: the insured and the agent see that it is there, not its holder, so not its file.
    "credentialing:progress": Row(200, args=certificate, also=NOT_THE_ISSUER),
    "credentialing:pdf": Row(302, args=certificate, also=NOT_THE_ISSUER),
    "credentialing:retry": Row(302, method="post", args=certificate, also=NOT_THE_ISSUER),
    "credentialing:send": Row(200, args=certificate, also=NOT_THE_ISSUER),
    "credentialing:delivery-retry": Row(302, method="post", args=delivery, also=NOT_THE_ISSUER),
    # No mail service reports to the tests.
    "credentialing:mail-reports": Row(404, method="post", anonymous=404, half=404),
    "credentialing:claims-histories": Row(200),
    # Insureds have their own; others choose first, and here nobody has the switch.
    "credentialing:claims-history-new": Row(403, also=INSUREDS_200),
    "credentialing:claims-papers": Row(200),
    # The insured took it out: nobody else learns of it.
    "credentialing:claims-paper": Row(200, args=history, also=OTHERS_OF_INSURED),
    "credentialing:claims-paper-progress": Row(200, args=history, also=OTHERS_OF_INSURED),
    "credentialing:claims-paper-pdf": Row(302, args=history, also=OTHERS_OF_INSURED),
    "credentialing:claims-paper-retry": Row(302, method="post", args=history, also=OTHERS_OF_INSURED),
    "credentialing:loss-runs": Row(200),
    # For who manages the policy, never for its insureds.
    "credentialing:loss-run": Row(200, args=policy, colleague=403, also={"insured": 403}),
    "credentialing:authorizations": Row(403, also=INSUREDS_200),
    "credentialing:authorization-new": Row(403, also=INSUREDS_200),
    # Nobody was chosen.
    "credentialing:authorization-sign": Row(403, also=INSUREDS_404),
    "credentialing:authorization": Row(200, args=authorization, also=OTHERS_OF_INSURED),
    "credentialing:authorization-revoke": Row(302, method="post", args=authorization, also=OTHERS_OF_INSURED),
    # Anyone who has the code of a paper verifies it; nobody else sees more by being someone.
    "verify:form": Row(200, **ANYONE),
    "verify:code": Row(200, args=code, strangers=200, **ANYONE),
    "verify:mailed": Row(302, args=lambda book: [book.delivery.public_id], strangers=302, anonymous=302, half=302),
    "verify:file": Row(422, method="post", anonymous=422, half=422),
    "verify:receipt": Row(422, method="post", args=code, strangers=422, anonymous=422, half=422),
    "credentialing:holders": Row(200),
    "credentialing:holder-new": Row(200, also={"staff": 403, "revoked": 403}),
    "credentialing:holders-similar": Row(200, also={"staff": 403, "revoked": 403}),
    "credentialing:holder-requests": Row(200),
    "credentialing:holder-request-new": Row(200, also={"staff": 403, "revoked": 403}),
    # The policyholder's own.
    "credentialing:holder-request": Row(200, args=holder_request, also=OTHERS),
    "credentialing:holder-request-reply": Row(422, method="post", args=holder_request, also=OTHERS),
    "credentialing:holder-request-withdraw": Row(302, method="post", args=holder_request, also=OTHERS),
    # On file for everyone on the policy.
    "credentialing:holder-on-file": Row(200, args=on_file, colleague=200),
    # In the policyholder's own address book, which nobody else sees.
    "credentialing:holder": Row(200, args=own_holder, also=OTHERS),
    "credentialing:holder-edit": Row(200, args=own_holder, also=OTHERS),
    "credentialing:holder-remove": Row(200, args=own_holder, also=OTHERS),
    # It isn't merged with nothing.
    "credentialing:holder-merge": Row(404, method="post", args=own_holder),
    "credentialing:standing-holder-new": Row(200, args=own_holder, also=OTHERS),
    "credentialing:standing-holder": Row(200, args=standing, also=OTHERS),
    "credentialing:standing-holder-end": Row(302, method="post", args=standing, also=OTHERS),
    "credentialing:packets": Row(200),
    "credentialing:packet-new": Row(200, args=coverage),
    # The insured built it for herself: nobody else sees it.
    "credentialing:packet": Row(200, args=packet, also=OTHERS_OF_INSURED),
    "credentialing:packet-link": Row(200, method="post", args=packet, also=OTHERS_OF_INSURED),
    "credentialing:packet-retry": Row(302, method="post", args=packet, also=OTHERS_OF_INSURED),
    "credentialing:packet-revoke": Row(302, method="post", args=packet, also=OTHERS_OF_INSURED),
    # For who has link and password, signed in or not; nobody here has typed one.
    "packet:link": Row(200, args=lambda _book: ["no-such-token"], strangers=200, **ANYONE),
    "packet:unlock": Row(410, anonymous=410, half=410),
    "packet:contents": Row(410, anonymous=410, half=410),
    "packet:all": Row(410, anonymous=410, half=410),
    "packet:item": Row(410, args=paper, strangers=410, anonymous=410, half=410),
    "packet:close": Row(200, method="post", **ANYONE),
    "credentialing:renewal-run": Row(200),
    "credentialing:renewal-board": Row(200, args=renewal),
    "credentialing:renewal-mark": Row(302, method="post", args=renewal),
    "credentialing:renewal-excel": Row(200, args=renewal),
    "credentialing:caqh": Row(200, args=coverage),
    "credentialing:caqh-together": Row(302, method="post", args=coverage),
    "credentialing:caqh-zip": Row(302, args=certificate, also=NOT_THE_ISSUER),
    # A colleague has a term in common, and a file of their own coverage.
    "credentialing:caqh-excel": Row(200, args=lambda book: [book.coverage.term.public_id], colleague=200),
    "credentialing:batches": Row(200),
    # Nothing chosen leads back; those who act for nobody have nothing to choose.
    "credentialing:batch-choose": Row(302, method="post", also={"staff": 403, "revoked": 403}),
    # The policyholder's own draft, which nobody else sees.
    "credentialing:batch": Row(200, args=batch, also=OTHERS),
    "credentialing:batch-settle": Row(200, args=batch, also=OTHERS),
    "credentialing:batch-items": Row(200, args=batch, also=OTHERS),
    "credentialing:batch-progress": Row(200, args=batch, also=OTHERS),
    "credentialing:batch-file": Row(302, args=batch, also=OTHERS),
    "credentialing:batch-cancel": Row(302, method="post", args=batch, also=OTHERS),
    "credentialing:batch-retry": Row(302, method="post", args=batch, also=OTHERS),
    "credentialing:batch-start": Row(302, method="post", args=batch, also=OTHERS),
    "accounts:sign-in": Row(302, anonymous=200, half=200),
    "accounts:sign-out": Row(SIGN_IN, method="post", half=SIGN_IN),
    # A link that nobody made: it leads to the page that says so.
    "accounts:open-link": Row(302, args=lambda _book: ["no-such-token"], anonymous=302, half=302, strangers=302),
    "accounts:activate": Row(410, anonymous=410, half=410),
    "accounts:forgot-password": Row(422, method="post", anonymous=422, half=422),
    # Nobody here has asked for a code.
    "accounts:reset-code": Row(302, method="post", anonymous=302, half=302),
    "accounts:forgot-username": Row(422, method="post", anonymous=422, half=422),
    "accounts:username-sent": Row(200, **ANYONE),
    "accounts:trouble": Row(SIGN_IN, method="post", half=SIGN_IN),
    "accounts:reset": Row(410, method="post", anonymous=410, half=410),
    "accounts:register": Row(302, method="post", anonymous=422, half=422),
    "accounts:register-sent": Row(200, **ANYONE),
    "accounts:register-open": Row(302, args=lambda _book: ["no-such-token"], anonymous=302, half=302, strangers=302),
    "accounts:register-code": Row(422, method="post", anonymous=422, half=422),
    # Nobody here has opened a link or entered a code.
    "accounts:register-finish": Row(410, method="post", anonymous=410, half=410),
    "accounts:factor-reset": Row(200),
    "accounts:recovery-codes": Row(200),
    "accounts:recovery-used": Row(200),
    "accounts:verify-recovery": Row(200, half=200),
    # Links that nobody opened.
    "accounts:lock": Row(410, anonymous=410, half=410),
    "accounts:confirm-email": Row(410, anonymous=410, half=410),
    # Every form with a new password asks how strong it is.
    "accounts:password-strength": Row(200, method="post", **ANYONE),
    "accounts:preferences": Row(200),
    "accounts:change-name": Row(200),
    "accounts:change-email": Row(200),
    "accounts:resend-email": Row(302, method="post"),
    "accounts:cancel-email": Row(302, method="post"),
    "accounts:change-password": Row(200),
    "accounts:change-username": Row(200),
    "accounts:change-phone": Row(200),
    "accounts:change-address": Row(200),
    "accounts:time-zone": Row(200),
    "accounts:language": Row(200),
    "accounts:paperless": Row(200),
    "accounts:notices": Row(200),
    "accounts:verify": Row(302, half=302),
    "accounts:verify-ways": Row(200, half=200),
    # The device in this row is another user's, so that nobody may find it, whatever their role.
    "accounts:verify-device": Row(404, args=device, half=404),
    # Nobody here has a passkey.
    "accounts:verify-passkey": Row(VERIFY, half=VERIFY),
    "accounts:verify-passkey-options": Row(409, method="post", half=409),
    "accounts:send-code": Row(404, method="post", args=device, half=404),
    "accounts:code-status": Row(404, args=device, half=404),
    "accounts:mfa-setup": Row(200),
    # Everybody here has an authenticator already.
    "accounts:mfa-setup-authenticator": Row(302),
    "accounts:mfa-setup-text": Row(200),
    "accounts:mfa-setup-call": Row(200),
    "accounts:mfa-setup-code": Row(302),
    "accounts:mfa-setup-passkey": Row(200),
    "accounts:mfa-setup-passkey-options": Row(200, method="post"),
    "accounts:mfa-setup-done": Row(200),
    # Without a look it leads home.
    "accounts:end-look": Row(302, method="post"),
    "accounts:methods": Row(200),
    # Nothing chosen: the one used last.
    "accounts:choose-method": Row(302, method="post"),
    # Of another user, too.
    "accounts:rename-method": Row(404, args=device),
    "accounts:remove-method": Row(404, args=device),
    "accounts:change-number": Row(404, args=device),
    "accounts:replace-authenticator": Row(404, method="post", args=device),
    "accounts:stay-signed-in": Row(302, method="post", half=302),
    "accounts:session-time": Row(200, half=200),
    "accounts:activity": Row(200),
    "accounts:activity-export": Row(200),
    "accounts:phone-check": Row(302),
    "accounts:devices": Row(200),
    # A device or session that isn't the viewer's, no matter who asks.
    "accounts:device-rename": Row(404, args=remembered),
    "accounts:device-revoke": Row(404, method="post", args=remembered),
    "accounts:devices-revoke": Row(302, method="post"),
    "accounts:session-end": Row(404, method="post", args=session),
    "accounts:sessions-end-others": Row(302, method="post"),
    "accounts:sign-out-everywhere": Row(SIGN_IN, method="post"),
    # Carries a signature of its own; without one it is refused, no matter who is signed in.
    "accounts:calendar": Row(200),
    "accounts:calendar-new": Row(200, method="post"),
    "accounts:calendar-revoke": Row(302, method="post"),
    # Nobody has this address.
    "accounts:calendar-feed": Row(404, args=lambda _book: ["no-such-token"], anonymous=404, half=404, strangers=404),
    "accounts:twilio-status": Row(403, method="post", anonymous=403, half=403),
}


def _document(policy: Policy) -> Document:
    return Document.objects.create(
        policy=policy,
        source="core",
        external_id="D1",
        kind="notice",
        title="Notice",
        issued=days(0),
        path="a.pdf",
        file="documents/gone.pdf",
        size=1,
    )


def names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """Yield the full name of every address, by the resolver."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from names(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name}"


@pytest.fixture
def book(db: None) -> SimpleNamespace:
    return make_book()


@made_once
def make_book() -> SimpleNamespace:
    """Riverbend's policy with an insured, a policyholder, an agent and a certificate; a colleague; and strangers."""
    cast = make_cast()
    coverage, policy = cast.anas, cast.policy
    people = {"insured": cast.ana, "policyholder": cast.paula, "agent": cast.adam, "colleague": cast.ben}
    people |= {"other_policyholder": cast.mia, "staff": cast.support}
    for name in set(VIEWERS) - {"anonymous", *people}:
        people[name] = UserFactory.create(username=name.replace("_", "-"))
    other_agency = AgencyFactory()
    AgentOfRecordFactory(policy=cast.mias.term.policy, agency=other_agency)
    agent_at(people["other_agent"], other_agency)
    former = AgencyFactory()
    AgentOfRecordFactory(policy=policy, agency=former, starts=days(-900), ends=days(-300))
    agent_at(people["left"], former)
    holder_of(people["revoked"], policy.policyholder).revoke(by=people["policyholder"], reason="left the practice")
    people["staff"].is_superuser = True
    people["staff"].save()
    authenticator_for(people["half"])
    place = people["policyholder"].memberships.get()
    change = a_change(people["policyholder"], policy)
    certificate = _certificate(coverage, people)
    application, submission = _renewal_of(cast.mias, cast.mia)
    report = a_report(people["policyholder"], coverage)
    matter = a_matter(coverage, by=people["staff"])
    return SimpleNamespace(
        answer=FaqEntry.objects.create(slug="why", topic="start", question="Why so?", answer="Because."),
        change=change,
        change_file=_unscanned(change),
        joins=a_change(people["policyholder"], policy, "add_insured"),
        draft=a_draft(people["policyholder"], policy, subject="Our fax number", text="It has changed."),
        asked=SupportRequest.objects.create(user=people["policyholder"], kind="question", topic="general"),
        coverage=coverage,
        document=_document(policy),
        document_file=DocumentFile.objects.create(
            user=people["policyholder"], policy=policy, idempotency_key=uuid.uuid4(), documents=[]
        ),
        roster=an_upload(place, coverage.term, a_csv(("Curie", "Marie", "1")), everyone=False),
        mias=cast.mias,
        application=application,
        submission=submission,
        part=application.parts.get(),
        report=report,
        report_file=report.files.get(),
        report_draft=a_draft_of_a_report(people["policyholder"], coverage),
        matter=matter,
        matter_file=matter.files.get(),
        place=place,
        delegate=delegate_of(place, UserFactory()),
        invitation=invite_to(place),
        people=people,
        certificate=certificate,
        delivery=send(certificate=certificate, to="office@hospital.example", by=people["policyholder"], key="book"),
        history=issued(people["insured"], coverage.insured).papers[0],
        authorization=authorized(people["insured"], coverage.insured, policyholder=policy.policyholder),
        standing=a_standing_holder(people["policyholder"], coverage),
        holder_request=a_request(people["policyholder"], policy),
        on_file=StandingHolderFactory.create(policy=policy).holder,
        packet=a_packet(
            people["insured"],
            coverage,
            a_holder(people["insured"], coverage),
            timeline=False,
            made=False,
        ).packet,
        batch=a_batch(people["policyholder"], [coverage]),
        renewal=CoverageFactory.create(
            term__policy=policy,
            term__effective=coverage.term.expires,
            term__expires=days(630),
            insured=coverage.insured,
        ).term,
        device=authenticator_for(UserFactory()),
        remembered=remembered_for(UserFactory()),
        session=sign_in(Client(), UserFactory()),
    )


def _unscanned(change: ChangeRequest) -> ChangeRequestFile:
    file = a_file(change)
    Upload.objects.filter(pk=file.upload_id).update(status=Upload.Status.QUEUED)
    return file


def _certificate(coverage: Coverage, people: dict[str, User]) -> Certificate:
    """Return a certificate that the policyholder issued; its file isn't made, for nothing commits here."""
    membership = people["policyholder"].memberships.get()
    return issue(
        parts=[Part(coverage, judge_now(coverage))],
        holder=None,
        by=people["policyholder"],
        membership=membership,
        key=uuid.uuid4(),
    )


def _renewal_of(coverage: Coverage, user: User) -> tuple[RenewalApplication, RenewalSubmission]:
    """Return an application that was begun, and a submission of it; its file isn't made."""
    term = coverage.term
    application, _ = drafting.start(policy=term.policy, term=term, by=user, key=uuid.uuid4())
    signature = signing.attest(application, signed_name="Mia Lund", by=user, code_at=None)
    submission = RenewalSubmission.objects.create(
        application=application, number=1, signature=signature, snapshot={}, idempotency_key=uuid.uuid4()
    )
    return application, submission


def client_of(viewer: str, book: SimpleNamespace) -> Client:
    """Return a browser of this viewer."""
    client = Client()
    if viewer == "half":
        give_password_only(client, book.people["half"])
    elif viewer != "anonymous":
        sign_in(client, book.people[viewer])
    return client


def outcome(client: Client, method: str, url: str) -> object:
    """Return the status of the answer, or where a redirect to sign-in leads."""
    response = getattr(client, method)(url)
    if response.status_code == 302:
        for prefix, where in ((reverse("accounts:sign-in"), SIGN_IN), (reverse("accounts:verify"), VERIFY)):
            if response.url.partition("?")[0] == prefix:
                return where
    return response.status_code


def test_every_address_has_a_row_and_no_row_is_left_over():
    walked = {name for name in names(get_resolver().url_patterns) if not name.startswith("admin:")}
    assert walked == set(ROWS)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_each_viewer_gets_what_the_matrix_says(viewer, book, settings):
    settings.METRICS_TOKEN = ""
    wrong = {}
    for name, row in ROWS.items():
        url = reverse(name, args=row.args(book) if row.args else [])
        found = outcome(client_of(viewer, book), row.method, url)
        if found != row.expected(viewer):
            wrong[name] = f"{found}, not {row.expected(viewer)}"
    assert wrong == {}


def test_only_the_listed_addresses_are_public(book):
    for name, row in ROWS.items():
        if name in settings.PUBLIC_URL_NAMES:
            continue
        assert row.expected("anonymous") == SIGN_IN, name


@pytest.mark.urls("tests.forgetful_urls")
@pytest.mark.parametrize("viewer", ["anonymous", "half"])
def test_an_address_whose_view_forgot_to_ask_is_closed_all_the_same(viewer, book):
    assert outcome(client_of(viewer, book), "get", "/forgetful/") == (SIGN_IN if viewer == "anonymous" else VERIFY)


@pytest.mark.parametrize("viewer", ["anonymous", "half", *CUSTOMERS])
def test_nobody_but_staff_gets_into_admin(viewer, book):
    client = client_of(viewer, book)
    opened = []
    for name in names(get_resolver().url_patterns):
        if not name.startswith("admin:") or name.endswith((":None", "view_on_site")):
            continue
        for args in ([], ["1"], ["policies"], ["policies", "1"]):
            try:
                url = reverse(name, args=args)
            except LookupError:
                continue
            except Exception as error:
                if type(error).__name__ != "NoReverseMatch":
                    raise
                continue
            if client.get(url).status_code in (200, 500):
                opened.append(name)
    assert opened == []
