"""A process that sends one code through Twilio's stand-in, as a worker does, for a test to kill."""

import os
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402  # after Django is set up

from accounts.tasks import send_code  # noqa: E402

settings.SMS_GATEWAY = "accounts.twilio_gateway.TwilioGateway"
settings.TWILIO_BASE_URL = os.environ["TEST_TWILIO"]
settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "auth-token"
settings.TWILIO_FROM, settings.PUBLIC_URL = "+12025550100", "https://portal.example"
send_code(int(sys.argv[1]))
