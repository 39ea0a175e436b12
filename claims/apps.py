from celery.schedules import crontab

from core.areas import AreaConfig, MenuEntry, StaffGroup


class ClaimsConfig(AreaConfig):
    """Claims, incidents, and suits, as the carrier keeps them and as customers report them."""

    name = "claims"
    verbose_name = "Claims"
    sentences = "claims.events.SENTENCES"
    menu = (MenuEntry("Incidents and claims", "claims:home", "siren", order=25),)
    quick_links = (
        MenuEntry(
            "Report an incident",
            "claims:incident-new",
            "siren",
            order=30,
            hint="Or a letter or court papers that you got",
            needs="report_incident",
        ),
    )
    panels = "claims.panels.PANELS"
    feed_tables = "claims.feed.TABLES"
    beat = {
        "forget-incident-drafts": {"task": "claims.tasks.forget_drafts", "schedule": crontab(hour="4", minute="50")}
    }
    staff_groups = (
        StaffGroup(
            "Claims",
            views=("claims.claim", "claims.incidentreport", "claims.matter"),
            permissions=("claims.answer_incidentreport", "claims.view_patient", "claims.answer_matter"),
        ),
    )
