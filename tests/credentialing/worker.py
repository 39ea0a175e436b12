"""A worker of documents as a test starts it: it says when it begins to lay out a page, and waits while it is told to.

`TEST_SIGNS` is a folder: the worker creates `ready` when it takes tasks and `began` when it lays a page out, and it
does not go on while `hold` is there.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

from portal.celery import app

SIGNS = Path(os.environ["TEST_SIGNS"])
app.finalize()
app.loader.import_default_modules()

from credentialing.certificates import issuing  # noqa: E402  # after Django is set up
from credentialing.models import Certificate  # noqa: E402

lay_out = issuing.certificate_pdf


def slowly(certificate: Certificate) -> bytes:
    """Lay out, but not while `hold` is there."""
    (SIGNS / "began").touch()
    while (SIGNS / "hold").exists():
        time.sleep(0.01)
    return lay_out(certificate)


issuing.certificate_pdf = slowly


@worker_ready.connect
def say_ready(**_kwargs: Any) -> None:
    (SIGNS / "ready").touch()
