"""Ana's certificate, made out to a hospital."""

from __future__ import annotations

import pytest

from credentialing.models import Certificate
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, made


@pytest.fixture
def certificate(cast: Cast) -> Certificate:
    """Return Paula's certificate of Ana's coverage, with its file, for a hospital."""
    return made(cast.coverage, cast.paula, a_holder(cast.paula, cast.coverage))
