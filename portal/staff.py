"""Staff groups with the least rights that each one's work needs (docs/security.md#staff)."""

from __future__ import annotations

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from core.areas import staff_groups
from core.events import StaffEvent, record_event

# Groups of former versions. Their members have to be assigned again: no current group has the same rights.
RETIRED = ("Feed operators", "Editors")


@transaction.atomic
def make_staff_groups() -> list[Group]:
    """Make the groups, or set what an existing one of that name may do; return them as `core.areas.staff_groups` does.

    The event log records which rights a group gained or lost. Raises LookupError for a permission that no model has.
    """
    made = []
    for wanted in staff_groups():
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
    """Remove the groups of former versions; return their members' usernames by group."""
    left = {}
    for group in Group.objects.filter(name__in=RETIRED):
        left[group.name] = list(group.user_set.values_list("username", flat=True))
        record_event(StaffEvent.GROUP_RETIRED, subject=group, group=group.name, members=left[group.name])
        group.delete()
    return left


def _set(group: Group, wanted: dict[str, Permission]) -> None:
    held = {_code(each): each for each in group.permissions.select_related("content_type")}
    if held.keys() == wanted.keys():
        return
    group.permissions.set(wanted.values())
    added, removed = sorted(wanted.keys() - held), sorted(held.keys() - wanted)
    record_event(StaffEvent.GROUP_SET, subject=group, group=group.name, added=added, removed=removed)


def _permissions(codes: set[str]) -> dict[str, Permission]:
    condition = Q()
    for code in codes:
        app, _, codename = code.partition(".")
        condition |= Q(content_type__app_label=app, codename=codename)
    return {_code(each): each for each in Permission.objects.filter(condition).select_related("content_type")}


def _code(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def table() -> list[str]:
    """Return the groups as a Markdown table for docs/staff.md."""
    lines = ["| group | for | looks at | may |", "|---|---|---|---|"]
    for each in staff_groups():
        seen = ", ".join(sorted(str(apps.get_model(name)._meta.verbose_name_plural) for name in each.views))
        lines.append(
            f"| {each.name} | {each.work} | {seen} | {'; '.join(map(_words, each.permissions)) or 'only look'} |"
        )
    return lines


def _words(code: str) -> str:
    """Return a permission in words: its model's own sentence, or 'add membership'."""
    app, _, codename = code.partition(".")
    for model in apps.get_app_config(app).get_models():
        named = dict(model._meta.permissions)
        if codename in named:
            return str(named[codename]).removeprefix("Can ")
        action, _, name = codename.partition("_")
        if name == model._meta.model_name:
            return f"{action} {model._meta.verbose_name}"
    raise LookupError(f"No model has the permission {code}")
