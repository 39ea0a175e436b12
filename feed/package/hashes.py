"""Comparison of a package's files with the hashes in its manifest, without parsing them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from core.feedspec import Severity, Stage
from feed.load.findings import Findings, Found
from feed.package.files import READ_ERRORS, Package
from feed.package.manifest import Manifest

CHUNK = 1 << 20


def verify_hashes(package: Package, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
    """Add a finding for each file that differs from its hash. `progress` is called with the bytes read so far."""
    done = 0
    for name, entry in manifest.files.items():
        digest = hashlib.sha256()
        try:
            with package.open(name) as stream:
                while data := stream.read(CHUNK):
                    digest.update(data)
                    done += len(data)
                    progress(done)
        except READ_ERRORS:
            sentence = "The file can't be read to the end; the package is damaged."
            findings.add(Found(Stage.PACKAGE, Severity.ERROR, "unreadable", sentence, file=name))
            continue
        if digest.hexdigest() != entry.sha256:
            sentence = "The file's SHA-256 differs from the manifest's; the file was changed in transit."
            findings.add(Found(Stage.PACKAGE, Severity.ERROR, "sha256", sentence, file=name))
