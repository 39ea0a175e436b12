"""Policies and parties in admin: staff read the feed's rows, and grant and revoke memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.urls import reverse

from accounts.guards import user_of
from core.admin import RecordedLooks, StaffAdmin
from core.dates import carrier_today
from core.desk import DeskItem, counted
from policies.change_requests.admin import ChangeRequestAdmin, ChangeRuleAdmin
from policies.documents import admin as documents_admin
from policies.events import PolicyEvent
from policies.models import (
    Agency,
    AgentOfRecord,
    Company,
    Contact,
    Coverage,
    Document,
    Endorsement,
    EreOffer,
    Extra,
    FundEnrollment,
    Insured,
    License,
    Membership,
    Policy,
    Policyholder,
    PolicyStatus,
    PriorCoverage,
    PriorLimit,
    RequestAnswer,
    Suspension,
    Term,
)
from policies.models.membership import SECOND_PERSON
from policies.registrants.admin import RegistrationAdmin

# Read here, so that admin finds them.
from policies.renewals import admin as renewals_admin
from policies.roles import Capability

__all__ = ["ChangeRequestAdmin", "ChangeRuleAdmin", "RegistrationAdmin", "documents_admin", "renewals_admin"]

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest

    from accounts.models import User


class PolicyRowAdmin(RecordedLooks[Any]):
    """Rows that the feed owns: staff can view them, each view is recorded, and nobody changes them here."""

    look = PolicyEvent.STAFF_LOOK
    ordering = ["pk"]


class RowsInline(admin.TabularInline[Any, Any]):
    """Rows that belong to the row of the page, to look at only."""

    template = "admin/rows.html"
    extra = 0
    can_delete = False


class PolicyStatusInline(RowsInline):
    model = PolicyStatus


class TermInline(RowsInline):
    model = Term
    fields = ["external_id", "status", "effective", "expires", "premium", "billing", "retired_at"]


class AgentOfRecordInline(RowsInline):
    model = AgentOfRecord
    fields = ["agency", "starts", "ends", "retired_at"]


class LicenseInline(RowsInline):
    model = License
    fields = ["state", "number", "expires", "retired_at"]


class PriorCoverageInline(RowsInline):
    model = PriorCoverage
    fields = ["carrier", "policy_number", "form", "effective", "expires", "retroactive_date", "ere_ends", "retired_at"]


class EndorsementInline(RowsInline):
    model = Endorsement
    fields = ["form_number", "edition", "title", "effective", "expires", "on_certificate", "retired_at"]


class SuspensionInline(RowsInline):
    model = Suspension
    fields = ["external_id", "starts", "ends", "reason_code", "retired_at"]


class PriorLimitInline(RowsInline):
    model = PriorLimit
    fields = ["incidents_before", "limit_per_claim", "limit_aggregate", "retired_at"]


class ExtraInline(RowsInline):
    model = Extra
    fields = ["label", "limit", "retired_at"]


class FundEnrollmentInline(RowsInline):
    model = FundEnrollment
    fields = ["fund", "form", "limits", "effective", "expires", "retired_at"]


class EreOfferInline(RowsInline):
    model = EreOffer
    fields = [
        "external_id",
        "status",
        "option",
        "price",
        "installments",
        "installment_amount",
        "finance_charge",
        "decide_by",
        "starts",
        "ends",
        "retired_at",
    ]


@admin.register(Policy)
class PolicyAdmin(PolicyRowAdmin):
    """Policies, found by number or policyholder."""

    list_display = ["number", "policyholder", "company", "status", "source", "retired_at"]
    list_filter = ["status", "program", "company", "source"]
    list_select_related = ["policyholder", "company"]
    search_fields = ["number_normalized__startswith", "number__startswith", "policyholder__name__istartswith"]
    inlines = [TermInline, AgentOfRecordInline, PolicyStatusInline]
    ordering = ["number_normalized"]


@admin.register(Insured)
class InsuredAdmin(PolicyRowAdmin):
    list_display = ["sort_name", "credential", "specialty", "state", "source", "retired_at"]
    search_fields = ["last_name__istartswith", "first_name__istartswith", "name__istartswith", "external_id"]
    list_filter = ["kind"]
    inlines = [LicenseInline, PriorCoverageInline]


@admin.register(Policyholder)
class PolicyholderAdmin(PolicyRowAdmin):
    list_display = ["name", "kind", "state", "source", "retired_at"]
    search_fields = ["name__istartswith", "external_id"]
    list_filter = ["kind"]


@admin.register(Coverage)
class CoverageAdmin(PolicyRowAdmin):
    list_display = ["insured", "part", "form", "effective", "expires", "retired_at"]
    list_select_related = ["insured"]
    search_fields = [
        "external_id",
        "insured__last_name__istartswith",
        "term__policy__number_normalized__startswith",
    ]
    inlines = [
        EndorsementInline,
        SuspensionInline,
        PriorLimitInline,
        ExtraInline,
        FundEnrollmentInline,
        EreOfferInline,
    ]


@admin.register(Company)
class CompanyAdmin(PolicyRowAdmin):
    list_display = ["name", "naic_number", "services", "source", "retired_at"]


@admin.register(Agency)
class AgencyAdmin(PolicyRowAdmin):
    list_display = ["name", "producer_code", "state", "source", "retired_at"]
    search_fields = ["name__istartswith", "producer_code"]


@admin.register(Contact)
class ContactAdmin(PolicyRowAdmin):
    list_display = ["__str__", "role", "policyholder", "agency", "source", "retired_at"]
    list_select_related = ["policyholder", "agency"]
    search_fields = ["last_name__istartswith", "email__istartswith", "external_id"]


@admin.register(License)
class LicenseAdmin(PolicyRowAdmin):
    list_display = ["insured", "state", "number", "expires"]
    list_select_related = ["insured"]
    search_fields = ["number"]


@admin.register(Document)
class DocumentAdmin(PolicyRowAdmin):
    """Documents that the carrier sent, and why one can't be opened."""

    list_display = ["title", "kind", "policy", "issued", "pages", "fault", "source", "retired_at"]
    list_select_related = ["policy"]
    list_filter = ["kind", "fault", "source"]
    search_fields = ["policy__number_normalized__startswith", "billing_account_key", "external_id"]
    readonly_fields = ["file", "sha256"]


@admin.register(RequestAnswer)
class RequestAnswerAdmin(PolicyRowAdmin):
    """The carrier's answers to requests of the portal."""

    list_display = ["portal_request_id", "status", "updated", "source", "retired_at"]
    list_filter = ["status", "source"]
    search_fields = ["=portal_request_id"]


class MembershipForm(forms.ModelForm[Membership]):
    """Grant a membership. It needs exactly the party that fits its role."""

    capabilities = forms.MultipleChoiceField(
        choices=[(each.value, each.replace("_", " ").capitalize()) for each in Capability],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=(
            "Claims history is open to policyholders and agents only where it is named. The rest comes with the role, "
            "unless only what is named is open."
        ),
    )

    class Meta:
        model = Membership
        fields = [
            "user",
            "role",
            "insured",
            "policyholder",
            "agency",
            "administrator",
            "capabilities",
            "named_only",
            "starts",
            "ends",
        ]

    def clean(self) -> dict[str, Any]:
        """Say next to the field which party the role needs."""
        data = super().clean() or {}
        wanted = {"insured": "insured", "policyholder": "policyholder", "agent": "agency"}.get(data.get("role", ""))
        for name in ("insured", "policyholder", "agency"):
            if wanted and (name == wanted) != bool(data.get(name)):
                self.add_error(
                    name,
                    "This role needs it." if name == wanted else "Leave this empty: the role is with another party.",
                )
        return data


@admin.register(Membership)
class MembershipAdmin(StaffAdmin[Membership]):
    """Who acts for whom. Memberships are revoked, never deleted, to keep their history."""

    form = MembershipForm
    added, changed = PolicyEvent.MEMBERSHIP_GRANTED, PolicyEvent.MEMBERSHIP_CHANGED
    valued = ("administrator", "capabilities", "named_only", "ends")
    list_display = ["user", "role", "party_name", "starts", "ends", "revoked_at", "waits"]
    list_filter = ["role", "awaits_approval"]
    list_select_related = ["user", "insured", "policyholder", "agency"]
    search_fields = [
        "user__username",
        "user__last_name",
        "policyholder__name",
        "insured__last_name",
        "agency__name",
    ]
    autocomplete_fields = ["user", "insured", "policyholder", "agency"]
    actions = ["approve_selected", "revoke_selected"]

    @admin.display(description="party")
    def party_name(self, membership: Membership) -> str:
        return str(membership.party)

    @admin.display(description="waits for approval", boolean=True)
    def waits(self, membership: Membership) -> bool:
        return membership.awaits_approval and membership.revoked_at is None

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many wait for a second member of staff."""
        waiting = Membership.objects.filter(awaits_approval=True, revoked_at=None).count()
        href = reverse("admin:policies_membership_changelist") + "?awaits_approval__exact=1"
        return [counted("Memberships waiting for approval", waiting, href)]

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Revoke instead."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        """Fix user, role, and party once granted: a change of these is another membership. What a delegate may do is
        for the party's administrators to change."""
        fixed = ["user", "role", "insured", "policyholder", "agency", "starts"] if obj else []
        given = ["administrator", "capabilities", "named_only"] if obj is not None and obj.is_delegates else []
        told = ["revoked_at", "ended_by", "revoked_by", "kept_by_hand", "granted_by", "given_under"]
        return [*fixed, *given, *told, "awaits_approval", "approved_by"]

    def customer(self, row: Membership) -> User:
        return row.user

    def facts(self, row: Membership) -> dict[str, Any]:
        return row.facts()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Record who granted it. The feed never widens what a person has changed. One at an agency opens nothing until
        a second member of staff approves it: it would open every client's policies."""
        if not change:
            obj.granted_by = user_of(request)
            obj.awaits_approval = obj.role == Membership.Role.AGENT
            if obj.awaits_approval:
                messages.warning(request, SECOND_PERSON)
        elif form.changed_data:
            obj.kept_by_hand = True
        super().save_model(request, obj, form, change)

    @admin.action(description="Approve the selected memberships, which someone else granted", permissions=["change"])
    def approve_selected(self, request: HttpRequest, memberships: models.QuerySet[Membership]) -> None:
        """Put memberships in effect that wait for a second member of staff."""
        approved = sum(membership.approve(by=user_of(request)) for membership in memberships)
        self.message_user(request, f"{approved} memberships approved.", messages.SUCCESS)
        if approved < len(memberships):
            left = "Not approved: those that you granted yourself, and those that don’t wait."
            self.message_user(request, left, messages.WARNING)

    @admin.action(description="Revoke the selected memberships, at once", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, memberships: models.QuerySet[Membership]) -> None:
        """End access from this moment."""
        reason = f"revoked in admin on {carrier_today():%Y-%m-%d}"
        for membership in memberships:
            membership.revoke(by=user_of(request), reason=reason)
        self.message_user(request, f"{len(memberships)} memberships revoked.", messages.SUCCESS)
