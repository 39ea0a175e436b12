"""The groups that staff are put into, and what each may do in admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q


@dataclass(frozen=True)
class StaffGroup:
    """A group by name: `views` are apps whose every model it may look at, `permissions` are `app.codename`."""

    name: str
    views: tuple[str, ...]
    permissions: tuple[str, ...]


GROUPS = (
    # Accounts, codes, locks, missing policies: S-46's web support, who also gives memberships.
    StaffGroup(
        "Web support",
        views=("accounts", "core", "credentialing", "feed", "policies", "portal"),
        permissions=(
            "accounts.add_user",
            "accounts.change_user",
            "accounts.unlock_user",
            "accounts.view_user_events",
            "policies.add_membership",
            "policies.change_membership",
        ),
    ),
    # Whoever answers for the carrier's data.
    StaffGroup(
        "Feed operators", views=("feed", "policies"), permissions=("feed.load_package", "feed.release_held_run")
    ),
    # News on the home page.
    StaffGroup(
        "Editors",
        views=("portal",),
        permissions=("portal.add_announcement", "portal.change_announcement", "portal.delete_announcement"),
    ),
)


@transaction.atomic
def make_staff_groups() -> list[Group]:
    """Makes the groups, or sets what an existing one of that name may do; returns them in the order of `GROUPS`.

    Raises LookupError for a permission that no model has.
    """
    made = []
    for wanted in GROUPS:
        group, _ = Group.objects.get_or_create(name=wanted.name)
        condition = Q(content_type__app_label__in=wanted.views, codename__startswith="view_")
        for name in wanted.permissions:
            app, _, codename = name.partition(".")
            condition |= Q(content_type__app_label=app, codename=codename)
        found = {f"{each.content_type.app_label}.{each.codename}": each for each in _permissions(condition)}
        missing = sorted(set(wanted.permissions) - set(found))
        if missing:
            raise LookupError(f"No model has the permission {missing[0]}, which the group '{wanted.name}' needs")
        group.permissions.set(found.values())
        made.append(group)
    return made


def _permissions(condition: Q) -> list[Permission]:
    return list(Permission.objects.filter(condition).select_related("content_type"))
