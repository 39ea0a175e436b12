"""Pages of accounts."""

from accounts.views.forgotten import forgot_password, forgot_username, reset, reset_code, username_sent
from accounts.views.links import activate, open_link
from accounts.views.looks import end_look
from accounts.views.recovery_codes import recovery_codes_page, recovery_used, verify_recovery
from accounts.views.register import register, register_code, register_finish, register_open, register_sent
from accounts.views.session import session_time, sign_out, stale_page, stay_signed_in
from accounts.views.setup import (
    mfa_setup,
    mfa_setup_authenticator,
    mfa_setup_call,
    mfa_setup_code,
    mfa_setup_done,
    mfa_setup_text,
)
from accounts.views.sign_in import sign_in
from accounts.views.trouble import trouble
from accounts.views.verify import code_status, send_code, verify, verify_device, verify_ways
from accounts.views.webhooks import twilio_status

__all__ = [
    "activate",
    "code_status",
    "end_look",
    "forgot_password",
    "forgot_username",
    "mfa_setup",
    "mfa_setup_authenticator",
    "mfa_setup_call",
    "mfa_setup_code",
    "mfa_setup_done",
    "mfa_setup_text",
    "open_link",
    "recovery_codes_page",
    "recovery_used",
    "register",
    "register_code",
    "register_finish",
    "register_open",
    "register_sent",
    "reset",
    "reset_code",
    "send_code",
    "session_time",
    "sign_in",
    "sign_out",
    "stale_page",
    "stay_signed_in",
    "trouble",
    "twilio_status",
    "username_sent",
    "verify",
    "verify_device",
    "verify_recovery",
    "verify_ways",
]
