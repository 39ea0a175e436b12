"""URLs under /accounts/ (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from accounts import views
from accounts.views import activity, browsers, phone_check

app_name = "accounts"

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("verify/", views.verify, name="verify"),
    path("verify/ways/", views.verify_ways, name="verify-ways"),
    path("verify/recovery/", views.verify_recovery, name="verify-recovery"),
    path("verify/<public_id:public_id>/", views.verify_device, name="verify-device"),
    path("verify/<public_id:public_id>/send/", views.send_code, name="send-code"),
    path("verify/<public_id:public_id>/status/", views.code_status, name="code-status"),
    path("mfa/setup/", views.mfa_setup, name="mfa-setup"),
    path("mfa/setup/authenticator/", views.mfa_setup_authenticator, name="mfa-setup-authenticator"),
    path("mfa/setup/text/", views.mfa_setup_text, name="mfa-setup-text"),
    path("mfa/setup/call/", views.mfa_setup_call, name="mfa-setup-call"),
    path("mfa/setup/code/", views.mfa_setup_code, name="mfa-setup-code"),
    path("mfa/setup/done/", views.mfa_setup_done, name="mfa-setup-done"),
    path("view-as/end/", views.end_look, name="end-look"),
    path("stay-signed-in/", views.stay_signed_in, name="stay-signed-in"),
    path("session-time/", views.session_time, name="session-time"),
    path("link/<str:token>/", views.open_link, name="open-link"),
    path("activate/", views.activate, name="activate"),
    path("forgot-password/", views.forgot_password, name="forgot-password"),
    path("forgot-password/code/", views.reset_code, name="reset-code"),
    path("recovery-codes/", views.recovery_codes_page, name="recovery-codes"),
    path("recovery-codes/used/", views.recovery_used, name="recovery-used"),
    path("forgot-username/", views.forgot_username, name="forgot-username"),
    path("forgot-username/sent/", views.username_sent, name="username-sent"),
    path("trouble/", views.trouble, name="trouble"),
    path("reset/", views.reset, name="reset"),
    path("register/", views.register, name="register"),
    path("register/sent/", views.register_sent, name="register-sent"),
    path("register/code/", views.register_code, name="register-code"),
    path("register/link/<str:token>/", views.register_open, name="register-open"),
    path("register/account/", views.register_finish, name="register-finish"),
    path("activity/", activity.activity, name="activity"),
    path("activity/export/", activity.activity_export, name="activity-export"),
    path("phone-check/", phone_check.phone_check, name="phone-check"),
    path("devices/", browsers.devices, name="devices"),
    path("devices/<public_id:public_id>/rename/", browsers.device_rename, name="device-rename"),
    path("devices/<public_id:public_id>/revoke/", browsers.device_revoke, name="device-revoke"),
    path("devices/revoke-all/", browsers.devices_revoke, name="devices-revoke"),
    path("devices/sessions/<public_id:public_id>/end/", browsers.session_end, name="session-end"),
    path("devices/sessions/end-others/", browsers.sessions_end_others, name="sessions-end-others"),
    path("devices/sign-out-everywhere/", browsers.sign_out_everywhere, name="sign-out-everywhere"),
    path("twilio-status/", views.twilio_status, name="twilio-status"),
]
