"""The portal's addresses, and pages that misbehave where staff look at them as a customer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from accounts.models import User
from portal.urls import urlpatterns as portals

bad_request, permission_denied = "django.views.defaults.bad_request", "django.views.defaults.permission_denied"


def writes(request: HttpRequest) -> HttpResponse:
    """Change something on a GET."""
    User.objects.update(city="Written")
    return HttpResponse("written")


def table(request: HttpRequest) -> HttpResponse:
    """Give out data that no browser saves by itself."""
    return HttpResponse("name,number", content_type="text/csv")


def saved(request: HttpRequest) -> HttpResponse:
    """Give out a page that the browser saves as a file."""
    return HttpResponse("<p>saved</p>", headers={"Content-Disposition": 'attachment; filename="page.html"'})


def elsewhere(request: HttpRequest) -> HttpResponse:
    """Lead to a file that another host serves."""
    return HttpResponseRedirect("https://files.example/a.pdf")


def whose(request: HttpRequest) -> HttpResponse:
    """Say who acts and whose page it is."""
    from accounts.guards import subject_of, user_of

    return HttpResponse(f"{user_of(request)} sees {subject_of(request)}'s")


urlpatterns = [
    path("writes/", writes, name="writes"),
    path("table/", table, name="table"),
    path("saved/", saved, name="saved"),
    path("elsewhere/", elsewhere, name="elsewhere"),
    path("whose/", whose, name="whose"),
    *portals,
]
