"""The portal's addresses and one more: an empty signed-in page, which bounds every page from below."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from portal.urls import urlpatterns as portal_urls


def empty(request: HttpRequest) -> HttpResponse:
    """The base layout, and nothing on it."""
    return render(request, "base.html")


urlpatterns = [*portal_urls, path("bench/empty/", empty, name="bench-empty")]
