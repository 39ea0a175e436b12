"""What areas announce reaches the portal, the feed, and the workers, and contradictions are refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.module_loading import import_string

from core import areas
from core.apps import CoreConfig
from core.areas import AreaConfig, MenuEntry, StaffGroup
from credentialing.apps import CredentialingConfig
from feed.load.table_map import table_maps
from policies.apps import PoliciesConfig
from portal.celery import app as celery_app


def greet(name: str) -> str:
    return f"Hello, {name}"


def test_every_app_of_the_portal_is_an_area_with_a_config_of_its_own() -> None:
    layers = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    floors = [
        [name.strip() for name in layer.split("|")] for layer in reversed(layers) if layer not in {"bench", "demo"}
    ]
    names = [area.name for area in areas.areas()]

    assert sorted(names) == sorted(name for floor in floors for name in floor)
    assert names == sorted(names, key=lambda name: next(n for n, floor in enumerate(floors) if name in floor))
    ours = {app.name for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    assert ours == {*names, "bench", "demo"}


def test_the_menu_and_the_quick_links_are_in_order_and_lead_to_pages() -> None:
    assert [entry.label for entry in areas.menu()][:2] == ["Policies", "Certificates"]
    assert [entry.label for entry in areas.quick_links()][:2] == ["Create a certificate", "Policies"]
    assert all(reverse(entry.url_name) for entry in [*areas.menu(), *areas.quick_links()])


def test_a_new_menu_entry_comes_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CoreConfig, "menu", (MenuEntry("Billing", "home", "receipt", order=15),))

    assert [entry.label for entry in areas.menu()][:3] == ["Policies", "Billing", "Certificates"]


def test_every_dotted_path_that_an_area_announces_exists() -> None:
    for area in areas.areas():
        paths = [area.panels, area.feed_tables, *area.hooks.values()]
        paths += [path for handlers in area.outbox.values() for path in handlers]
        paths += [str(entry["task"]) for entry in area.beat.values()] + list(area.queues)
        for path in filter(None, paths):
            assert import_string(path)


def test_the_feed_fills_the_tables_that_areas_announce(monkeypatch: pytest.MonkeyPatch) -> None:
    assert table_maps()

    for area in areas.areas():
        monkeypatch.setattr(type(area), "feed_tables", "")

    assert table_maps() == ()


def test_celery_runs_what_areas_announce() -> None:
    assert celery_app.conf.beat_schedule == areas.beat_schedule()
    assert celery_app.conf.task_routes == areas.task_routes()
    assert areas.task_routes()["credentialing.tasks.render_certificate"] == {"queue": "documents"}


@pytest.mark.parametrize("attribute", ["beat", "queues", "hooks"])
def test_two_areas_under_one_name_are_refused(attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = {"beat": areas.beat_schedule, "queues": areas.task_routes, "hooks": lambda: areas.hook("x")}[attribute]
    for config in (CoreConfig, PoliciesConfig):
        monkeypatch.setattr(config, attribute, {"x": {"task": "a.b", "schedule": 1.0}})

    with pytest.raises(ImproperlyConfigured, match="Two areas announce 'x'"):
        read()


def test_areas_add_to_a_group_of_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CredentialingConfig, "staff_groups", (StaffGroup("Risk", views=("credentialing.holder",)),))

    [risk] = [group for group in areas.staff_groups() if group.name == "Risk"]

    assert risk.work
    assert {"policies.view_policy", "credentialing.view_holder"} <= risk.codes


def test_a_group_that_nobody_describes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CredentialingConfig, "staff_groups", (StaffGroup("Riskk", views=("credentialing.holder",)),))

    with pytest.raises(ImproperlyConfigured, match="'Riskk'"):
        areas.staff_groups()


def test_a_hook_is_the_callable_of_the_area_that_offers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert areas.hook("greet") is None

    monkeypatch.setattr(CoreConfig, "hooks", {"greet": f"{__name__}.greet"})

    found = areas.hook("greet")
    assert found is not None
    assert found("Ada") == "Hello, Ada"


def test_an_app_that_isnt_an_area_announces_nothing() -> None:
    assert not isinstance(apps.get_app_config("contenttypes"), AreaConfig)
