"""App configuration of parties, policies, and who sees what."""

from celery.schedules import crontab

from core.areas import AreaConfig, MenuEntry, StaffGroup

# A policy's page in admin shows the policy, its terms, agents of record, and statuses.
POLICY = ("policies.policy", "policies.term", "policies.agentofrecord", "policies.policystatus")
DOCUMENTS = ("policies.document", "policies.documentfile", "policies.requestanswer")
# A coverage's page in admin shows the rows that belong to it, an insured's their licenses and prior coverage.
OF_COVERAGE = ("endorsement", "suspension", "priorlimit", "extra", "fundenrollment", "ereoffer", "priorcoverage")
COVERAGE = (
    "policies.coverage",
    *(f"policies.{model}" for model in OF_COVERAGE),
    "policies.insured",
    "policies.policyholder",
)

# What clinicians answer is for underwriting alone.
RENEWALS = (
    "policies.renewalapplication",
    "policies.renewalpart",
    "policies.renewalsignature",
    "policies.renewalsubmission",
    "policies.renewalasking",
)


# The queue of change requests, and the rules by which they are asked for.
CHANGES = ("policies.changerequest", "policies.changerule")
DECIDE_CHANGES = (
    "policies.decide_changerequest",
    "policies.add_changerule",
    "policies.change_changerule",
    "policies.delete_changerule",
)


class PoliciesConfig(AreaConfig):
    """Parties, policies, terms, coverages, memberships, and roles."""

    name = "policies"
    verbose_name = "Policies"
    sentences = "policies.events.SENTENCES"
    user_sections = ("policies.staff_page.memberships",)
    menu = (MenuEntry("Policies", "policies:list", "shield-check", order=10),)
    quick_links = (
        MenuEntry("Policies", "policies:list", "shield-check", order=20, hint="Terms, limits, and insureds"),
        MenuEntry(
            "Change requests",
            "policies:changes",
            "file-pen-line",
            order=25,
            hint="What you asked us to change",
            needs="request_change",
        ),
        MenuEntry(
            "Documents",
            "policies:documents",
            "files",
            order=25,
            hint="Declarations, endorsements, invoices, and notices",
            needs="view_documents",
        ),
        MenuEntry(
            "Renewal applications",
            "policies:renewals",
            "calendar-clock",
            order=26,
            hint="What was submitted, and where it is",
            needs="view_renewal",
        ),
    )
    queues = {
        "policies.tasks.combine_documents": "batches",
        "policies.tasks.ask_clinicians": "batches",
        "policies.tasks.render_renewal": "documents",
        "policies.tasks.send_renewal_code": "codes",
    }
    panels = "policies.panels.PANELS"
    calendar = "policies.calendar.PROVIDERS"
    feed_tables = "policies.feed.TABLES"
    hooks = {
        "mail.invitation": "policies.delegates.giving.mail_context",
        "mail.renewal_part": "policies.renewals.asking.mail_context",
        "mail.renewal_code": "policies.renewals.opening.mail_context",
        "accounts.share_rows": "policies.rights.share_rows",
        "accounts.username_is_named": "policies.usernames.is_named",
        "accounts.match_registrant": "policies.registrants.matching.match_registrant",
        "accounts.judge_parties": "policies.registrants.filing.judge_parties",
        "accounts.person_on_file": "policies.registrants.filing.person_on_file",
        "accounts.grant_registrant": "policies.registrants.granting.grant_registrant",
    }
    outbox = {
        "request.answered": (
            "policies.change_requests.answers.take_answer",
            "policies.renewals.answers.take_answer",
        ),
        "change_request.submitted": (
            "policies.contacts.changing.submitted",
            "policies.leaving.telling.submitted",
        ),
        "change_request.done": ("policies.contacts.changing.done",),
        "policy.renewed": ("policies.renewals.answers.renewed",),
        "tail.offered": ("policies.leaving.telling.offered",),
    }
    answered = ("policies.changerequest", "policies.RenewalApplication")
    beat = {
        "forget-document-files": {
            "task": "policies.tasks.forget_document_files",
            "schedule": crontab(minute="35"),
        },
        "remind-of-renewals": {
            "task": "policies.tasks.remind_of_renewals",
            "schedule": crontab(hour="12", minute="15"),
        },
        "forget-change-drafts": {
            "task": "policies.tasks.forget_change_drafts",
            "schedule": crontab(hour="4", minute="35"),
        },
        "empty-rosters": {
            "task": "policies.tasks.empty_rosters",
            "schedule": crontab(hour="9", minute="40"),
        },
    }
    staff_groups = (
        StaffGroup(
            "Web support",
            views=("policies.membership", "policies.agency", "policies.contact", *POLICY, *COVERAGE, *DOCUMENTS),
            permissions=("policies.add_membership", "policies.change_membership", "policies.retry_documentfile"),
        ),
        StaffGroup(
            "Customer service",
            "Billing, coverage, credentialing, and general questions (S-46).",
            views=(
                "policies.company",
                "policies.agency",
                "policies.contact",
                "policies.license",
                *POLICY,
                *COVERAGE,
                *DOCUMENTS,
                *CHANGES,
            ),
            permissions=DECIDE_CHANGES,
        ),
        StaffGroup("Claims", "Who was covered, when, and with which limits.", views=(*POLICY, *COVERAGE)),
        StaffGroup(
            "Underwriting",
            "Policies, and the people and companies on them.",
            views=(
                *("policies.company", "policies.agency", "policies.license", "policies.document"),
                *(*POLICY, *COVERAGE, *RENEWALS, "policies.fraudwarning", *CHANGES),
            ),
            permissions=(
                *DECIDE_CHANGES,
                "policies.work_renewalapplication",
                "policies.retry_renewalsubmission",
                "policies.retry_renewalasking",
                "policies.add_fraudwarning",
                "policies.change_fraudwarning",
                "policies.delete_fraudwarning",
            ),
        ),
        StaffGroup("Risk", "Risk management: whom to advise.", views=("policies.policy", *COVERAGE)),
    )
