"""The cast of credentialing; a browser of someone who isn't signed in."""

from __future__ import annotations

import pytest
from django.test import Client

from credentialing.models import Certificate
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, made


@pytest.fixture
def certificate(cast: Cast) -> Certificate:
    """Ana's certificate for a hospital, with its file."""
    return made(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage))


@pytest.fixture
def stranger() -> Client:
    return Client()
