from dataclasses import replace

from core.areas import AreaConfig, MenuEntry, StaffGroup

CERTIFICATES = StaffGroup(
    "",
    views=(
        "credentialing.certificate",
        "credentialing.holder",
        "credentialing.carrierholder",
        "credentialing.standingholder",
        "credentialing.certificateform",
    ),
    permissions=("credentialing.retry_certificate",),
)


class CredentialingConfig(AreaConfig):
    """Holders and certificates of insurance."""

    name = "credentialing"
    verbose_name = "Credentialing"
    sentences = "credentialing.events.SENTENCES"
    menu = (MenuEntry("Certificates", "credentialing:home", "file-badge", order=20),)
    quick_links = (
        MenuEntry(
            "Create a certificate",
            "credentialing:home",
            "file-badge",
            order=10,
            hint="For a hospital, group, or health plan",
            needs="issue_certificate",
        ),
    )
    panels = "credentialing.panels.PANELS"
    feed_tables = "credentialing.feed.TABLES"
    hooks = {
        "certificate_address": "credentialing.panels.certificate_address",
        "has_certificate_form": "credentialing.certificates.registry.has_form",
    }
    queues = {"credentialing.tasks.render_certificate": "documents"}
    staff_groups = (
        replace(CERTIFICATES, name="Web support"),
        replace(CERTIFICATES, name="Customer service"),
        StaffGroup("Underwriting", views=("credentialing.certificateform",)),
    )
