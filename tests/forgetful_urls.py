"""The portal's addresses, and one whose view asks nobody who is there."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal.urls import urlpatterns as portal_urls


def forgetful(request: HttpRequest) -> HttpResponse:
    """Answer everyone who gets here."""
    return HttpResponse("what nobody should read")


urlpatterns = [*portal_urls, path("forgetful/", forgetful, name="forgetful")]
