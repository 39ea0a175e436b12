"""Stored files in a bucket of Amazon S3, or of what speaks its protocol (docs/operators.md#bucket)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storages.backends.s3 import S3Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a file that is read keeps in memory before it goes to disk, in bytes.
IN_MEMORY = 1 << 20


class PrivateBucketStorage(S3Storage):
    """A bucket that only the portal reads and writes. A file never replaces another, and has no lasting address."""

    def __init__(self, *, encryption: str = "", **options: Any) -> None:
        """`encryption`: how the bucket's owner encrypts each file, `AES256` or `aws:kms`; empty leaves it to the
        bucket."""
        options |= {
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "signature_version": "s3v4",
            "addressing_style": "path" if options.get("endpoint_url") else "auto",
            "max_memory_size": IN_MEMORY,
            "object_parameters": {"ServerSideEncryption": encryption} if encryption else {},
        }
        super().__init__(**options)

    def url(self, name: str | None, *_args: Any, **_options: Any) -> str:
        """Raise ValueError: a private file has no URL."""
        raise ValueError("A private file has no address; it is served by a view through the row filter.")

    def link(self, name: str, says: Mapping[str, str], *, seconds: int) -> str:
        """Return a link to a file that works for so long. `says`: headers of the answer, as the protocol names them."""
        return str(super().url(name, parameters=dict(says), expire=seconds))
