"""The registry of methods, without the library's own."""

from __future__ import annotations

import sys

import pytest
from django.apps import apps
from two_factor.plugins.registry import registry

from accounts.methods import method_of, methods, register_methods
from accounts.models import PhoneDevice, User
from tests.accounts.people import phone_for
from tests.helpers import authenticator_for


def test_ours_are_the_only_methods() -> None:
    assert [method.code for method in registry.get_methods()] == ["authenticator", "text", "voice", "passkey"]
    register_methods()
    assert [method.code for method in methods()] == ["authenticator", "text", "voice", "passkey"]


def test_the_librarys_forms_and_app_stay_out() -> None:
    assert not apps.is_installed("two_factor")
    assert "two_factor.forms" not in sys.modules


def test_a_method_knows_its_devices(ada: User) -> None:
    app, phone = authenticator_for(ada), phone_for(ada)
    assert [method_of(app).code, method_of(phone).code] == ["authenticator", "text"]
    assert list(methods()[0].get_devices(ada)) == [app]
    assert list(methods()[1].get_devices(ada)) == [phone]


@pytest.mark.django_db
def test_one_users_method_is_not_anothers(ada: User, tess: User) -> None:
    phone_for(tess)
    assert list(methods()[1].get_devices(ada)) == []
    assert PhoneDevice.objects.count() == 1
