"""The Parties files: companies, agencies, policyholders, insureds, licenses, and contacts."""

from __future__ import annotations

import re

from accounts.hashers import readable
from core.feedspec import Column, Computed, Kind, Reference, RowCheck, Severity, Stage, Table
from policies.feed.accounts import keep_memberships, username_fault
from policies.feed.columns import ADDRESS, DATE_OF_BIRTH, STATES, circle
from policies.feed.figures import keep_sort_keys
from policies.feed.signatures import SIGNATURE, record_signatures
from policies.models import Company, Contact, Insured, Policyholder
from policies.names import fold, sort_key
from policies.roles import Capability

SEARCH_LENGTH = 320


def search_name(*names: str) -> str:
    """Return the folded parts of a name for searching, cut to the model's length."""
    return fold(" ".join(names))[:SEARCH_LENGTH]


COMPANIES = Table(
    file="companies.csv",
    model="policies.Company",
    columns=(
        Column("company_id", Kind.IDENTIFIER, field=None, required=True),
        Column("name", required=True),
        Column("naic_number"),
        *ADDRESS,
        Column("signatory"),
        Column("signatory_title"),
        Column("services", Kind.LIST, choices=tuple(Company.Service.values)),
        SIGNATURE,
        Column("period_wording", optional=True),
        Column(
            "pending_cancellation",
            Kind.CHOICE,
            choices=tuple(Company.PendingCancellation.values),
            default=Company.PendingCancellation.STATE.value,
            optional=True,
        ),
        Column("says_cancelled", Kind.BOOLEAN, optional=True),
    ),
    track=("signature",),
    after=(record_signatures,),
)

AGENCIES = Table(
    file="agencies.csv",
    model="policies.Agency",
    columns=(
        Column("agency_id", Kind.IDENTIFIER, field=None, required=True),
        Column("name", required=True),
        Column("producer_code"),
        Column("phone"),
        Column("email", Kind.EMAIL, expected=True),
        *ADDRESS,
    ),
)

POLICYHOLDERS = Table(
    file="policyholders.csv",
    model="policies.Policyholder",
    columns=(
        Column("policyholder_id", Kind.IDENTIFIER, field=None, required=True),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Policyholder.Kind.values)),
        Column("insured_id", Kind.IDENTIFIER),
        Column("name", required=True),
        Column("phone"),
        Column("email", Kind.EMAIL, expected=True),
        *ADDRESS,
        Column("paperless", Kind.BOOLEAN),
        Column("parent_id", Kind.IDENTIFIER, optional=True),
    ),
    references=(
        Reference("insured_id", "insureds.csv", "insured"),
        Reference("parent_id", "policyholders.csv", "parent"),
    ),
    computed=(Computed("search_name", ("name",), search_name),),
    checks=(
        RowCheck(
            code="own-parent",
            column="parent_id",
            faulty="s.parent_id = s.policyholder_id",
            sentence="The policyholder is its own parent.",
        ),
        RowCheck(
            code="insured-of-organization",
            column="insured_id",
            faulty="s.kind = 'organization' AND s.insured_id IS NOT NULL",
            sentence="The policyholder is an organization; only an individual can have an insured_id.",
            severity=Severity.WARNING,
        ),
    ),
    set_checks=(circle("policies_policyholder", "parent", "parent_id", "The policyholder's parents lead back to it."),),
)

INSUREDS = Table(
    file="insureds.csv",
    model="policies.Insured",
    columns=(
        Column("insured_id", Kind.IDENTIFIER, field=None, required=True),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Insured.Kind.values)),
        Column("name"),
        Column("first_name"),
        Column("middle_name"),
        Column("last_name"),
        Column("suffix"),
        Column("credential"),
        Column("npi", pattern=re.compile(r"\d{10}", re.ASCII), pattern_words="ten digits"),
        DATE_OF_BIRTH,
        Column("specialty_code"),
        Column("specialty"),
        Column("email", Kind.EMAIL, expected=True),
        Column("phone"),
        *ADDRESS,
    ),
    computed=(
        Computed("search_name", ("first_name", "middle_name", "last_name", "suffix", "name"), search_name),
        Computed("sort_key", ("last_name", "name", "first_name", "middle_name"), sort_key),
    ),
    checks=(
        RowCheck(
            code="entity-name",
            column="name",
            faulty="s.kind = 'entity' AND s.name = ''",
            sentence="Entity has no name.",
            stage=Stage.SCHEMA,
        ),
        RowCheck(
            code="person-name",
            column="last_name",
            faulty="s.kind = 'person' AND s.last_name = ''",
            sentence="Person has no last name.",
            stage=Stage.SCHEMA,
        ),
    ),
    after=(keep_sort_keys,),
)

LICENSES = Table(
    file="licenses.csv",
    model="policies.License",
    key=("insured_id", "state", "number"),
    columns=(
        Column("insured_id", Kind.IDENTIFIER, required=True),
        Column("state", Kind.CHOICE, required=True, choices=STATES),
        Column("number", Kind.IDENTIFIER, required=True),
        Column("expires", Kind.DATE),
    ),
    references=(Reference("insured_id", "insureds.csv", "insured"),),
)

CONTACTS = Table(
    file="contacts.csv",
    model="policies.Contact",
    columns=(
        Column("contact_id", Kind.IDENTIFIER, field=None, required=True),
        Column("party", Kind.CHOICE, field=None, required=True, choices=("policyholder", "agency")),
        Column("party_id", Kind.IDENTIFIER, required=True),
        Column("first_name"),
        Column("last_name"),
        Column("email", Kind.EMAIL, expected=True),
        Column("phone"),
        Column("zip", Kind.ZIP),
        DATE_OF_BIRTH,
        Column("role", Kind.CHOICE, choices=tuple(Contact.Role.values), default=Contact.Role.MEMBER.value),
        Column("capabilities", Kind.LIST, choices=tuple(Capability)),
        Column("username", fault=username_fault),
        Column(
            "password_hash",
            field=None,
            store=readable,
            kept="of a form that the portal reads, it becomes the new account's; otherwise ignored. Kept nowhere else",
            optional=True,
        ),
    ),
    references=(
        Reference("party_id", "policyholders.csv", "policyholder", when=("party", "policyholder")),
        Reference("party_id", "agencies.csv", "agency", when=("party", "agency")),
    ),
    track=("username", "email", "role", "capabilities"),
    after=(keep_memberships,),
    every_row=True,
)
