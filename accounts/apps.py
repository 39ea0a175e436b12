from celery.schedules import crontab

from core.areas import AreaConfig, MenuEntry, StaffGroup


class AccountsConfig(AreaConfig):
    """Users, sessions, sign-in, and second factors."""

    name = "accounts"
    verbose_name = "Accounts"
    sentences = "accounts.sentences.SENTENCES"
    user_sections = (
        "accounts.admin.user_page.person",
        "accounts.admin.user_page.sign_in",
        "accounts.admin.user_page.factors",
        "accounts.admin.factor_resets.section",
        "accounts.admin.user_page.sessions",
        "accounts.admin.user_page.devices",
        "accounts.admin.consents.section",
        "accounts.admin.user_page.recent",
        "accounts.admin.looks.section",
    )
    account_pages = (
        MenuEntry("Preferences", "accounts:preferences", "settings", order=10),
        MenuEntry("Sign-in methods", "accounts:methods", "key-round", order=20, covers=("accounts:recovery-codes",)),
        MenuEntry("Devices and sessions", "accounts:devices", "monitor-smartphone", order=30),
        MenuEntry("Activity", "accounts:activity", "history", order=40),
        MenuEntry("Calendar", "accounts:calendar", "calendar-days", order=50),
    )
    hooks = {
        "mail.activation": "accounts.services.links.mail_context",
        "mail.confirm_email": "accounts.services.email_change.mail_context",
        "mail.account_changed": "accounts.services.changes.mail_context",
        "mail.factor_reset": "accounts.services.factor_resets.mail_context",
        "mail.username": "accounts.services.usernames.mail_context",
        "mail.password_reset": "accounts.services.resets.mail_context",
        "mail.registration": "accounts.services.registering.mail_context",
        "mail.recovery_code_used": "accounts.services.recovery_codes.mail_context",
        "mail.unfamiliar_sign_in": "accounts.services.familiar.mail_context",
    }
    beat = {
        "expire-challenges": {"task": "accounts.tasks.expire_challenges", "schedule": 30.0},
        "void-factorless-passwords": {
            "task": "accounts.tasks.void_factorless_passwords",
            "schedule": crontab(hour="3", minute="45"),
        },
        "purge-registrations": {
            "task": "accounts.tasks.purge_registrations",
            "schedule": crontab(hour="4", minute="5"),
        },
        "carry-out-factor-resets": {"task": "accounts.tasks.carry_out_factor_resets", "schedule": 300.0},
        "purge-recovery-requests": {
            "task": "accounts.tasks.purge_recovery_requests",
            "schedule": crontab(hour="4", minute="15"),
        },
        "end-looks": {"task": "accounts.tasks.end_looks", "schedule": 60.0},
        "remind-of-activity": {
            "task": "accounts.tasks.remind_of_activity",
            "schedule": crontab(hour="10", minute="30"),
        },
        "forget-detail-changes": {
            "task": "accounts.tasks.forget_detail_changes",
            "schedule": crontab(hour="4", minute="5"),
        },
        "purge-sessions": {"task": "accounts.tasks.purge_sessions", "schedule": 3600.0},
    }
    queues = {
        "accounts.tasks.send_code": "codes",
        "accounts.tasks.expire_challenges": "codes",
        "accounts.tasks.send_password_reset": "codes",
    }
    staff_groups = (
        StaffGroup(
            "Web support",
            "Accounts, codes, locks, and missing policies (S-46); gives memberships.",
            views=(
                "accounts.user",
                "accounts.registration",
                "accounts.factorreset",
            ),
            permissions=(
                "accounts.add_user",
                "accounts.unlock_user",
                "accounts.view_user_events",
                "accounts.end_user_sessions",
                "accounts.complete_registration",
                "accounts.print_registration_letters",
                "accounts.retry_registration",
                "accounts.view_as_user",
                "accounts.reset_factors",
            ),
        ),
    )

    def ready(self) -> None:
        """Replace the registry's own methods with ours, and register the checks."""
        from accounts.methods import register_methods

        register_methods()
