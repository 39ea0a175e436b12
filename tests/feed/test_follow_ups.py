"""What follows from a load in the policies area: history of status, messages to other areas, accounts taken over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from core.models import Event, OutboxMessage
from feed.models import Run, Source
from policies.models import Agency, Contact, Coverage, Membership, Policy, Policyholder, PolicyStatus
from policies.models.reach import forget
from policies.rights import capabilities
from policies.roles import Capability, giveable
from tests.book import delegate_of
from tests.factories import UserFactory
from tests.feed.packages import Book, errors, load, small_book, warnings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_guard(settings: Settings) -> None:
    settings.FEED_RETIRE_SHARE = settings.FEED_CANCEL_SHARE = 1


def cancelled(book: Book) -> Book:
    """Return the book with its policy cancelled."""
    book["policies.csv"][0] |= {
        "status": "cancelled", "status_date": "2026-10-01", "status_reason": "Non-payment of premium",
        "cancellation_effective": "2026-10-01",
    }  # fmt: skip
    return book


def messages() -> list[tuple[str, dict[str, Any]]]:
    """Topics and payloads in the outbox."""
    return list(OutboxMessage.objects.order_by("id").values_list("topic", "payload"))


# History.


def test_the_history_of_a_policy_s_status_begins_with_the_first_load(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    assert list(PolicyStatus.objects.values_list("status", "reason")) == [("active", "")]


def test_a_change_of_status_is_added_to_the_history(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    load(tmp_path, cancelled(small_book()), sequence=2)
    load(tmp_path, cancelled(small_book()), sequence=3)
    history = Policy.objects.get().status_history.values_list("status", "reason")
    assert list(history) == [("cancelled", "Non-payment of premium"), ("active", "")]


# Messages, from transitions only.


def test_a_first_load_publishes_nothing(tmp_path: Path) -> None:
    book = cancelled(small_book())
    book["coverages.csv"][0]["ended_reason"] = "Left the group"
    load(tmp_path, book)
    assert messages() == []


def test_a_cancellation_is_published_once(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, cancelled(small_book()), sequence=2)
    load(tmp_path, cancelled(small_book()), sequence=3)

    policy = Policy.objects.get()
    assert messages() == [
        (
            "policy.cancelled",
            {
                "policy": policy.public_id, "was": "active", "status_date": "2026-10-01",
                "cancellation_effective": "2026-10-01", "run": run.pk,
            },
        )
    ]  # fmt: skip


def test_a_second_cancellation_after_a_reinstatement_is_published_again(tmp_path: Path) -> None:
    for sequence, book in enumerate([small_book(), cancelled(small_book())] * 2, start=1):
        load(tmp_path, book, sequence=sequence)
    assert [topic for topic, _ in messages()] == ["policy.cancelled", "policy.reinstated", "policy.cancelled"]


def test_changed_limits_and_an_ended_coverage_are_published(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = small_book()
    book["coverages.csv"][0]["limit_aggregate"] = "4000000.00"
    book["coverages.csv"][1] |= {"expires": "2026-09-01", "ended_reason": "Left the group"}
    load(tmp_path, book, sequence=2)

    first, second = Coverage.objects.order_by("external_id")
    told = dict(messages())
    assert told["coverage.limits_changed"]["coverage"] == first.public_id
    assert told["coverage.limits_changed"]["was"] == ["1000000.00", "3000000.00"]
    assert told["coverage.limits_changed"]["limits"] == ["1000000.00", "4000000.00"]
    assert told["coverage.ended"]["coverage"] == second.public_id
    assert told["coverage.ended"]["expires"] == "2026-09-01"
    assert len(told) == OutboxMessage.objects.count() == 2


def test_a_load_that_is_rolled_back_publishes_nothing(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    load(tmp_path, cancelled(small_book()), sequence=2, dry_run=True)
    assert messages() == []


# Accounts that are taken over (S-08).


def with_account(book: Book, username: str = "rae", **values: str) -> Book:
    """Return the book whose contact had an account."""
    book["contacts.csv"][0] |= {"username": username, **values}
    return book


def test_a_contact_s_account_is_created_without_a_password_and_acts_for_the_party(tmp_path: Path) -> None:
    run = load(tmp_path, with_account(small_book(), "Rae.Office", capabilities="view_claims_history"))

    assert warnings(run) == []
    user = User.objects.get()
    assert (user.username, user.email, user.get_full_name()) == ("Rae.Office", "rae@group.example", "Rae Office")
    assert not user.has_usable_password()
    assert (user.is_active, user.is_staff) == (True, False)
    membership = user.memberships.get()
    assert (membership.role, membership.policyholder) == ("policyholder", Policyholder.objects.get())
    assert membership.contact == Contact.objects.get()
    assert (membership.administrator, membership.capabilities) == (True, ["view_claims_history"])
    assert list(Policy.objects.visible_to(user)) == [Policy.objects.get()]
    event = Event.objects.get(tag="policies:membership:granted")
    assert (event.on_behalf_of_id, event.subject_id) == (user.pk, str(membership.pk))
    assert event.data == {
        "role": "policyholder",
        "party": f"policies.policyholder:{membership.policyholder_id}",
        "administrator": True,
        "capabilities": ["view_claims_history"],
        "named_only": True,
        "starts": membership.starts.isoformat(),
        "ends": None,
        "reason": "carrier feed",
        "run": run.pk,
    }
    made = Event.objects.get(tag="account:user:created")
    assert (made.on_behalf_of_id, made.data) == (user.pk, {"reason": "carrier feed", "run": run.pk})


def test_a_contact_of_an_agency_becomes_an_agent(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), party="agency", party_id="A1", role="member"))
    membership = Membership.objects.get()
    assert (membership.role, membership.agency, membership.administrator) == ("agent", Agency.objects.get(), False)


def test_loading_again_does_not_create_a_second_account(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    load(tmp_path, with_account(small_book(), phone="(518) 555-0100"), sequence=2)
    assert (User.objects.count(), Membership.objects.count()) == (1, 1)


def test_a_changed_role_and_capabilities_are_followed(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    load(tmp_path, with_account(small_book(), role="member", capabilities="view_claims_history"), sequence=2)
    membership = Membership.objects.get()
    assert (membership.administrator, membership.capabilities) == (False, ["view_claims_history"])
    event = Event.objects.get(tag="policies:membership:changed")
    said = {name: event.data[name] for name in membership.facts()}
    assert said == membership.facts(), "the carrier's data records the same as a person's change"
    assert (said["administrator"], said["capabilities"]) == (False, ["view_claims_history"])


ENDINGS = {
    "retired": {"contact_id": "CT2", "username": ""},
    "without a username": {"username": ""},
    "another user": {"username": "somebody.else"},
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_contact_that_no_longer_qualifies_loses_access_at_once(name: str, tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    user = User.objects.get(username="rae")
    assert Policy.objects.visible_to(user).exists()

    load(tmp_path, with_account(small_book(), **{"username": "rae", **ENDINGS[name]}), sequence=2)

    assert user.memberships.get().revoked_at is not None
    assert not Policy.objects.visible_to(user).exists()
    assert Event.objects.get(tag="policies:membership:revoked").on_behalf_of_id == user.pk


def test_someone_who_registered_as_the_contact_keeps_access_when_the_carrier_adds_a_username(tmp_path: Path) -> None:
    book = small_book()
    username = book["contacts.csv"][0]["username"]
    book["contacts.csv"][0]["username"] = ""
    load(tmp_path, book)
    contact = Contact.objects.get(external_id=book["contacts.csv"][0]["contact_id"])
    registered = UserFactory.create(username="chosen.by.herself")
    party = {"policyholder": contact.policyholder, "agency": contact.agency}
    role = "policyholder" if contact.policyholder else "agent"
    membership = Membership.objects.create(user=registered, role=role, contact=contact, **party)
    book["contacts.csv"][0]["username"] = username
    load(tmp_path, book, sequence=2)
    membership.refresh_from_db()
    assert membership.revoked_at is None
    assert not User.objects.filter(username=username).exists()


def test_a_contact_that_moved_to_another_party_acts_for_that_one_only(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    load(tmp_path, with_account(small_book(), party="agency", party_id="A1"), sequence=2)
    user = User.objects.get()
    assert user.memberships.get(role="policyholder").revoked_at is not None
    assert user.memberships.get(role="agent").revoked_at is None


def test_a_contact_that_comes_back_has_a_new_membership(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    load(tmp_path, {"contacts.csv": []}, sequence=2)
    load(tmp_path, with_account(small_book()), sequence=3)
    user = User.objects.get()
    assert user.memberships.filter(revoked_at=None).count() == 1
    assert user.memberships.count() == 2


# What a person decided outlasts the feed.


def revoked_by_hand(user: User) -> Membership:
    """Return the user's only membership, which support has ended."""
    membership = user.memberships.get()
    membership.revoke(by=UserFactory.create(username="support", is_staff=True), reason="the practice called")
    return membership


def test_access_that_staff_revoked_does_not_come_back_with_a_changed_contact(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae = User.objects.get(username="rae")
    membership = revoked_by_hand(rae)

    run = load(tmp_path, with_account(small_book(), phone="(518) 555-0100"), sequence=2)

    assert (run.status, warnings(run)) == (
        Run.Status.APPLIED,
        [("contacts.csv", 2, "username", "access-revoked")],
    )
    assert run.findings.get().sentence == "Staff revoked this access, so it wasn't granted again."
    assert list(rae.memberships.all()) == [membership]
    assert (membership.ended_by, membership.revoked_by) == ("person", User.objects.get(username="support"))
    assert not Policy.objects.visible_to(rae).exists()


def test_access_that_staff_revoked_does_not_come_back_when_a_release_stores_more(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), phone="(518) 555-0100"))
    rae = User.objects.get(username="rae")
    revoked_by_hand(rae)
    # A release with one more stored column: its rows are empty, and the same package is applied once more.
    Contact.objects.update(phone="")
    Source.objects.update(fingerprint="that of an earlier release")

    run = load(tmp_path, with_account(small_book(), phone="(518) 555-0100"))

    assert (run.status, run.total("updated")) == (Run.Status.APPLIED, 1)
    assert not rae.memberships.filter(revoked_at=None).exists()


def test_access_that_staff_revoked_does_not_come_back_with_the_contact_or_by_another_one(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae = User.objects.get(username="rae")
    revoked_by_hand(rae)

    load(tmp_path, {"contacts.csv": []}, sequence=2)
    back = load(tmp_path, with_account(small_book()), sequence=3)
    other = load(tmp_path, with_account(small_book(), contact_id="CT2"), sequence=4)

    assert [warning[3] for warning in warnings(back) + warnings(other)] == ["access-revoked"] * 2
    assert rae.memberships.count() == 1


def test_a_contact_whose_access_was_revoked_gets_no_new_account_under_another_username(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    revoked_by_hand(User.objects.get(username="rae"))
    run = load(tmp_path, with_account(small_book(), "rae.again"), sequence=2)
    assert [warning[3] for warning in warnings(run)] == ["access-revoked"]
    assert not User.objects.filter(username="rae.again").exists()


def test_access_that_staff_grant_again_by_hand_stays_without_a_warning(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae = User.objects.get(username="rae")
    revoked_by_hand(rae)
    again = Membership.objects.create(user=rae, role="policyholder", policyholder=Policyholder.objects.get())
    run = load(tmp_path, with_account(small_book(), phone="(518) 555-0100"), sequence=2)
    assert warnings(run) == []
    assert list(rae.memberships.filter(revoked_at=None)) == [again]


def kept_by_hand(user: User, **fields: Any) -> Membership:
    """Return the user's only membership, as support changed it in admin."""
    user.memberships.update(kept_by_hand=True, **fields)
    return user.memberships.get()


def test_access_that_staff_narrowed_stays_narrow_when_the_contact_changes(tmp_path: Path) -> None:
    book = with_account(small_book(), capabilities="view_claims_history")
    load(tmp_path, book)
    membership = kept_by_hand(User.objects.get(), administrator=False, capabilities=[])

    load(tmp_path, with_account(book, phone="(518) 555-0100"), sequence=2)

    membership.refresh_from_db()
    assert (membership.administrator, membership.capabilities) == (False, [])
    assert not Event.objects.filter(tag="policies:membership:changed").exists()


def test_rights_the_carrier_removes_are_also_removed_from_a_membership_changed_by_hand(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), capabilities="view_claims_history"))
    membership = kept_by_hand(User.objects.get(), capabilities=["view_claims_history", "pay"])

    load(tmp_path, with_account(small_book(), role="member", capabilities=""), sequence=2)

    membership.refresh_from_db()
    assert (membership.administrator, membership.capabilities) == (False, ["pay"])


def test_named_capabilities_are_all_that_a_contact_has_and_none_named_are_all_but_one(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae, policy = User.objects.get(), Policy.objects.get()
    by_the_role = capabilities(rae, policy)
    assert Capability.PAY in by_the_role
    assert Capability.VIEW_CLAIMS_HISTORY not in by_the_role

    load(tmp_path, with_account(small_book(), capabilities="view_claims_history;view_billing"), sequence=2)

    forget(rae.pk)
    assert capabilities(rae, policy) == {Capability.VIEW_CLAIMS_HISTORY, Capability.VIEW_BILLING}
    assert giveable(rae.memberships.get()) == [Capability.VIEW_CLAIMS_HISTORY, Capability.VIEW_BILLING]
    load(tmp_path, with_account(small_book()), sequence=3)
    forget(rae.pk)
    assert capabilities(rae, policy) == by_the_role


def test_naming_a_contact_s_capabilities_narrows_a_membership_kept_by_hand(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    kept_by_hand(User.objects.get(), administrator=False)
    load(tmp_path, with_account(small_book(), capabilities="pay;view_claims_history"), sequence=2)
    membership = Membership.objects.get()
    assert (membership.named_only, membership.capabilities) == (True, ["pay"]), "the history was never open"


def test_a_membership_kept_by_hand_that_the_feed_ended_is_not_granted_again_as_it_was_before(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae = User.objects.get()
    kept_by_hand(rae, administrator=False)
    load(tmp_path, {"contacts.csv": []}, sequence=2)
    run = load(tmp_path, with_account(small_book()), sequence=3)
    assert [warning[3] for warning in warnings(run)] == ["access-changed"]
    assert (rae.memberships.get().ended_by, rae.memberships.count()) == ("feed", 1)


def test_a_username_that_someone_else_chose_is_not_handed_over(tmp_path: Path) -> None:
    stranger = UserFactory.create(username="RAE", email="stranger@people.example")

    run = load(tmp_path, with_account(small_book()))

    assert run.status == Run.Status.APPLIED
    assert warnings(run) == [("contacts.csv", 2, "username", "username-taken")]
    assert not stranger.memberships.exists()
    assert User.objects.count() == 1


def test_an_account_with_the_contact_s_email_belongs_to_the_contact(tmp_path: Path) -> None:
    own = UserFactory.create(username="rae", email="Rae@Group.example")
    load(tmp_path, with_account(small_book()))
    assert own.memberships.get().policyholder == Policyholder.objects.get()


def test_an_account_whose_email_nobody_confirmed_is_not_handed_over(tmp_path: Path) -> None:
    stranger = UserFactory.create(username="rae", email="rae@group.example", email_confirmed_at=None)
    run = load(tmp_path, with_account(small_book()))
    assert warnings(run) == [("contacts.csv", 2, "username", "username-taken")]
    assert "unconfirmed email" in run.findings.get().sentence
    assert not stranger.memberships.exists()


def test_an_account_without_an_email_does_not_match_a_contact_without_one(tmp_path: Path) -> None:
    stranger = UserFactory.create(username="rae", email="")
    run = load(tmp_path, with_account(small_book(), email=""))
    assert [warning[3] for warning in warnings(run)] == ["missing", "username-taken"]
    assert not stranger.memberships.exists()


def test_an_account_the_feed_created_is_used_for_the_same_person_at_another_party(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    book = with_account(small_book())
    book["contacts.csv"].append(book["contacts.csv"][0] | {"contact_id": "CT2", "party": "agency", "party_id": "A1"})
    run = load(tmp_path, book, sequence=2)
    assert warnings(run) == []
    assert sorted(User.objects.get().memberships.values_list("role", flat=True)) == ["agent", "policyholder"]


def test_an_account_the_feed_created_is_not_handed_over_after_its_email_changed(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    User.objects.update(email="boss@group.example")
    book = with_account(small_book())
    book["contacts.csv"].append(
        book["contacts.csv"][0]
        | {"contact_id": "CT2", "party": "agency", "party_id": "A1", "email": "boss@group.example"}
    )
    run = load(tmp_path, book, sequence=2)
    assert [warning[3] for warning in warnings(run)] == ["username-taken"]
    assert User.objects.get().memberships.get().role == "policyholder"


def test_a_username_that_grows_when_it_is_folded_is_a_finding_of_its_row(tmp_path: Path) -> None:
    # One letter that stands for eighteen.
    run = load(tmp_path, with_account(small_book(), "\ufdfa" * 150))
    assert (run.status, errors(run)) == (Run.Status.REFUSED, [("contacts.csv", 2, "username", "form")])


def test_an_account_of_staff_is_never_made_a_member(tmp_path: Path) -> None:
    stan = UserFactory.create(username="rae", email="rae@group.example", is_staff=True)
    run = load(tmp_path, with_account(small_book()))
    assert [warning[3] for warning in warnings(run)] == ["username-taken"]
    assert not stan.memberships.exists()


def test_an_account_without_an_email_cannot_be_taken_over(tmp_path: Path) -> None:
    run = load(tmp_path, with_account(small_book(), email=""))
    assert [warning[3] for warning in warnings(run)] == ["missing", "no-email"]
    assert not User.objects.exists()


def test_one_person_may_act_for_two_parties(tmp_path: Path) -> None:
    book = with_account(small_book())
    book["contacts.csv"].append(
        book["contacts.csv"][0] | {"contact_id": "CT2", "party": "agency", "party_id": "A1", "username": "Rae"}
    )
    load(tmp_path, book)
    assert sorted(User.objects.get().memberships.values_list("role", flat=True)) == ["agent", "policyholder"]


def test_two_contacts_with_one_username_are_one_person_only_if_they_share_an_email(tmp_path: Path) -> None:
    book = with_account(small_book())
    book["contacts.csv"].append(
        book["contacts.csv"][0]
        | {"contact_id": "CT2", "party": "agency", "party_id": "A1", "email": "other@agency.example"}
    )
    run = load(tmp_path, book)
    assert [warning[3] for warning in warnings(run)] == ["username-taken"]
    assert User.objects.get().memberships.get().role == "policyholder"


def two_people(first: str, second: str) -> Book:
    """Return the book with two contacts of one practice, each with the username given and its email."""
    book = with_account(small_book(), first, email=f"{first}@group.example")
    other = {"contact_id": "CT2", "username": second, "email": f"{second}@group.example"}
    book["contacts.csv"].append(book["contacts.csv"][0] | other)
    return book


def who_acts() -> list[tuple[str, str]]:
    """Return (contact, username) of each membership."""
    current = Membership.objects.filter(revoked_at=None).order_by("contact__external_id")
    return list(current.values_list("contact__external_id", "user__username"))


def test_two_contacts_that_swap_their_usernames_both_keep_access(tmp_path: Path) -> None:
    load(tmp_path, two_people("ana", "bo"))
    run = load(tmp_path, two_people("bo", "ana"), sequence=2)
    assert (warnings(run), who_acts()) == ([], [("CT1", "bo"), ("CT2", "ana")])


def test_a_username_that_its_contact_gives_up_is_the_other_contact_s_that_names_it(tmp_path: Path) -> None:
    load(tmp_path, two_people("ana", "bo"))
    load(tmp_path, two_people("bo", "bo"), sequence=2)
    assert who_acts() == [("CT2", "bo")]

    run = load(tmp_path, two_people("bo", "cy"), sequence=3)

    assert (warnings(run), who_acts()) == ([], [("CT1", "bo"), ("CT2", "cy")])


def test_what_an_administrator_gave_ends_with_the_contact(tmp_path: Path) -> None:
    """The delegate's end is recorded as the giver's is."""
    load(tmp_path, with_account(small_book()))
    given = delegate_of(Membership.objects.get(), UserFactory.create(username="dana"))
    load(tmp_path, with_account(small_book(), username=""), sequence=2)
    given.refresh_from_db()
    assert (given.revoked_at is not None, given.ended_by) == (True, "feed")
    assert Event.objects.filter(tag="policies:membership:revoked", on_behalf_of_id=given.user_id).exists()
