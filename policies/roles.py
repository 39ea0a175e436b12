"""Who may do what: the one table of role × capability (docs/spec.md#roles-rows-and-rights).

Rows are about *which* objects and live in each model's `visible_to(user)`; this table is about *what* may be done with
an object that is seen. Read a line as: this capability, who has it, whether it outlives the coverage, and what else it
needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.models import Company, Membership

INSURED = Membership.Role.INSURED
POLICYHOLDER = Membership.Role.POLICYHOLDER
AGENT = Membership.Role.AGENT


class Capability(StrEnum):
    """What a customer may do with a policy that she sees."""

    VIEW_COVERAGE = "view_coverage"
    VIEW_POLICY = "view_policy"
    ISSUE_CERTIFICATE = "issue_certificate"
    VIEW_CLAIMS_HISTORY = "view_claims_history"
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
    VIEW_RENEWAL = "view_renewal"
    REGISTER_OTHERS = "register_others"
    VIEW_SEMINAR_ACTIVITY = "view_seminar_activity"
    REPORT_INCIDENT = "report_incident"
    NAME_DELEGATES = "name_delegates"


@dataclass(frozen=True)
class Rule:
    """One line of the table.

    `historic`: the roles that keep the capability when the policy or the insured's coverage has ended.
    `service`: the company's switch that must be on. `switch`: the roles whose membership must have it granted.
    `administrators`: only a membership marked so. `direct_billing`: not for agency-billed or premium-financed terms.
    """

    roles: frozenset[str]
    historic: frozenset[str] = frozenset()
    service: Company.Service | None = None
    switch: frozenset[str] = frozenset()
    administrators: bool = False
    direct_billing: bool = False


def _rule(*roles: str, historic: tuple[str, ...] = (), switch: tuple[str, ...] = (), **options: object) -> Rule:
    return Rule(frozenset(roles), historic=frozenset(historic), switch=frozenset(switch), **options)  # type: ignore[arg-type]  # options are Rule's own


EVERYONE = (INSURED, POLICYHOLDER, AGENT)
MANAGERS = (POLICYHOLDER, AGENT)

RULES: dict[Capability, Rule] = {
    # One's own coverage, or every one on the policy, with limits and dates.
    Capability.VIEW_COVERAGE: _rule(*EVERYONE, historic=EVERYONE),
    # The policy whole: roster, premium, agent of record.
    Capability.VIEW_POLICY: _rule(*MANAGERS, historic=MANAGERS),
    # A certificate of insurance; of coverage that has ended, the letter of past coverage.
    Capability.ISSUE_CERTIFICATE: _rule(*EVERYONE, historic=EVERYONE),
    # One's own; for others where it is granted. The insured's authorisation is asked for beside this.
    Capability.VIEW_CLAIMS_HISTORY: _rule(*EVERYONE, historic=EVERYONE, switch=MANAGERS),
    Capability.REQUEST_HOLDER: _rule(*EVERYONE),
    Capability.MANAGE_STANDING_HOLDERS: _rule(*EVERYONE),
    # Who has left needs a packet the most.
    Capability.CREATE_PACKET: _rule(*EVERYONE, historic=(INSURED, POLICYHOLDER)),
    # A policy's own documents: the company's `forms` switch is for the public page of forms (S-31), never for these.
    Capability.VIEW_DOCUMENTS: _rule(*MANAGERS, historic=MANAGERS),
    Capability.VIEW_BILLING: _rule(*MANAGERS, historic=MANAGERS),
    # Never an agent. Historic: what is owed.
    Capability.PAY: _rule(POLICYHOLDER, historic=(POLICYHOLDER,), service=Company.Service.PAY, direct_billing=True),
    Capability.MANAGE_AUTOPAY: _rule(POLICYHOLDER, service=Company.Service.AUTOPAY, direct_billing=True),
    Capability.VIEW_ERE: _rule(*EVERYONE, historic=EVERYONE, service=Company.Service.ERE),
    Capability.ELECT_ERE: _rule(INSURED, POLICYHOLDER, historic=(INSURED, POLICYHOLDER), service=Company.Service.ERE),
    Capability.REQUEST_CHANGE: _rule(*MANAGERS),
    Capability.FILL_IN_RENEWAL: _rule(POLICYHOLDER, service=Company.Service.RENEW),
    Capability.VIEW_RENEWAL: _rule(*MANAGERS, historic=MANAGERS, service=Company.Service.RENEW),
    Capability.REGISTER_OTHERS: _rule(POLICYHOLDER),
    Capability.VIEW_SEMINAR_ACTIVITY: _rule(*EVERYONE, historic=EVERYONE),
    # An incident of the time that was covered may be reported after it.
    Capability.REPORT_INCIDENT: _rule(*EVERYONE, historic=EVERYONE),
    Capability.NAME_DELEGATES: _rule(*MANAGERS, administrators=True),
}
