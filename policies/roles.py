"""Who may do what: the one table of role × capability (docs/spec.md#roles-rows-and-rights).

Rows are about *which* objects a user sees, and are in each model's `visible_to(user)`. This table is about *what* a
user may do with an object that they see. Read an entry as: what the capability lets one do, which roles have it, which
of them keep it once coverage has ended, and what else it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.models import Company, Membership

INSURED = Membership.Role.INSURED
POLICYHOLDER = Membership.Role.POLICYHOLDER
AGENT = Membership.Role.AGENT


class Capability(StrEnum):
    """What a customer may do with a policy that they see."""

    VIEW_COVERAGE = "view_coverage"
    VIEW_POLICY = "view_policy"
    ISSUE_CERTIFICATE = "issue_certificate"
    VIEW_CLAIMS_HISTORY = "view_claims_history"
    VIEW_LOSS_RUN = "view_loss_run"
    REQUEST_HOLDER = "request_holder"
    MANAGE_STANDING_HOLDERS = "manage_standing_holders"
    CREATE_PACKET = "create_packet"
    VIEW_DOCUMENTS = "view_documents"
    VIEW_BILLING = "view_billing"
    PAY = "pay"
    MANAGE_AUTOPAY = "manage_autopay"
    VIEW_ERE = "view_ere"
    ELECT_ERE = "elect_ere"
    REQUEST_CHANGE = "request_change"
    FILL_IN_RENEWAL = "fill_in_renewal"
    PREPARE_RENEWAL = "prepare_renewal"
    VIEW_RENEWAL = "view_renewal"
    REGISTER_OTHERS = "register_others"
    VIEW_SEMINAR_ACTIVITY = "view_seminar_activity"
    REPORT_INCIDENT = "report_incident"
    NAME_DELEGATES = "name_delegates"


@dataclass(frozen=True)
class Rule:
    """One entry of the table; `allows` says in a sentence what the capability lets a user do.

    `historic`: the roles that keep the capability when the policy or the insured's coverage has ended.
    `service`: the company's switch that must be on. `switch`: the roles whose membership must have it granted.
    `administrators`: only a membership marked so. `direct_billing`: not for agency-billed or premium-financed terms.
    """

    allows: str
    roles: frozenset[str]
    historic: frozenset[str] = frozenset()
    service: Company.Service | None = None
    switch: frozenset[str] = frozenset()
    administrators: bool = False
    direct_billing: bool = False


# What every delegate may do: see what there is. The rest is given one by one.
BASE = frozenset({Capability.VIEW_COVERAGE, Capability.VIEW_POLICY})


def giveable(membership: Membership) -> list[Capability]:
    """Return what an administrator may give to a delegate under this membership, in the table's order: what it opens
    itself, but the right to name delegates (docs/security.md#delegates). `BASE` comes with every delegate's."""
    return [
        capability
        for capability, rule in RULES.items()
        if capability not in BASE
        and membership.role in rule.roles
        and not rule.administrators
        and (capability in membership.capabilities or not (membership.named_only or membership.role in rule.switch))
    ]


def _rule(
    allows: str,
    roles: tuple[str, ...],
    *,
    historic: tuple[str, ...] = (),
    service: Company.Service | None = None,
    switch: tuple[str, ...] = (),
    administrators: bool = False,
    direct_billing: bool = False,
) -> Rule:
    return Rule(
        allows,
        roles=frozenset(roles),
        historic=frozenset(historic),
        service=service,
        switch=frozenset(switch),
        administrators=administrators,
        direct_billing=direct_billing,
    )


EVERYONE = (INSURED, POLICYHOLDER, AGENT)
MANAGERS = (POLICYHOLDER, AGENT)
CUSTOMERS = (INSURED, POLICYHOLDER)
HOLDER_ONLY = (POLICYHOLDER,)
AGENT_ONLY = (AGENT,)

RULES: dict[Capability, Rule] = {
    Capability.VIEW_COVERAGE: _rule(
        "See your own coverage, or every coverage on the policy you manage, with limits and dates.",
        EVERYONE,
        historic=EVERYONE,
    ),
    Capability.VIEW_POLICY: _rule(
        "See the whole policy: roster, premium, and agent of record.",
        MANAGERS,
        historic=MANAGERS,
    ),
    Capability.ISSUE_CERTIFICATE: _rule(
        "Create a certificate of insurance, or a letter of past coverage once coverage has ended.",
        EVERYONE,
        historic=EVERYONE,
    ),
    # For someone else's history, the insured's own authorization is also needed.
    Capability.VIEW_CLAIMS_HISTORY: _rule(
        "See your own claims history, or an insured’s where you were given access.",
        EVERYONE,
        historic=EVERYONE,
        switch=MANAGERS,
    ),
    # Moving to another carrier is when it's needed: after the policy has ended, too. Never an insured's third parties.
    Capability.VIEW_LOSS_RUN: _rule("Get the policy’s loss runs.", MANAGERS, historic=MANAGERS),
    Capability.REQUEST_HOLDER: _rule("Ask us to add a certificate holder.", EVERYONE),
    Capability.MANAGE_STANDING_HOLDERS: _rule("Choose who gets a certificate at each renewal.", EVERYONE),
    # Those who have left need a packet the most.
    Capability.CREATE_PACKET: _rule("Create a credentialing packet.", EVERYONE, historic=CUSTOMERS),
    # A policy's own documents: the company's `forms` switch is for the public page of forms (S-31), never for these.
    Capability.VIEW_DOCUMENTS: _rule("Download the policy’s documents.", MANAGERS, historic=MANAGERS),
    Capability.VIEW_BILLING: _rule("See what was billed and paid.", MANAGERS, historic=MANAGERS),
    # Never an agent. After the policy has ended: for what is still owed.
    Capability.PAY: _rule(
        "Pay a bill.",
        HOLDER_ONLY,
        historic=HOLDER_ONLY,
        service=Company.Service.PAY,
        direct_billing=True,
    ),
    Capability.MANAGE_AUTOPAY: _rule(
        "Set up, change, or stop automatic payments.",
        HOLDER_ONLY,
        service=Company.Service.AUTOPAY,
        direct_billing=True,
    ),
    Capability.VIEW_ERE: _rule(
        "See offers of an extended reporting endorsement (tail).",
        EVERYONE,
        historic=EVERYONE,
        service=Company.Service.ERE,
    ),
    Capability.ELECT_ERE: _rule(
        "Accept or decline an extended reporting endorsement.",
        CUSTOMERS,
        historic=CUSTOMERS,
        service=Company.Service.ERE,
    ),
    Capability.REQUEST_CHANGE: _rule("Ask us to change the policy.", MANAGERS),
    Capability.FILL_IN_RENEWAL: _rule(
        "Complete and sign the renewal application.",
        HOLDER_ONLY,
        service=Company.Service.RENEW,
    ),
    # Where the company lets agents (`RENEWALS_PREPARED_BY_AGENTS`); never to sign.
    Capability.PREPARE_RENEWAL: _rule(
        "Prepare the renewal application for the policyholder to sign, where we allow it.",
        AGENT_ONLY,
        service=Company.Service.RENEW,
    ),
    Capability.VIEW_RENEWAL: _rule(
        "See the renewal application and its progress.",
        MANAGERS,
        historic=MANAGERS,
        service=Company.Service.RENEW,
    ),
    Capability.REGISTER_OTHERS: _rule("Register the policy’s insureds for seminars.", HOLDER_ONLY),
    Capability.VIEW_SEMINAR_ACTIVITY: _rule("See seminars taken and credits earned.", EVERYONE, historic=EVERYONE),
    # Something that happened while coverage was in force may be reported after it.
    Capability.REPORT_INCIDENT: _rule("Report an incident.", EVERYONE, historic=EVERYONE),
    Capability.NAME_DELEGATES: _rule("Give others access to the policy.", MANAGERS, administrators=True),
}
