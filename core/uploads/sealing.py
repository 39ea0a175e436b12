"""Files encrypted where they are stored, piece by piece, so that neither way needs a whole file in memory.

Each file has a random key of its own, which its row keeps encrypted (`core.fields.EncryptedTextField`), so a rotation
of keys touches no file. A file is pieces of `PIECE` bytes, each sealed by AES-256-GCM under a nonce that is its place
and whether it is the last: pieces that are moved, left out, or cut off don't open.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.downloads import FileChangedError

PIECE = 64 * 1024
TAG = 16


def new_key() -> str:
    """Return a random key, as text."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(file: BinaryIO, key: str) -> Iterator[bytes]:
    """Yield the encrypted pieces of a file."""
    cipher, place = AESGCM(base64.b64decode(key)), 0
    file.seek(0)
    piece = file.read(PIECE)
    while True:
        following = file.read(PIECE)
        yield cipher.encrypt(_nonce(place, last=not following), piece, None)
        if not following:
            return
        piece, place = following, place + 1


def unsealed(file: BinaryIO, key: str) -> Iterator[bytes]:
    """Yield the pieces of an encrypted file. Raises `core.downloads.FileChangedError` at the first that was altered."""
    cipher, place = AESGCM(base64.b64decode(key)), 0
    piece = file.read(PIECE + TAG)
    while True:
        following = file.read(PIECE + TAG)
        try:
            yield cipher.decrypt(_nonce(place, last=not following), piece, None)
        except InvalidTag as error:
            raise FileChangedError from error
        if not following:
            return
        piece, place = following, place + 1


def _nonce(place: int, *, last: bool) -> bytes:
    return place.to_bytes(11) + bytes([last])
