"""Where a request to support can come from: pages that ask 'Something missing?', and their facts."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.http import urlencode

from core.urls import address_of


@dataclass(frozen=True, slots=True)
class Place:
    """A page that offers a request. `title` names it in the request, `topic` is the one to begin with, and `question`
    asks what is missing there."""

    title: str
    topic: str
    question: str


PLACES: dict[str, Place] = {
    "policies": Place("Policies", "missing", "Which policy is missing, or what is wrong with one that is listed?"),
    "policy": Place("A policy’s page", "missing", "What is missing or wrong on the policy’s page?"),
    "documents": Place("Documents", "missing", "Which document is missing? Tell us its kind and date if you can."),
    "seminars": Place(
        "Seminar activity", "seminars", "Which seminar is missing? Tell us its title, and when you took it."
    ),
}


def missing_address(place: str, policy_id: str = "") -> str:
    """Return the address of a request about a page, for the tag `something_missing`. Raises KeyError for a page that
    isn't one of `PLACES`."""
    if place not in PLACES:
        raise KeyError(place)
    query = {"place": place, "policy": policy_id}
    return address_of("support-new") + "?" + urlencode({name: value for name, value in query.items() if value})
