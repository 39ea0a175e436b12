"""What must not stay: uploads that no run needs, samples of what packages would have changed, and old findings. They
hold personal data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import PurePosixPath

from django.conf import settings
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from feed.models import UPLOADS, Finding, Run, package_storage

# An upload whose run isn't stored after this long belongs to a request that died.
ORPHANED_AFTER = dt.timedelta(days=1)
# Runs whose findings are deleted in one go; the next one follows within the hour.
RUNS_AT_ONCE = 500


def delete_orphaned_uploads() -> int:
    """Delete stored uploads that belong to no run: their request died before it was stored. Return how many."""
    storage, before = package_storage(), timezone.now() - ORPHANED_AFTER
    orphaned = [
        name
        for name in _files(storage, UPLOADS)
        if storage.get_modified_time(name) < before and not Run.objects.filter(upload=name).exists()
    ]
    for name in orphaned:
        storage.delete(name)
    return len(orphaned)


def forget_old_samples() -> int:
    """Forget which rows a package would have changed, once nobody can decide about it anymore. Return for how many."""
    before = timezone.now() - settings.FEED_HELD_FOR
    old = Run.objects.exclude(status__in=Run.UNFINISHED).filter(finished_at__lt=before, difference__has_key="samples")
    runs = [run for run in old if not run.can_be_released]
    for run in runs:
        run.difference.pop("samples")
        run.save(update_fields=["difference"])
    return len(runs)


def forget_old_findings() -> int:
    """Delete findings of runs that ended long ago, and note that none are kept. Return of how many runs."""
    before = timezone.now() - settings.FEED_FINDINGS_KEPT
    ended = Run.objects.filter(finished_at__lt=before).exclude(status__in=Run.OPEN)
    runs = list(ended.filter(Exists(Finding.objects.filter(run=OuterRef("pk")))).order_by("pk")[:RUNS_AT_ONCE])
    for run in runs:
        with transaction.atomic():
            Run.objects.filter(pk=run.pk).update(finding_counts=[{**group, "kept": 0} for group in run.finding_counts])
            run.findings.all().delete()
    return len(runs)


def _files(storage: Storage, folder: str) -> Iterator[str]:
    """Yield the names of all files below a folder."""
    if not storage.exists(folder):
        return
    folders, files = storage.listdir(folder)
    yield from (str(PurePosixPath(folder, name)) for name in files)
    for name in folders:
        yield from _files(storage, str(PurePosixPath(folder, name)))
