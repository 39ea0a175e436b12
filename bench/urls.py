"""The portal's addresses and two more: an empty signed-in page, and bare, which bounds every page from below."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from bench import bare
from portal.urls import urlpatterns as portal_urls


def empty(request: HttpRequest) -> HttpResponse:
    """Return the base layout, and nothing on it."""
    return render(request, "base.html")


urlpatterns = [
    path("bench/bare/", bare.page, name="bench-bare"),
    path("bench/empty/", empty, name="bench-empty"),
    *portal_urls,
]
