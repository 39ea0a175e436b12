"""Batches whose worker dies at a random moment: the result is the same (docs/developers/killed-batches.md).

`python -m tools.kill_the_batches [--times 20] [--certificates 30] [--seed N]` starts PostgreSQL and Redis of its own in
a temporary folder, loads a book, and then starts one batch after the other, as one PDF and as a ZIP in turn. At a
random moment KILL ends its worker, and another one starts. Then the file is compared with what was asked for.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Until a batch is taken for stuck, in seconds.
PATIENCE = 300


def main(arguments: list[str]) -> int:
    """Run the tries and print each; 1 if a batch was not exactly what was asked for even once."""
    parser = argparse.ArgumentParser(description="Kill workers in the middle of batches, and look at what comes.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--certificates", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="killed-batches-") as folder, _services(Path(folder)):
        trial = Trial(Path(folder), size=options.certificates, chance=random.Random(options.seed))  # noqa: S311
        try:
            results = [trial.run(number) for number in range(1, options.times + 1)]
        finally:
            trial.close()
    print(f"{len(results)} kills: " + ", ".join(f"{count} × {word}" for word, count in Counter(results).items()))
    return int(set(results) != {"same"})


@contextmanager
def _services(folder: Path) -> Iterator[None]:
    """Start the services in an open folder (PostgreSQL may run as another user), and load a book."""
    folder.chmod(0o755)
    os.environ |= {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(folder / "data"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "LOG_LEVEL": "ERROR",
        "BATCH_PIECE": "5",
        "BATCH_PART": "8",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    import django
    from django.conf import settings

    from embedded import client

    django.setup()
    client.start(settings.DATA_DIR)
    try:
        from bench.people import prepare

        prepare(policies=60)
        yield
    finally:
        client.stop_all()


class Trial:
    """One worker, killed again and again."""

    def __init__(self, folder: Path, *, size: int, chance: random.Random) -> None:
        from accounts.models import User
        from policies.models import Coverage

        self._folder = folder
        self._chance = chance
        self._user = User.objects.get(username="policyholder")
        own = Coverage.objects.visible_to(self._user).filter(term__status="bound", ended_reason="")
        self._coverages = [coverage.public_id for coverage in own.order_by("pk")[:size]]
        self._number = 0
        self._worker = self._new_worker()
        # Only what comes after the first one is as long as it will be.
        self._until_ended(self._start())
        begun = time.monotonic()
        self._until_ended(self._start())
        self._seconds = time.monotonic() - begun
        print(f"A batch of {len(self._coverages)} takes {self._seconds:.1f} s.", flush=True)

    def close(self) -> None:
        """End the worker."""
        self._worker.kill()
        self._worker.wait()

    def run(self, number: int) -> str:
        """Start a batch, kill its worker, start another one, and return 'same', or what was wrong."""
        batch = self._start()
        moment = self._chance.uniform(0, 1) * self._seconds
        time.sleep(moment)
        self.close()
        batch.refresh_from_db()
        at = f"{batch.issued} issued, {batch.filed} filed, {batch.written} written, {batch.status}"
        self._worker = self._new_worker()
        self._until_ended(batch)
        word = self._judge(batch)
        print(f"{number:3}  {batch.delivery:8} killed after {moment:5.2f} s ({at}): {word}", flush=True)
        return word

    def _start(self) -> Any:
        """Start a batch for a holder of its own, so that no certificate is there already."""
        from credentialing.batches import freezing, running
        from credentialing.batches.choosing import Selection, issuing_memberships
        from credentialing.batches.freezing import HolderChoice
        from credentialing.certificates.issuing import keep_holder
        from credentialing.models import Batch

        self._number += 1
        membership = issuing_memberships(self._user)[0]
        typed = {"address1": "1 Try Street", "address2": "", "city": "Albany", "state": "NY", "zip": "12207"}
        holder = keep_holder(by=self._user, membership=membership, name=f"Hospital {self._number}", **typed)
        batch = Batch.objects.create(
            started_by=self._user,
            membership=membership,
            idempotency_key=uuid.uuid4(),
            selection=Selection(coverages=tuple(self._coverages)).stored,
        )
        delivery = Batch.Delivery.values[self._number % 2]
        freezing.freeze(batch, HolderChoice(holders=(holder,)), by=self._user, delivery=delivery)
        running.start(batch, by=self._user)
        return batch

    def _new_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it takes pieces."""
        from portal import workers

        options = ("-Q", "batches", "-P", "solo", "-l", "WARNING", "--without-gossip", "--without-mingle")
        started = time.time()
        with (self._folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "celery", "-A", "portal.celery:app", "worker", *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        limit = time.monotonic() + PATIENCE
        with workers.connect() as redis:
            while not redis.zcount(workers.key("batches"), started, "+inf"):
                if time.monotonic() > limit:
                    raise RuntimeError("No worker started; see worker.log")
                time.sleep(0.1)
        return process

    @staticmethod
    def _until_ended(batch: Any) -> None:
        """Wait, and do what beat does every five seconds."""
        from core import work

        limit = time.monotonic() + PATIENCE
        while True:
            batch.refresh_from_db()
            if not batch.is_running:
                return
            if time.monotonic() > limit:
                raise RuntimeError(f"Stuck: {batch.issued} issued, {batch.filed} filed, {batch.written} written")
            work.requeue_lost()
            time.sleep(0.5)

    @staticmethod
    def _judge(batch: Any) -> str:
        """Return 'same' where the file, the rows, and the event log hold what was asked for, once each, in order."""
        from core.models import Event
        from core.storage import private_storage
        from credentialing.events import CertificateEvent
        from credentialing.models import Certificate

        items = list(batch.items.order_by("place").select_related("certificate"))
        asked = [item.certificate.serial for item in items if item.certificate]
        if batch.status != "done" or len(asked) != batch.total or len(set(asked)) != batch.total:
            return f"WRONG ROWS: {batch.status}, {len(asked)} of {batch.total}"
        holder = items[0].holder_id
        made = Certificate.objects.filter(holder=holder)
        issued = Event.objects.filter(tag=CertificateEvent.ISSUED, subject_id__in=[str(each.pk) for each in made])
        if made.count() != batch.total or issued.count() != batch.total:
            return f"WRONG NUMBER: {made.count()} certificates, {issued.count()} events"
        with private_storage().open(batch.file) as stored:
            found = _serials(stored.read(), batch.delivery, asked)
        return "same" if found == asked else "WRONG FILE"


def _serials(content: bytes, delivery: str, known: list[str]) -> list[str]:
    """Return the serial numbers in a batch's file, in the order of its pages or entries; cover lists don't count."""
    import pypdf

    if delivery == "separate":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [
                pypdf.PdfReader(io.BytesIO(archive.read(name))).pages[0].extract_text() for name in archive.namelist()
            ]
    else:
        texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
        texts = [text for text in texts if "erification code" in text]
    return [serial for text in texts for serial in known if serial in text]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
