"""Home: the landing page of visitors, and what each role is told first (S-05, S-08, S-20, S-21, S-22)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.templatetags.show import day, day_long
from feed.models import Source
from policies.models import Coverage, Membership, Policy, Term
from portal.models import Announcement
from tests.book import AgentOfRecordFactory, CoverageFactory, PolicyFactory, TermFactory, days, holder_of, insured_by
from tests.factories import UserFactory
from tests.helpers import give_password_only
from tests.reading import links, words

pytestmark = pytest.mark.django_db


def heading(response):
    body = response.content.decode()
    return body[body.index("<h1>") + 4 : body.index("</h1>")]


def test_a_visitor_is_told_what_this_is_and_can_sign_in_at_once():
    response = Client().get("/")
    page = response.content.decode()
    assert response.status_code == 200
    assert links(response).count(reverse("accounts:sign-in")) == 1, "at the upper right"
    assert f'action="{reverse("accounts:sign-in")}"' in page
    assert 'name="username"' in page
    assert "autofocus" not in page, "the page is about more than signing in"
    assert "medical liability" in words(response)
    assert "Forgot your" in words(response)
    assert "First time here? Create an account with your policy number." in words(response)
    assert links(response).count(reverse("accounts:register")) == 3, "at the upper right, below the form, in the footer"
    assert "Sign out" not in page
    assert response["Cache-Control"] == "no-store, private"


def test_who_has_given_only_a_password_is_sent_to_the_second_factor():
    client = Client()
    give_password_only(client, UserFactory())
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/verify/")


def test_an_insured_is_told_until_when_she_is_covered_and_can_take_her_certificate(cast, browse):
    response = browse(cast.ana).get("/")
    assert heading(response) == f"Your coverage is in force until {day_long(cast.term.expires)}."
    assert "$1,000,000 per claim $3,000,000 annual aggregate" in words(response)
    assert reverse("credentialing:issue", args=[cast.anas.public_id]) in links(response)
    assert cast.policy.get_absolute_url() in links(response)
    assert "Okafor" not in response.content.decode()
    assert "$184,200" not in response.content.decode()


def test_a_group_lands_on_a_management_view_with_its_count(cast, browse):
    response = browse(cast.paula).get("/")
    assert heading(response) == f"2 insureds are covered until {day_long(cast.term.expires)}."
    page = words(response)
    assert "Policies you manage" in page
    assert "Covered today 2 insureds" in page
    assert "Term premium $184,200 Quarterly" in page
    assert 'action="/policies/"' in response.content.decode(), "find an insured from here"


def test_who_left_is_not_counted_as_covered(cast, browse):
    type(cast.bens).objects.filter(pk=cast.bens.pk).update(expires=days(-1))
    assert heading(browse(cast.paula).get("/")).startswith("1 insured is covered until")


def test_an_individual_lands_on_a_single_person_view(cast, browse):
    response = browse(cast.mia).get("/")
    assert heading(response).startswith("Your coverage is in force until")
    assert "Policies you manage" not in words(response)


def test_a_physician_who_manages_her_group_sees_both(cast, browse):
    holder_of(cast.ana, cast.policy.policyholder)
    page = words(browse(cast.ana).get("/"))
    assert "Your coverage" in page
    assert "Policies you manage" in page


def test_an_agent_sees_the_book_counted_and_what_comes_next(cast, browse):
    def client_policy(number, status, ends, **fields):
        policy = PolicyFactory(number=number, status=status, **fields)
        AgentOfRecordFactory(policy=policy, agency=cast.agency)
        return TermFactory(policy=policy, expires=days(ends))

    cancelling = client_policy(
        "P-CANCELS",
        Policy.Status.PENDING_CANCELLATION,
        200,
        cancellation_effective=days(9),
        cure_amount=Decimal("870.00"),
    )
    ending = client_policy("P-ENDS", Policy.Status.ACTIVE, 20)
    renewed = client_policy("P-RENEWED", Policy.Status.ACTIVE, 30)
    TermFactory(policy=renewed.policy, effective=days(30), expires=days(395))
    offered = client_policy("P-OFFERED", Policy.Status.ACTIVE, 60)
    TermFactory(policy=offered.policy, effective=days(60), expires=days(425), status=Term.Status.OFFERED)
    client_policy("P-LATER", Policy.Status.ACTIVE, 61)
    client_policy("P-GONE", Policy.Status.CANCELLED, 20)
    stranger = PolicyFactory(number="P-OTHER")
    TermFactory(policy=stranger, expires=days(10))

    response = browse(cast.adam).get("/")
    assert heading(response) == "1 of your 6 client policies is pending cancellation."
    book = next(panel for panel in response.context["panels"] if panel.title == "Your clients").context["book"]
    assert (book.in_force, book.pending_cancellation, book.ending) == (6, 1, 3)
    assert [(next_.number, next_.on, next_.renewal) for next_ in book.upcoming] == [
        ("P-CANCELS", days(9), "No renewal yet"),
        ("P-ENDS", days(20), "No renewal yet"),
        ("P-RENEWED", days(30), "Renewal bound"),
        ("P-OFFERED", days(60), "Renewal offered"),
    ]
    page = words(response)
    assert f"Cancellation Due to keep in force {day(days(9))} $870" in page
    assert "P-OTHER" not in page
    assert {cancelling.policy.get_absolute_url(), ending.policy.get_absolute_url()} <= set(links(response))


def test_a_pending_cancellation_comes_first_and_names_the_amount_to_the_policyholder(cast, browse):
    Policy.objects.filter(pk__in=[cast.policy.pk, cast.mias.term.policy.pk]).update(
        status=Policy.Status.PENDING_CANCELLATION, cancellation_effective=days(18), cure_amount=Decimal("1240.00")
    )
    for user, number in ((cast.paula, "MPL-204-118832"), (cast.mia, "MPL-700-000001")):
        response = browse(user).get("/")
        assert heading(response) == f"Policy {number}: in force until cancellation on {day_long(days(18))}."
        assert "$1,240" in words(response)
        assert "tel:+1-860-555-0150" in links(response), "and the way to pay"
    response = browse(cast.ana).get("/")
    assert heading(response) == f"Policy MPL-204-118832: in force until cancellation on {day_long(days(18))}."
    assert "$1,240" not in words(response), "the group's money is not an insured's matter"


def test_whose_policy_has_ended_still_finds_it_and_the_letter(cast, browse):
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.CANCELLED, cancellation_effective=days(-5), status_date=days(-5)
    )
    response = browse(cast.ana).get("/")
    assert heading(response) == f"Cancelled on {day_long(days(-5))}."
    assert "Create letter of past coverage" in words(response)
    assert heading(browse(cast.paula).get("/")) == f"Policy MPL-204-118832: cancelled on {day_long(days(-5))}."


def test_home_tells_who_left_a_group_her_own_end_and_nothing_of_the_groups_affairs(cast, browse):
    Coverage.objects.filter(pk=cast.bens.pk).update(expires=days(-40), ended_reason="Performance")
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.PENDING_CANCELLATION,
        cancellation_effective=days(18),
        cure_amount=Decimal("1240.00"),
        status_reason="Non-payment of premium",
    )
    response = browse(cast.ben).get("/")
    page = words(response)
    assert heading(response) == f"Your coverage ended on {day_long(days(-40))}."
    assert "Create letter of past coverage" in page
    for hidden in ("ancel", "premium", "$1,240", "Performance", day_long(days(18))):
        assert hidden not in page, hidden


def test_an_agents_book_counts_by_the_date_and_not_by_the_word(cast, browse):
    for number, fields in (
        ("B-notice", {"status": "nonrenewed"}),
        ("B-later", {"status": "cancelled", "cancellation_effective": days(5)}),
        ("B-gone", {"status": "cancelled", "cancellation_effective": days(-5)}),
        ("B-unbound", {"status": "pending"}),
    ):
        policy = PolicyFactory(number=number, **fields)
        TermFactory(policy=policy)
        AgentOfRecordFactory(policy=policy, agency=cast.agency)
    response = browse(cast.adam).get("/")
    (panel,) = [panel for panel in response.context["panels"] if panel.title == "Your clients"]
    assert (panel.context["book"].in_force, panel.context["book"].pending_cancellation) == (3, 1)


def test_what_was_revoked_is_gone_at_the_next_request(cast, browse):
    client = browse(cast.ana)
    assert "MPL-204-118832" in words(client.get("/"))
    Membership.objects.get(user=cast.ana).revoke(by=cast.support, reason="left")
    page = words(client.get("/"))
    assert "MPL-204-118832" not in page
    assert "No policy is linked to your account" in page


def test_staff_are_shown_the_way_to_admin(cast, browse):
    response = browse(cast.support).get("/")
    assert reverse("admin:index") in links(response)
    assert "No policy is linked" not in words(response)
    assert reverse("admin:index") not in links(browse(cast.ana).get("/"))


def test_many_policies_are_shown_in_part_those_that_need_a_look_first(cast, browse):
    for serial in range(8):
        TermFactory(
            policy__policyholder=cast.policy.policyholder, policy__number=f"A-{serial}", policy__status="expired"
        )
    response = browse(cast.paula).get("/")
    panel = next(panel for panel in response.context["panels"] if panel.title == "Policies you manage")
    assert panel.context["held"][0].status.policy.number == "MPL-204-118832"
    assert len(panel.context["held"]) == 6
    assert "Show all policies" in words(response)


@pytest.mark.parametrize(
    ("hours", "greeting"),
    [
        (18, "Good morning"),
        (22, "Good afternoon"),
        (24 + 4, "Good evening"),
    ],
)
def test_the_greeting_goes_by_the_users_own_clock(cast, browse, time_machine, hours, greeting):
    """Honolulu is ten hours behind UTC on every day."""
    cast.ana.time_zone = "Pacific/Honolulu"
    cast.ana.save()
    midnight = dt.datetime.combine(days(1), dt.time(), dt.UTC)
    time_machine.move_to(midnight + dt.timedelta(hours=hours, minutes=5), tick=False)
    assert f"{greeting}, Ana" in words(browse(cast.ana).get("/"))


@pytest.mark.parametrize("who", ["ana", "paula", "adam", "mia", "support", "olga"])
def test_home_costs_at_most_twelve_queries(cast, browse, who):
    for serial in range(12):
        policy = PolicyFactory(number=f"Q-{serial}", policyholder=cast.policy.policyholder)
        CoverageFactory(term__policy=policy)
        AgentOfRecordFactory(policy=policy, agency=cast.agency)
    client = browse(getattr(cast, who))
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    assert len(queries) <= 12, [query["sql"][:120] for query in queries.captured_queries]


def test_a_physician_who_manages_her_group_costs_no_more(cast, browse):
    holder_of(cast.ana, cast.policy.policyholder)
    client = browse(cast.ana)
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    assert len(queries) <= 12


# ---- menu, user menu, footer ----


def test_the_menu_holds_what_exists_and_marks_where_one_is(cast, browse):
    client = browse(cast.paula)
    items = {item.label: item for item in client.get(cast.policy.get_absolute_url()).context["site"].menu}
    assert list(items) == ["Home", "Policies", "Certificates", "Holders", "Claims history", "Incidents and claims"]
    assert [item.current for item in items.values()] == ["", "true", "", "", "", ""]
    assert [item.current for item in client.get("/policies/").context["site"].menu] == ["", "page", "", "", "", ""]
    assert [item.current for item in client.get("/").context["site"].menu] == ["page", "", "", "", "", ""]
    for item in items.values():
        assert client.get(item.href).status_code == 200, item.label


def test_staff_who_are_no_customers_have_admin_in_the_menu(cast, browse):
    labels = [item.label for item in browse(cast.support).get("/").context["site"].menu]
    assert labels == ["Home", "Admin"]


def test_sign_out_is_a_form_that_posts(cast, browse):
    body = browse(cast.ana).get("/").content.decode()
    form = body[body.index(f'action="{reverse("accounts:sign-out")}"') - 40 :]
    assert 'method="post"' in form[:80]
    assert "csrfmiddlewaretoken" in form[:300]


def test_the_footer_says_how_old_the_data_is_in_the_users_zone(cast, browse):
    Source.objects.update_or_create(
        name="core",
        defaults={"sequence": 1, "applied_at": timezone.now(), "as_of": dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)},
    )
    cast.ana.time_zone = "America/Los_Angeles"
    cast.ana.save()
    body = browse(cast.ana).get("/").content.decode()
    assert '<time datetime="2026-11-20T02:00:00+00:00">Nov 19, 2026, 6 p.m. PST</time>' in body
    assert "Policy data as of" not in Client().get("/").content.decode(), "of no concern to visitors"


def test_before_the_first_feed_no_age_is_claimed(cast, browse):
    Source.objects.all().delete()
    assert "Policy data as of" not in browse(cast.ana).get("/").content.decode()


def test_the_footer_says_that_people_are_synthetic_in_the_demo_only(settings):
    sentence = "people, and policies are fictional"
    assert sentence not in Client().get("/").content.decode()
    settings.DEMO = True
    assert sentence in Client().get("/").content.decode()


# ---- news ----


def announce(title, **fields):
    return Announcement.objects.create(title=title, body=f"{title}, first.\n\n{title}, second.", **fields)


def test_news_is_shown_within_its_dates_newest_first(cast, browse):
    now = timezone.now()
    announce("Old", published_from=now - dt.timedelta(days=9))
    announce("New", published_from=now - dt.timedelta(days=1))
    announce("Over", published_from=now - dt.timedelta(days=9), published_until=now - dt.timedelta(seconds=1))
    announce("Coming", published_from=now + dt.timedelta(minutes=5))
    page = words(browse(cast.ana).get("/"))
    assert page.index("New, first.") < page.index("Old, first.")
    assert "Over" not in page
    assert "Coming" not in page


def test_news_is_for_those_it_is_meant_for(cast, browse):
    announce("Everybody")
    announce("Agents only", audience=[Membership.Role.AGENT])
    announce("Clinics", audience=[Membership.Role.INSURED, Membership.Role.POLICYHOLDER])
    announce("Visitors too", for_visitors=True)
    expected = {
        "ana": {"Everybody", "Clinics", "Visitors too"},
        "adam": {"Everybody", "Agents only", "Visitors too"},
        "support": {"Everybody", "Visitors too"},
    }
    for who, titles in expected.items():
        assert {item.title for item in browse(getattr(cast, who)).get("/").context["news"]} == titles
    assert {item.title for item in Client().get("/").context["news"]} == {"Visitors too"}


def test_the_body_of_news_is_text_and_not_markup(cast, browse):
    announce("<b>Bold</b>", for_visitors=True)
    body = Client().get("/").content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in body
    assert "<p>&lt;b&gt;Bold&lt;/b&gt;, first.</p>" in body


def test_an_ended_role_reads_no_news_of_that_role(cast, browse):
    announce("Agents only", audience=[Membership.Role.AGENT])
    Membership.objects.filter(user=cast.adam).update(ends=timezone.localdate())
    assert "Agents only" not in words(browse(cast.adam).get("/"))


def test_a_second_role_adds_its_news(cast, browse):
    announce("Agents only", audience=[Membership.Role.AGENT])
    insured_by(cast.adam, cast.olgas.insured)
    assert "Agents only" in words(browse(cast.adam).get("/"))


# ---- around every page ----


def test_the_user_menu_tells_name_and_roles_and_leads_to_the_sign_in_methods(cast, browse):
    holder_of(cast.ana, cast.policy.policyholder)
    response = browse(cast.ana).get("/")
    menu = response.content.decode().partition('<div class="drop-sheet">')[2].partition("</details>")[0]
    assert cast.ana.get_full_name() in menu
    assert "Insured, policyholder" in menu
    assert reverse("accounts:methods") in links(response)


def test_the_footer_leads_to_the_legal_pages_that_are_set(settings):
    settings.LEGAL_PAGES = {"Privacy": "https://carrier.example/privacy", "Terms of use": ""}
    response = Client().get("/")
    assert "https://carrier.example/privacy" in links(response)
    assert "Terms of use" not in response.content.decode()


def test_a_printed_page_says_who_printed_it_and_when(cast, browse, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 24, 22, 5, tzinfo=dt.UTC), tick=False)
    assert "November 24, 2026, 5:05 p.m. EST" in Client().get("/").content.decode()
    name = cast.ana.get_full_name() or cast.ana.username
    assert f"{name} · November 24, 2026, 5:05 p.m. EST" in browse(cast.ana).get("/").content.decode()


def test_a_page_has_a_description_for_search_engines():
    assert '<meta name="description" content="' in Client().get("/").content.decode()
