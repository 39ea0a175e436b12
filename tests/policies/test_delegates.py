"""Delegates: an administrator gives a colleague access, changes it, and ends it (docs/security.md#delegates)."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.core import mail as sent
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session, User
from accounts.services import locks
from core.mail import deliver
from core.models import Event, Mail
from credentialing.models import Certificate
from policies.delegates import giving
from policies.models import Invitation, Membership, Policy, reach_of
from policies.rights import capabilities, holds
from policies.roles import BASE, RULES, Capability, giveable
from tests.book import PolicyholderFactory, days, delegate_of, holder_of, invite_to
from tests.cast import browser_of
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once, give_password_only, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

ISSUE, BILLING = Capability.ISSUE_CERTIFICATE, Capability.VIEW_BILLING
NEW = "quiet-otter-parade"


@pytest.fixture(autouse=True)
def _mail(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def place(cast) -> Membership:
    """Return Paula's own membership, an administrator's."""
    return cast.paula.memberships.get()


@pytest.fixture
def paula(cast) -> Client:
    return browser_of(cast.paula)


@pytest.fixture
def dana(db) -> User:
    return UserFactory.create(username="dana", first_name="Dana", last_name="Whitfield")


def url(name: str, place: Membership, *more: str) -> str:
    return reverse(f"policies:access-{name}", args=[place.public_id, *more])


def mail_out() -> None:
    for each in Mail.objects.filter(status="queued"):
        deliver(each.pk)


def link_to(email: str) -> str:
    """Return the path of the newest link that was mailed to this address."""
    mail_out()
    bodies = [str(each.body) for each in sent.outbox if each.to == [email]]
    return next(line for line in bodies[-1].splitlines() if "/access/link/" in line).removeprefix(
        "http://localhost:8000"
    )


def opened(client: Client, invitation: Invitation) -> Client:
    """Open the mailed link in this browser."""
    assert client.get(link_to(invitation.email)).url == reverse("policies:invitation")
    return client


def form(**typed: object) -> dict[str, object]:
    who = {"first_name": "Dana", "last_name": "Whitfield", "email": "dana@clinic.example"}
    return {**who, "capabilities": [ISSUE], "idempotency_key": str(uuid.uuid4()), **typed}


# Inviting.


def test_an_administrator_invites_a_colleague_with_chosen_capabilities(cast, place, paula):
    page = words(paula.get(url("invite", place)))
    assert RULES[ISSUE].allows.removesuffix(".") in page
    assert RULES[Capability.NAME_DELEGATES].allows.removesuffix(".") not in page
    response = paula.post(url("invite", place), form())
    assert response.url == url("party", place)
    invitation = Invitation.objects.get()
    assert (invitation.given_under, invitation.invited_by, invitation.capabilities) == (place, cast.paula, [ISSUE])
    assert invitation.expires_at - invitation.mailed_at == dt.timedelta(days=7)
    event = Event.objects.get(tag="policies:invitation:made")
    assert (event.actor_id, event.data["capabilities"]) == (cast.paula.pk, [ISSUE])
    page = words(paula.get(url("party", place)))
    assert "Dana Whitfield dana@clinic.example" in page
    assert RULES[ISSUE].allows in page


def test_the_invitations_mail_names_nobody_and_keeps_no_token(cast, place):
    invitation = invite_to(place)
    assert Mail.objects.get(name="invitation").context == {"invitation": invitation.public_id, "mailing": 1}
    path = link_to(invitation.email)
    invitation.refresh_from_db()
    assert len(invitation.token_hash) == 64
    assert invitation.token_hash not in path
    for name in ("Paula", "Dana", "Whitfield", "Riverbend"):
        assert name not in str(sent.outbox[-1].body), name


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "nobody"}, "Enter an email"),
        ({"first_name": " "}, "Enter their first name"),
        ({"capabilities": ["everything"]}, "Select only what you can do yourself"),
        ({"capabilities": [Capability.NAME_DELEGATES]}, "Select only what you can do yourself"),
    ],
)
def test_a_faulty_invitation_is_refused_and_what_was_typed_is_kept(place, paula, typed, field):
    response = paula.post(url("invite", place), form(**typed))
    assert response.status_code == 422
    assert field in words(response)
    assert 'value="Whitfield"' in response.content.decode()
    assert not Invitation.objects.exists()


def test_nobody_gives_more_than_they_have(place, paula):
    """Paula was granted no claims history: she can't give it, by the form or past it."""
    assert Capability.VIEW_CLAIMS_HISTORY not in giveable(place)
    assert paula.post(url("invite", place), form(capabilities=["view_claims_history"])).status_code == 422
    with pytest.raises(ValueError, match="view_claims_history"):
        invite_to(place, capabilities=["view_claims_history"])
    place.capabilities = ["view_claims_history"]
    place.save()
    assert paula.post(url("invite", place), form(capabilities=["view_claims_history"])).status_code == 302


def test_the_same_form_twice_invites_once(place, paula):
    sending = form()
    for _ in range(2):
        assert paula.post(url("invite", place), sending).status_code == 302
    assert Invitation.objects.count() == 1
    assert Mail.objects.filter(name="invitation").count() == 1


def test_a_person_is_invited_once_and_not_while_they_have_access(cast, place, paula, dana):
    invite_to(place)
    assert "was invited already" in words(paula.post(url("invite", place), form(email="DANA@clinic.example")))
    delegate_of(place, dana)
    assert "has access already" in words(paula.post(url("invite", place), form(email=dana.email.upper())))
    assert Invitation.objects.count() == 1


def test_an_administrator_sends_20_invitations_a_day(place, paula, settings):
    for number in range(20):
        assert paula.post(url("invite", place), form(email=f"{number}@clinic.example")).status_code == 302
    response = paula.post(url("invite", place), form(email="one-more@clinic.example"))
    assert response.status_code == 429
    assert 'value="one-more@clinic.example"' in response.content.decode()
    again = Invitation.objects.first()
    assert again is not None
    paula.post(url("send-again", place, again.public_id))
    again.refresh_from_db()
    assert again.mailings == 1


@pytest.mark.parametrize("name", ["invite", "member", "end", "send-again", "withdraw"])
def test_every_change_asks_for_a_code_of_the_last_20_minutes(cast, place, dana, name):
    more = {"invite": []}.get(name, [delegate_of(place, dana).public_id])
    if name in {"send-again", "withdraw"}:
        more = [invite_to(place).public_id]
    client = Client()
    sign_in(client, cast.paula, verified_at=timezone.now() - dt.timedelta(minutes=21))
    before = Event.objects.count()
    assert client.post(url(name, place, *more), form()).url.startswith(reverse("accounts:verify"))
    assert Event.objects.count() == before


# Accepting.


def test_a_colleague_without_an_account_gets_one_and_a_second_factor_in_one_visit(cast, place, client):
    invitation = invite_to(place, capabilities=[ISSUE])
    opened(client, invitation)
    page = words(client.get(reverse("policies:invitation")))
    assert cast.paula.get_full_name() in page
    assert "Riverbend Medical Group" in page
    assert RULES[ISSUE].allows in page
    answer = client.post(
        reverse("policies:invitation-join"), {"username": "dana", "new_password1": NEW, "new_password2": NEW}
    )
    assert answer.url == reverse("accounts:mfa-setup")
    assert client.get(answer.url).status_code == 200
    assert client.get("/policies/").url.startswith(reverse("accounts:verify"))
    dana = User.objects.get(username="dana")
    assert (dana.email, dana.get_full_name()) == ("dana@clinic.example", "Dana Whitfield")
    assert dana.email_confirmed_at is not None
    membership = dana.memberships.get()
    assert (membership.given_under, membership.granted_by, membership.administrator) == (place, cast.paula, False)
    assert membership.capabilities == [ISSUE]
    assert not dana.is_of_staff


def test_a_colleague_with_an_account_signs_in_and_accepts_with_it(cast, place, dana, client):
    invitation = invite_to(place)
    opened(client, invitation)
    client.post(reverse("accounts:sign-in"), {"username": "dana", "password": PASSWORD})
    assert words(client.get(reverse("policies:invitation"))).count("invites you") == 1, "the sign-in keeps the link"
    held = client.session["brought_along"]
    sign_in(client, dana)
    session = client.session
    session["brought_along"] = held
    session.save()
    assert "Accept as dana" in words(client.get(reverse("policies:invitation")))
    assert client.post(reverse("policies:invitation-accept")).url == "/"
    assert dana.memberships.get().given_under == place
    assert "You have access to Riverbend Medical Group now." in words(client.get("/"))


def test_opening_the_link_changes_nothing_since_mail_scanners_do_it_too(place, client):
    invitation = invite_to(place)
    path = link_to(invitation.email)
    for _ in range(3):
        assert client.get(path).status_code == 302
    assert client.get(path)["Referrer-Policy"] == "no-referrer"
    invitation.refresh_from_db()
    assert invitation.accepted_at is None
    assert not Membership.objects.filter(given_under=place).exists()


def test_a_guessed_token_makes_no_session(client, db):
    before = Session.objects.count()
    client.get(reverse("policies:invitation-link", args=["guess"]))
    assert Session.objects.count() == before
    assert client.get(reverse("policies:invitation")).status_code == 410


@pytest.mark.parametrize(
    "over", ["accepted", "withdrawn", "expired", "sent again", "giver ended", "giver locked", "giver demoted"]
)
def test_an_invitation_that_is_over_opens_nothing(cast, place, client, dana, over):
    invitation = invite_to(place)
    opened(client, invitation)
    if over == "accepted":
        giving.accept(invitation=invitation, user=dana)
    elif over == "withdrawn":
        giving.withdraw(invitation=invitation, by=cast.paula)
    elif over == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    elif over == "sent again":
        giving.resend(invitation=invitation, by=cast.paula)
    elif over == "giver ended":
        place.revoke(by=cast.support, reason="left")
    elif over == "giver locked":
        locks.lock(user=cast.paula, by=cast.support, reason="An intruder may have invited someone.")
        assert Invitation.objects.open().get().has_expired()
    else:
        Membership.objects.filter(pk=place.pk).update(administrator=False)
    for name in ("invitation", "invitation-join"):
        assert client.get(reverse(f"policies:{name}")).status_code == 410, name
    if over != "sent again":
        with pytest.raises(giving.GoneError):
            giving.accept(invitation=invitation, user=UserFactory.create())


def test_a_link_sent_again_works_for_seven_days_more(place, cast, client):
    invitation = invite_to(place)
    old = link_to(invitation.email)
    Invitation.objects.update(expires_at=timezone.now())
    giving.resend(invitation=invitation, by=cast.paula)
    new = link_to(invitation.email)
    client.get(old)
    assert client.get(reverse("policies:invitation")).status_code == 410
    client.get(new)
    assert client.get(reverse("policies:invitation")).status_code == 200


def test_staff_accept_nothing_and_nobody_twice(cast, place, dana):
    invitation = invite_to(place)
    for user, why in ((cast.support, "Staff"), (cast.paula, "access already")):
        with pytest.raises(giving.MayNotGiveError, match=why):
            giving.accept(invitation=invitation, user=user)
    giving.accept(invitation=invitation, user=dana)
    other = invite_to(place, email="else@clinic.example")
    with pytest.raises(giving.MayNotGiveError, match="access already"):
        giving.accept(invitation=other, user=dana)


def test_what_the_giver_lost_meanwhile_is_not_given(cast, place, dana):
    place.capabilities = ["view_claims_history"]
    place.save()
    invitation = invite_to(place, capabilities=["view_claims_history", ISSUE])
    Membership.objects.filter(pk=place.pk).update(capabilities=[])
    assert giving.accept(invitation=invitation, user=dana).capabilities == [ISSUE]


@pytest.mark.django_db(transaction=True)
def test_one_invitation_accepted_twice_at_once_gives_one_membership(transactional_db):
    place = holder_of(UserFactory.create(username="paula"), PolicyholderFactory.create())
    invitation = invite_to(place)
    people = [UserFactory.create(username=name) for name in ("dana", "drew")]

    def accept(user: User) -> bool:
        try:
            giving.accept(invitation=Invitation.objects.get(pk=invitation.pk), user=user)
        except giving.GoneError:
            return False
        return True

    assert sorted(at_once(*(lambda user=user: accept(user) for user in people))) == [False, True]
    assert Membership.objects.filter(given_under=place).count() == 1


# What a delegate may do.


def test_a_delegate_does_what_was_given_and_sees_the_rest(cast, place, dana):
    delegate_of(place, dana, ISSUE)
    assert list(Policy.objects.visible_to(dana)) == [cast.policy]
    assert capabilities(dana, cast.policy) == BASE | {ISSUE}
    assert holds(dana, ISSUE)
    assert not holds(dana, BILLING)
    browser = browser_of(dana)
    assert browser.get(reverse("credentialing:issue", args=[cast.anas.public_id])).status_code == 200
    assert browser.get(reverse("policies:access")).status_code == 403
    dana.memberships.update(capabilities=[])
    assert browser.get(reverse("credentialing:issue", args=[cast.anas.public_id])).status_code == 403
    assert browser.get(cast.policy.get_absolute_url()).status_code == 200


def test_a_delegate_is_offered_nothing_that_was_not_given(cast, place, dana):
    delegate_of(place, dana, BILLING)
    browser = browser_of(dana)
    link = reverse("credentialing:issue", args=[cast.anas.public_id])
    assert link not in browser.get(reverse("credentialing:home")).content.decode()
    assert "Create a certificate" not in words(browser.get("/"))
    dana.memberships.update(capabilities=[ISSUE])
    assert link in browser.get(reverse("credentialing:home")).content.decode()
    assert "Create a certificate" in words(browser.get("/"))


def test_a_delegate_never_has_more_than_the_giver(cast, place, dana):
    place.capabilities = ["view_claims_history"]
    place.save()
    delegate_of(place, dana, "view_claims_history")
    assert Capability.VIEW_CLAIMS_HISTORY in capabilities(dana, cast.policy)
    Membership.objects.filter(pk=place.pk).update(capabilities=[])
    assert Capability.VIEW_CLAIMS_HISTORY not in capabilities(dana, cast.policy)


def test_there_is_no_delegate_of_a_delegate(cast, place, dana):
    given = delegate_of(place, dana, *giveable(place))
    assert Capability.NAME_DELEGATES not in capabilities(dana, cast.policy)
    with pytest.raises(ValidationError, match="administrator's own"):
        delegate_of(given, UserFactory.create())
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(pk=given.pk).update(administrator=True)
    below = delegate_of(place, UserFactory.create())
    Membership.objects.filter(pk=below.pk).update(given_under=given)
    assert not reach_of(below.user)


def test_access_is_given_with_ones_own_party_only(place, dana):
    with pytest.raises(ValidationError, match="same party"):
        Membership.objects.create(
            user=dana,
            role="policyholder",
            policyholder=PolicyholderFactory.create(),
            administrator=False,
            given_under=place,
        )


def test_an_unknown_capability_is_stored_for_nobody(cast, place):
    place.capabilities = ["everything"]
    with pytest.raises(ValidationError, match="no such capability"):
        place.save()


# How it ends.


@pytest.mark.parametrize("how", ["revoked", "its last day", "by the feed"])
def test_what_was_given_ends_with_the_givers_membership(cast, place, dana, how):
    given = delegate_of(place, dana, ISSUE)
    browser = browser_of(dana)
    assert browser.get(cast.policy.get_absolute_url()).status_code == 200
    if how == "revoked":
        place.revoke(by=cast.support, reason="left the practice")
        given.refresh_from_db()
        assert (given.ended_by, given.revoked_by) == ("person", cast.support)
        assert Event.objects.filter(tag="policies:membership:revoked", on_behalf_of_id=dana.pk).exists()
    elif how == "its last day":
        Membership.objects.filter(pk=place.pk).update(ends=days(0))
    else:
        Membership.objects.filter(pk=place.pk).update(revoked_at=timezone.now(), ended_by="feed")
    assert browser.get(cast.policy.get_absolute_url()).status_code == 404


def test_an_administrator_ends_access_and_open_sessions_see_nothing_at_once(cast, place, paula, dana):
    given = delegate_of(place, dana, ISSUE)
    browser = browser_of(dana)
    assert browser.get(cast.policy.get_absolute_url()).status_code == 200
    assert "End access of Dana Whitfield?" in words(paula.get(url("end", place, given.public_id)))
    paula.post(url("end", place, given.public_id))
    given.refresh_from_db()
    assert (given.ended_by, given.revoked_by) == ("person", cast.paula)
    assert browser.get(cast.policy.get_absolute_url()).status_code == 404
    assert not Certificate.objects.visible_to(dana).exists()
    page = words(paula.get(url("party", place)))
    assert "Ended access" in page
    assert cast.paula.get_full_name() in page.partition("Ended access")[2]


def test_a_representative_of_the_feed_can_be_ended_and_an_administrator_can_not(cast, place, paula, dana):
    """Administrators are the carrier's to name and to end: one of them can't lock the others out."""
    representative = holder_of(dana, cast.policy.policyholder, administrator=False)
    second = holder_of(UserFactory.create(username="second"), cast.policy.policyholder)
    for member in (second, place):
        assert paula.post(url("end", place, member.public_id)).status_code == 403
    assert paula.post(url("member", place, representative.public_id), {}).status_code == 403
    assert paula.post(url("end", place, representative.public_id)).status_code == 302
    representative.refresh_from_db()
    assert (representative.ended_by, representative.revoked_by) == ("person", cast.paula)
    second.refresh_from_db()
    assert second.revoked_at is None


def test_changed_capabilities_hold_at_once_and_are_given_by_who_changed_them(cast, place, paula, dana):
    other = holder_of(UserFactory.create(username="second"), cast.policy.policyholder)
    given = delegate_of(other, dana, ISSUE)
    assert paula.post(url("member", place, given.public_id), {"capabilities": [BILLING]}).status_code == 302
    given.refresh_from_db()
    assert (given.capabilities, given.given_under, given.granted_by) == ([BILLING], place, cast.paula)
    assert capabilities(dana, cast.policy) == BASE | {BILLING}
    event = Event.objects.get(tag="policies:membership:changed")
    assert event.data["values"] == {"capabilities": {"from": [ISSUE], "to": [BILLING]}}
    other.revoke(by=cast.support, reason="left")
    given.refresh_from_db()
    assert given.revoked_at is None


def test_nobody_changes_a_delegate_to_more_than_they_have(cast, place, paula, dana):
    given = delegate_of(place, dana, ISSUE)
    response = paula.post(url("member", place, given.public_id), {"capabilities": ["view_claims_history"]})
    assert response.status_code == 422
    given.refresh_from_db()
    assert given.capabilities == [ISSUE]


# Who sees what, and who is told.


def test_the_page_shows_everybody_with_access_and_how_they_came_by_it(cast, place, paula, dana):
    delegate_of(place, dana, ISSUE)
    User.objects.filter(pk=dana.pk).update(last_login=dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC))
    holder_of(UserFactory.create(username="rae", last_name="Rivera"), cast.policy.policyholder, administrator=False)
    gone = holder_of(UserFactory.create(username="gone", last_name="Gone"), cast.policy.policyholder)
    gone.revoke(by=cast.support, reason="left")
    page, _, ended = words(paula.get(url("party", place))).partition("Ended access")
    assert "Dana Whitfield dana Delegate" in page
    assert "Invited by Paula" in page
    assert "Mar 2, 2026" in page
    assert "Rivera rae Representative" in page
    assert "Gone" not in page
    assert "Gone" in ended
    assert "Web support" in ended


def test_administrators_see_their_own_party_only(cast, place, paula, dana):
    theirs = cast.mia.memberships.get(role="policyholder")
    stranger = delegate_of(theirs, dana, ISSUE)
    assert paula.get(url("party", theirs)).status_code == 404
    for name in ("member", "end"):
        assert paula.post(url(name, place, stranger.public_id), {}).status_code == 404
    invitation = invite_to(theirs)
    for name in ("send-again", "withdraw"):
        assert paula.post(url(name, place, invitation.public_id)).status_code == 404
    assert browser_of(cast.ana).get(reverse("policies:access")).status_code == 403


def test_an_agencys_administrator_has_the_same_page(cast, dana):
    place = cast.adam.memberships.get()
    adam = browser_of(cast.adam)
    assert adam.get(reverse("policies:access")).url == url("party", place)
    assert Capability.PAY not in giveable(place)
    adam.post(url("invite", place), form(capabilities=[ISSUE]))
    giving.accept(invitation=Invitation.objects.get(), user=dana)
    assert cast.policy in Policy.objects.visible_to(dana)
    assert capabilities(dana, cast.policy) == BASE | {ISSUE}


def test_every_administrator_hears_about_every_change_and_no_name_is_in_the_mail(cast, place, paula, dana):
    holder_of(UserFactory.create(username="second"), cast.policy.policyholder)
    holder_of(UserFactory.create(username="rae"), cast.policy.policyholder, administrator=False)
    paula.post(url("invite", place), form())
    invitation = Invitation.objects.get()
    paula.post(url("send-again", place, invitation.public_id))
    giving.accept(invitation=invitation, user=dana)
    member = dana.memberships.get()
    paula.post(url("member", place, member.public_id), {"capabilities": [BILLING]})
    paula.post(url("end", place, member.public_id))
    other = invite_to(place, email="else@clinic.example")
    paula.post(url("withdraw", place, other.public_id))
    told = Mail.objects.filter(name="access_changed")
    assert set(told.values_list("to", flat=True)) == {"paula@people.example", "second@people.example"}
    changes = [mail.context["what"] for mail in told.filter(to="second@people.example").order_by("id")]
    assert [what.partition(" ")[0] for what in changes] == ["A", "A", "A", "What", "Someone’s", "A", "An"]
    mail_out()
    for each in sent.outbox:
        assert "Dana" not in str(each.body)
        assert "Riverbend" not in str(each.body)


def test_half_signed_in_browsers_accept_nothing(place, dana, client):
    invitation = invite_to(place)
    opened(client, invitation)
    held = client.session["brought_along"]
    give_password_only(client, dana)
    session = client.session
    session["brought_along"] = held
    session.save()
    assert client.post(reverse("policies:invitation-accept")).url.startswith(reverse("accounts:verify"))
    assert not dana.memberships.exists()


def test_somebody_elses_opened_invitation_does_not_come_along(place, cast, dana, client):
    """Two people at one computer: what the first had opened is not the second's."""
    sign_in(client, cast.mia)
    opened(client, invite_to(place))
    client.post(reverse("accounts:sign-out"))
    client.post(reverse("accounts:sign-in"), {"username": "dana", "password": PASSWORD})
    assert client.get(reverse("policies:invitation")).status_code == 410


# Staff.


def test_access_to_an_agency_waits_for_a_second_member_of_staff(cast, staff, stan, dana):
    """It opens every client's policies: no single member of staff gives it."""
    asked = {"user": dana.pk, "role": "agent", "agency": cast.agency.pk, "starts": str(days(0)), "administrator": "on"}
    assert staff.post("/admin/policies/membership/add/", asked).status_code == 302
    membership = dana.memberships.get()
    assert membership.awaits_approval
    assert not reach_of(dana)
    assert browser_of(dana).get(cast.policy.get_absolute_url()).status_code == 404
    action = {"action": "approve_selected", "_selected_action": [str(membership.pk)]}
    staff.post("/admin/policies/membership/", action)
    membership.refresh_from_db()
    assert membership.awaits_approval, "not by who granted it"
    assert "Memberships waiting for approval" in words(staff.get("/admin/"))
    second = UserFactory.create(username="second", is_staff=True, is_superuser=True)
    browser_of(second).post("/admin/policies/membership/", action)
    membership.refresh_from_db()
    assert (membership.awaits_approval, membership.granted_by, membership.approved_by) == (False, stan, second)
    assert Event.objects.get(tag="policies:membership:approved").actor_id == second.pk
    assert browser_of(dana).get(cast.policy.get_absolute_url()).status_code == 200


def test_staff_end_a_delegate_and_change_nothing_that_was_given(cast, staff, place, dana):
    given = delegate_of(place, dana, ISSUE)
    address = f"/admin/policies/membership/{given.pk}/change/"
    assert staff.post(address, {"administrator": "on", "capabilities": ["view_claims_history"]}).status_code == 302
    given.refresh_from_db()
    assert (given.administrator, given.capabilities) == (False, [ISSUE])
    staff.post("/admin/policies/membership/", {"action": "revoke_selected", "_selected_action": [str(given.pk)]})
    given.refresh_from_db()
    assert given.ended_by == "person"
