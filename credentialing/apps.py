from dataclasses import replace

from celery.schedules import crontab

from core.areas import AreaConfig, MenuEntry, StaffGroup

CERTIFICATES = StaffGroup(
    "",
    views=(
        "credentialing.certificate",
        "credentialing.holder",
        "credentialing.carrierholder",
        "credentialing.standingholder",
        "credentialing.ownstandingholder",
        "credentialing.holderrequest",
        "credentialing.certificateform",
        "credentialing.paperrequest",
        "credentialing.claimspaper",
        "credentialing.authorization",
        "credentialing.claimsrequest",
        "credentialing.lossrunrule",
        "credentialing.batch",
        "credentialing.delivery",
        "credentialing.noticerun",
        "credentialing.standingissue",
        "credentialing.packet",
        "credentialing.verification",
    ),
    permissions=(
        "credentialing.retry_certificate",
        "credentialing.retry_delivery",
        "credentialing.retry_standingissue",
        "credentialing.decide_noticerun",
        "credentialing.retry_claimspaper",
        "credentialing.retry_packet",
        "credentialing.revoke_packet",
        "credentialing.settle_paperrequest",
    ),
)
# Requests for claims papers, authorizations that insureds ask to end, and the table of the states.
CLAIMS_PAPERS = (
    "credentialing.settle_claimsrequest",
    "credentialing.revoke_authorization",
    "credentialing.add_lossrunrule",
    "credentialing.change_lossrunrule",
    "credentialing.delete_lossrunrule",
)


HOLDERS = ("credentialing.decide_holderrequest", "credentialing.merge_carrierholder")


class CredentialingConfig(AreaConfig):
    """Holders and certificates of insurance."""

    name = "credentialing"
    verbose_name = "Credentialing"
    sentences = "credentialing.events.SENTENCES"
    menu = (
        MenuEntry("Certificates", "credentialing:home", "file-badge", order=20),
        MenuEntry("Holders", "credentialing:holders", "hospital", order=21),
        MenuEntry("Claims history", "credentialing:claims-histories", "scroll-text", order=22),
    )
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
        "policies.checklist": "credentialing.joining.views.checklist_address",
        "has_certificate_form": "credentialing.certificates.registry.has_form",
        "mail.batch_ready": "credentialing.emails.complete_batch",
        "mail.batch_failed": "credentialing.emails.complete_batch",
        "mail.delivery_undelivered": "credentialing.emails.complete_undelivered",
        "mail.packet_link": "credentialing.packets.building.complete_link",
        "mail.packet_password": "credentialing.packets.building.complete_password",
    }
    queues = {
        "credentialing.tasks.render_certificate": "documents",
        "credentialing.tasks.render_claims_paper": "documents",
        "credentialing.tasks.prepare_packet": "documents",
        "credentialing.tasks.run_piece": "batches",
        # Not among the mails that someone waits for, such as a link to a new password.
        "credentialing.tasks.send_delivery": "batches",
        "credentialing.tasks.issue_for_standing_holders": "batches",
    }
    outbox = {
        "policy.cancelled": ("credentialing.sending.notices.cancelled",),
        "policy.pending_cancellation": ("credentialing.sending.notices.pending",),
        "policy.reinstated": ("credentialing.sending.notices.reinstated",),
        "coverage.limits_changed": ("credentialing.sending.notices.limits_changed",),
        "policy.renewed": ("credentialing.sending.renewals.renewed",),
        "coverage.begun": ("credentialing.joining.holders.begun",),
    }
    beat = {
        "find-due-renewals": {
            "task": "credentialing.tasks.find_due_renewals",
            "schedule": crontab(hour="6", minute="40"),
        },
        "forget-batch-files": {"task": "credentialing.tasks.forget_batch_files", "schedule": crontab(minute="20")},
    }
    staff_groups = (
        replace(CERTIFICATES, name="Web support"),
        replace(
            CERTIFICATES, name="Customer service", permissions=(*CERTIFICATES.permissions, *CLAIMS_PAPERS, *HOLDERS)
        ),
        StaffGroup(
            "Claims",
            views=("credentialing.claimspaper", "credentialing.authorization", "credentialing.claimsrequest"),
        ),
        StaffGroup(
            "Underwriting",
            views=("credentialing.certificateform", "credentialing.paperrequest"),
            permissions=("credentialing.settle_paperrequest",),
        ),
    )
