"""Change requests for tests."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.uploads.checking import check
from core.uploads.models import attach
from policies.change_requests import drafting, opening
from policies.change_requests.forms import Item
from policies.change_requests.registry import kind_of
from policies.models import ChangeRequest, ChangeRequestFile, Insured, Policy
from tests.book import days
from tests.uploads import an_image, uploaded


def a_change(user: User, policy: Policy, kind: str = "other", *, items: list[Item] | None = None, **fields: Any) -> Any:
    """Return a request that the user has sent."""
    membership = opening.membership_for(user, policy)
    assert membership is not None
    answers = Item(answers={"subject": "Fax"}, shown=[["What should change, in a few words", "Our fax number"]])
    given: dict[str, Any] = {"about": "Our fax number", "items": items or [answers], "key": uuid.uuid4()} | fields
    return opening.open_request(user=user, membership=membership, policy=policy, kind=kind, **given)[0]


def a_draft(user: User, policy: Policy, kind: str = "other", **typed: str) -> ChangeRequest:
    """Return a draft of the user's."""
    membership, of_kind = opening.membership_for(user, policy), kind_of(kind)
    assert membership is not None
    assert of_kind is not None
    values = {name: [value] for name, value in typed.items()}
    return drafting.start(
        user=user, membership=membership, policy=policy, kind=of_kind, key=uuid.uuid4(), typed=values
    )[0]


def a_file(asked: ChangeRequest) -> ChangeRequestFile:
    """Return a file of a request."""
    attached: ChangeRequestFile = attach(asked.files, check(uploaded("lease.png", an_image())), by=asked.user)
    return attached


def new_page(policy: Policy, kind: str) -> str:
    """Return the address of a new request."""
    return reverse("policies:change-new", args=[policy.public_id]) + f"?kind={kind}"


def page(asked: ChangeRequest, name: str = "change") -> str:
    """Return the address of one of a request's pages."""
    return reverse(f"policies:{name}", args=[asked.public_id])


def begin(browser: Client, policy: Policy, kind: str, *, intent: str = "continue", **typed: Any) -> Any:
    """Send the form of a kind."""
    return browser.post(new_page(policy, kind), {"idempotency_key": str(uuid.uuid4()), "intent": intent, **typed})


def leave_of(insured: Insured, *, starts: int = 10, ends: int = 70, **more: Any) -> dict[str, Any]:
    """Return the answers to the questions of a leave."""
    typed = {"insured": insured.public_id, "effective": days(starts).isoformat(), "until": days(ends).isoformat()}
    return typed | {"reason": "parental", "works": "no"} | more


def send(browser: Client, draft: ChangeRequest, **typed: Any) -> Any:
    """Press the button of the review page, with what its form holds."""
    shown = browser.get(page(draft, "change-review"))
    assert shown.status_code == 200, shown
    form = shown.context["form"]
    return browser.post(page(draft, "change-review"), form.initial | typed)
