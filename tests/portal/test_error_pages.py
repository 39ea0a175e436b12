"""Pages for what goes wrong: plain words, a way on, and no more than they need to know."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connections
from django.test import Client, RequestFactory
from django.urls import path

from portal import faults
from portal.urls import urlpatterns as portal_urls
from tests.reading import links, words


def broken(request):
    raise RuntimeError("secret detail")


def denied(request):
    raise PermissionDenied("secret detail")


def suspicious(request):
    raise SuspiciousOperation("secret detail")


urlpatterns = [
    *portal_urls,
    path("broken/", broken, name="home-broken"),
    path("denied/", denied, name="denied"),
    path("suspicious/", suspicious, name="suspicious"),
]
handler400 = "portal.faults.bad_request"
handler500 = "portal.faults.server_error"


@pytest.fixture
def _odd_addresses(settings):
    settings.ROOT_URLCONF = "tests.portal.test_error_pages"
    settings.PUBLIC_URL_NAMES = settings.PUBLIC_URL_NAMES | {"home-broken", "denied", "suspicious"}


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_odd_addresses")]


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/no/such/page/", 404, "Page not found"),
        ("/denied/", 403, "You don’t have access to this page"),
        ("/suspicious/", 400, "We couldn’t process that request"),
        ("/broken/", 500, "Something went wrong on our side"),
    ],
)
def test_each_fault_has_its_page_with_a_way_on_and_no_detail(cast, browse, address, status, sentence):
    for client in (Client(raise_request_exception=False), browse(cast.ana)):
        client.raise_request_exception = False
        response = client.get(address)
        assert response.status_code == status
        assert sentence in words(response)
        assert "/" in links(response)
        assert "secret detail" not in response.content.decode()
        assert "Traceback" not in response.content.decode()


def test_the_page_of_a_fault_asks_nothing_of_what_may_be_broken(monkeypatch, caplog):
    def unreachable(*args, **kwargs):
        raise AssertionError("the page of a fault asked the database")

    for connection in connections.all():
        monkeypatch.setattr(connection, "cursor", unreachable)
    monkeypatch.setattr("django.templatetags.static.StaticNode.handle_simple", unreachable)
    with caplog.at_level(logging.ERROR):
        response = faults.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Web support: (860) 555-0140" in words(response)
    assert b'href="/static/css/site.css"' in response.content
