"""The groups that staff are put into, and what each may do in admin: the least its work needs
(docs/security.md#staff)."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from core.events import StaffEvent, record_event


@dataclass(frozen=True)
class StaffGroup:
    """A group by name: whose work it is for, the models it may look at (`app.model`), and what else it may do
    (`app.codename`)."""

    name: str
    work: str
    views: tuple[str, ...]
    permissions: tuple[str, ...] = ()

    @property
    def codes(self) -> set[str]:
        """All its permissions, as `app.codename`."""
        return {each.replace(".", ".view_") for each in self.views} | set(self.permissions)


# What a policy's page in admin shows: the policy, its terms, agents of record, and statuses.
POLICY = ("policies.policy", "policies.term", "policies.agentofrecord", "policies.policystatus")
COVERAGE = ("policies.coverage", "policies.insured", "policies.policyholder")
CERTIFICATES = ("credentialing.certificate", "credentialing.holder")
FEED = ("feed.run", "feed.finding", "feed.source")

# The event log as a whole, the outbox, and staff rights are for superusers alone.
GROUPS = (
    StaffGroup(
        "Web support",
        "Accounts, codes, locks, and missing policies (S-46); gives memberships.",
        views=(
            "accounts.user",
            "policies.membership",
            "policies.agency",
            "policies.contact",
            *POLICY,
            *COVERAGE,
            *CERTIFICATES,
        ),
        permissions=(
            "accounts.add_user",
            "accounts.unlock_user",
            "accounts.view_user_events",
            "policies.add_membership",
            "policies.change_membership",
            "credentialing.retry_certificate",
        ),
    ),
    StaffGroup(
        "Customer service",
        "Billing, coverage, credentialing, and general questions (S-46).",
        views=(
            "policies.company",
            "policies.agency",
            "policies.contact",
            "policies.license",
            *POLICY,
            *COVERAGE,
            *CERTIFICATES,
        ),
        permissions=("credentialing.retry_certificate",),
    ),
    StaffGroup("Claims", "Who was covered, when, and with which limits.", views=(*POLICY, *COVERAGE)),
    StaffGroup(
        "Underwriting",
        "Policies, and the persons and companies on them.",
        views=("policies.company", "policies.agency", "policies.license", *POLICY, *COVERAGE),
    ),
    StaffGroup("Risk", "Risk management: whom to advise.", views=("policies.policy", *COVERAGE)),
    StaffGroup(
        "Publishing",
        "News on the home page.",
        views=("portal.announcement",),
        permissions=("portal.add_announcement", "portal.change_announcement", "portal.delete_announcement"),
    ),
    # Two groups: who uploads a package never releases it.
    StaffGroup("Feed upload", "Brings in the carrier's data.", views=FEED, permissions=("feed.load_package",)),
    StaffGroup(
        "Feed release", "Decides on held packages of others.", views=FEED, permissions=("feed.release_held_run",)
    ),
)
# Groups of former versions. Their members are asked for anew: none of the present groups has the same rights.
RETIRED = ("Feed operators", "Editors")


@transaction.atomic
def make_staff_groups() -> list[Group]:
    """Makes the groups, or sets what an existing one of that name may do; returns them in the order of `GROUPS`.

    What a group won or lost is in the event log. Raises LookupError for a permission that no model has.
    """
    made = []
    for wanted in GROUPS:
        group, _ = Group.objects.get_or_create(name=wanted.name)
        found = _permissions(wanted.codes)
        missing = sorted(wanted.codes - set(found))
        if missing:
            raise LookupError(f"No model has the permission {missing[0]}, which the group '{wanted.name}' needs")
        _set(group, found)
        made.append(group)
    return made


@transaction.atomic
def retire_groups() -> dict[str, list[str]]:
    """Removes the groups of former versions. Returns the usernames of those who were in them, by group."""
    left = {}
    for group in Group.objects.filter(name__in=RETIRED):
        left[group.name] = list(group.user_set.values_list("username", flat=True))
        record_event(StaffEvent.GROUP_RETIRED, subject=group, data={"group": group.name, "members": left[group.name]})
        group.delete()
    return left


def _set(group: Group, wanted: dict[str, Permission]) -> None:
    held = {_code(each): each for each in group.permissions.select_related("content_type")}
    if held.keys() == wanted.keys():
        return
    group.permissions.set(wanted.values())
    data = {"group": group.name, "added": sorted(wanted.keys() - held), "removed": sorted(held.keys() - wanted)}
    record_event(StaffEvent.GROUP_SET, subject=group, data=data)


def _permissions(codes: set[str]) -> dict[str, Permission]:
    condition = Q()
    for code in codes:
        app, _, codename = code.partition(".")
        condition |= Q(content_type__app_label=app, codename=codename)
    return {_code(each): each for each in Permission.objects.filter(condition).select_related("content_type")}


def _code(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def table() -> list[str]:
    """The groups as a table in Markdown, for docs/staff.md."""
    lines = ["| group | for | looks at | may |", "|---|---|---|---|"]
    for each in GROUPS:
        seen = ", ".join(sorted(str(apps.get_model(name)._meta.verbose_name_plural) for name in each.views))
        lines.append(
            f"| {each.name} | {each.work} | {seen} | {'; '.join(map(_words, each.permissions)) or 'only look'} |"
        )
    return lines


def _words(code: str) -> str:
    """What a permission lets one do: its model's own sentence, or 'add membership'."""
    app, _, codename = code.partition(".")
    for model in apps.get_app_config(app).get_models():
        named = dict(model._meta.permissions)
        if codename in named:
            return str(named[codename]).removeprefix("Can ")
        action, _, name = codename.partition("_")
        if name == model._meta.model_name:
            return f"{action} {model._meta.verbose_name}"
    raise LookupError(f"No model has the permission {code}")
