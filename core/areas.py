"""The area registry: what each app announces in its `apps.py` (docs/architecture.md#areas).

The portal, the feed, and the workers read it from here, so that they know no area by name. Dotted paths are imported
when they're used: an `apps.py` imports none of its own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.db.models import Model


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the customers' menu or of the quick links on home; the smallest `order` comes first.

    `url_name` is a page that needs no arguments; `icon` is the name of a Lucide icon. `needs`: of a quick link, the
    capability without which it leads nowhere (`policies.roles`). `covers`: pages elsewhere that belong to this one.
    """

    label: str
    url_name: str
    icon: str
    order: int = 100
    hint: str = ""
    needs: str = ""
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StaffGroup:
    """What a group of staff may do in admin: the models it looks at (`app.model`), and named permissions
    (`app.codename`).

    Several areas may add to one group. The first to name the group says in `work` whose work it is for.
    """

    name: str
    work: str = ""
    views: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()

    @property
    def codes(self) -> set[str]:
        """All its permissions, as `app.codename`."""
        return {each.replace(".", ".view_") for each in self.views} | set(self.permissions)


class AreaConfig(AppConfig):
    """An app of the portal, with what it announces to the others. Everything is optional.

    - `menu`, `quick_links`: entries of the customers' menu and of home's quick links.
    - `account_pages`: pages of the user's own account, beside each other in its navigation (`accounts/settings.html`).
    - `panels`: dotted path of a list of panel providers (`core.panels`).
    - `calendar`: dotted path of a list of providers of calendar entries (`core.calendars`).
    - `feed_tables`: dotted path of a list of tables that the carrier's feed fills (`core.feedspec`).
    - `outbox`: topic to the dotted paths of its handlers (`core.outbox`).
    - `beat`: name to task and schedule, as Celery's own `beat_schedule`.
    - `queues`: task to the queue it goes to, where that isn't `default`.
    - `staff_groups`: the groups of staff that may look at the area, and what they may do.
    - `sentences`: dotted path of a mapping from each of the area's event tags to its sentence (`core.sentences`).
    - `user_sections`: dotted paths of providers of sections of an account's page in admin (`core.staff_sections`).
    - `answered`: labels of models of requests, with a `public_id`, that the carrier answers in its feed.
    - `hooks`: what floors below ask for without knowing the area: name to dotted path of a callable.
    """

    # Django takes the one class of an `apps.py` that is a default: the area's own, not this imported base.
    default = False

    menu: tuple[MenuEntry, ...] = ()
    quick_links: tuple[MenuEntry, ...] = ()
    account_pages: tuple[MenuEntry, ...] = ()
    panels: str = ""
    calendar: str = ""
    feed_tables: str = ""
    outbox: Mapping[str, tuple[str, ...]] = {}
    beat: Mapping[str, Mapping[str, Any]] = {}
    queues: Mapping[str, str] = {}
    staff_groups: tuple[StaffGroup, ...] = ()
    sentences: str = ""
    user_sections: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    hooks: Mapping[str, str] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.default = True


def areas() -> tuple[AreaConfig, ...]:
    """Every area, lowest floor first (the reverse of `INSTALLED_APPS`)."""
    return _areas_among(tuple(apps.get_app_configs()))


@lru_cache(maxsize=8)
def _areas_among(configs: tuple[AppConfig, ...]) -> tuple[AreaConfig, ...]:
    return tuple(config for config in reversed(configs) if isinstance(config, AreaConfig))


def menu() -> list[MenuEntry]:
    """Return the customers' menu, without home."""
    return sorted((entry for area in areas() for entry in area.menu), key=lambda entry: entry.order)


def quick_links() -> list[MenuEntry]:
    """Return the quick links of home (S-20)."""
    return sorted((entry for area in areas() for entry in area.quick_links), key=lambda entry: entry.order)


def account_pages() -> list[MenuEntry]:
    """Return the pages of the user's own account."""
    return sorted((entry for area in areas() for entry in area.account_pages), key=lambda entry: entry.order)


def panel_providers() -> list[Any]:
    """All panel providers (`core.panels.Provider`)."""
    return [provider for area in areas() if area.panels for provider in import_string(area.panels)]


def calendar_providers() -> list[Any]:
    """All providers of calendar entries (`core.calendars.CalendarProvider`)."""
    return [provider for area in areas() if area.calendar for provider in import_string(area.calendar)]


def feed_table_paths() -> tuple[str, ...]:
    """Return the dotted paths of all lists of feed tables (`core.feedspec.Table`)."""
    return tuple(area.feed_tables for area in areas() if area.feed_tables)


def outbox_handlers(topic: str) -> list[str]:
    """Return the dotted paths of a topic's handlers: stored names, so that one that failed can be run again alone."""
    return [path for area in areas() for path in area.outbox.get(topic, ())]


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return what runs by the clock. Raises ImproperlyConfigured where two areas use one name."""
    return {name: dict(entry) for name, entry in _merged("beat").items()}


def task_routes() -> dict[str, dict[str, str]]:
    """Return the queues of tasks, as Celery's `task_routes`."""
    return {task: {"queue": queue} for task, queue in _merged("queues").items()}


def staff_groups() -> tuple[StaffGroup, ...]:
    """Return the groups of staff, each with what all areas add to it. Raises ImproperlyConfigured for one without
    `work`."""
    found: dict[str, StaffGroup] = {}
    for group in (group for area in areas() for group in area.staff_groups):
        so_far = found.get(group.name, StaffGroup(group.name))
        found[group.name] = StaffGroup(
            group.name,
            so_far.work or group.work,
            so_far.views + tuple(view for view in group.views if view not in so_far.views),
            so_far.permissions + group.permissions,
        )
    for group in found.values():
        if not group.work:
            raise ImproperlyConfigured(f"No area says what the staff group '{group.name}' is for.")
    return tuple(found.values())


def answered_models() -> tuple[type[Model], ...]:
    """Return the models of requests that the carrier answers by their public id (docs/feed-format.md#requests)."""
    return tuple(apps.get_model(label) for area in areas() for label in area.answered)


def hook(name: str) -> Callable[..., Any] | None:
    """Return the callable that an area above offers under this name, or None where no installed area does."""
    path = _merged("hooks").get(name)
    found: Callable[..., Any] | None = import_string(path) if path else None
    return found


def _merged(attribute: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for area in areas():
        announced = getattr(area, attribute)
        if twice := merged.keys() & announced.keys():
            raise ImproperlyConfigured(f"Two areas announce '{min(twice)}' in `{attribute}`.")
        merged |= announced
    return merged
