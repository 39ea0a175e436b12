"""Pages of accounts."""

from accounts.views.factor_resets import factor_reset
from accounts.views.forgotten import forgot_password, forgot_username, reset, reset_code, username_sent
from accounts.views.links import activate, open_link
from accounts.views.lock import confirm_email, lock
from accounts.views.looks import end_look
from accounts.views.methods import (
    change_number,
    choose_method,
    methods,
    remove_method,
    rename_method,
    replace_authenticator,
)
from accounts.views.passkeys import (
    mfa_setup_passkey,
    mfa_setup_passkey_options,
    verify_passkey,
    verify_passkey_options,
)
from accounts.views.preferences import (
    cancel_email,
    change_address,
    change_email,
    change_name,
    change_password,
    change_phone,
    change_username,
    choose_language,
    choose_notices,
    choose_paperless,
    choose_time_zone,
    preferences,
    resend_email,
)
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
from accounts.views.strength import password_strength
from accounts.views.trouble import trouble
from accounts.views.verify import code_status, send_code, verify, verify_device, verify_ways
from accounts.views.webhooks import twilio_status

__all__ = [
    "activate",
    "cancel_email",
    "change_address",
    "change_email",
    "change_name",
    "change_number",
    "change_password",
    "change_phone",
    "change_username",
    "choose_language",
    "choose_method",
    "choose_notices",
    "choose_paperless",
    "choose_time_zone",
    "code_status",
    "confirm_email",
    "end_look",
    "factor_reset",
    "forgot_password",
    "forgot_username",
    "lock",
    "methods",
    "mfa_setup",
    "mfa_setup_authenticator",
    "mfa_setup_call",
    "mfa_setup_code",
    "mfa_setup_done",
    "mfa_setup_passkey",
    "mfa_setup_passkey_options",
    "mfa_setup_text",
    "open_link",
    "password_strength",
    "preferences",
    "recovery_codes_page",
    "recovery_used",
    "register",
    "register_code",
    "register_finish",
    "register_open",
    "register_sent",
    "remove_method",
    "rename_method",
    "replace_authenticator",
    "resend_email",
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
    "verify_passkey",
    "verify_passkey_options",
    "verify_recovery",
    "verify_ways",
]
