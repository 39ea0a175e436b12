"""Password hashes of former systems (docs/decisions/0084-passwords-taken-over.md).

`readable` puts a hash into a form that one of the hashers in `settings.PASSWORD_HASHERS` checks. Django has those for
its own notation; the ones here are for the modular crypt notation, whose salts are bytes, and for what Django's own
would stumble over. At the first sign-in, an Argon2 hash replaces it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any

from django.contrib.auth import hashers

# A check that costs more than this isn't made, so that nobody's package keeps the portal busy: about half a second, and
# 128 MiB, each. `settings.EVEN_REFUSAL` is longer than any of them.
MOST_ITERATIONS = {"sha1": 1_500_000, "sha256": 1_500_000, "sha512": 750_000}
MOST_BCRYPT_COST = 13
MOST_MEMORY = 128 * 1024**2
MOST_SCRYPT_WORK = 2**20
MOST_ARGON2_PASSES_TIMES_KIB = 2**18
MOST_LANES = 16
# What the account's column holds.
LONGEST = 255
# bcrypt reads 72 bytes of a password and ignores the rest.
BCRYPT_BYTES = 72

_B64 = r"[A-Za-z0-9+/]"
_DJANGO_PBKDF2 = re.compile(rf"pbkdf2_(sha1|sha256)\$(\d{{1,7}})\$([^$\s]{{1,128}})\$({_B64}{{1,90}}={{0,2}})")
_CRYPT_PBKDF2 = re.compile(r"\$pbkdf2(|-sha256|-sha512)\$(\d{1,7})\$([A-Za-z0-9./]{1,128})\$([A-Za-z0-9./]{1,90})")
_BCRYPT = re.compile(r"(bcrypt\$|bcrypt_sha256\$|)\$2([aby])\$(\d\d)\$([./A-Za-z0-9]{53})")
_DJANGO_SCRYPT = re.compile(
    rf"scrypt\$(\d{{1,7}})\$([^$\s]{{1,128}})\$(\d{{1,2}})\$(\d{{1,2}})\$({_B64}{{1,90}}={{0,2}})"
)
_CRYPT_SCRYPT = re.compile(
    rf"\$scrypt\$ln=(\d{{1,2}}),r=(\d{{1,2}}),p=(\d{{1,2}})\$({_B64}{{1,128}})\$({_B64}{{1,90}})"
)
_ARGON2 = re.compile(
    r"(?:argon2)?\$(argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})"
    rf"\${_B64}{{11,128}}\${_B64}{{16,90}})"
)
_DIGESTS = {"": "sha1", "-sha256": "sha256", "-sha512": "sha512"}


def readable(text: str) -> str:
    """Return a hash as one of our hashers reads it, or an empty string where none does or its check would cost too
    much."""
    text = text.strip()
    for read in (_pbkdf2, _bcrypt, _scrypt, _argon2):
        found = read(text)
        if found and len(found) <= LONGEST:
            return found
    return ""


def _pbkdf2(text: str) -> str:
    if (found := _DJANGO_PBKDF2.fullmatch(text)) and _costs(int(found[2]), found[1]):
        return text if _decoded_length(found[4]) == hashlib.new(found[1]).digest_size else ""
    if (found := _CRYPT_PBKDF2.fullmatch(text)) and _costs(int(found[2]), _DIGESTS[found[1]]):
        digest, salt, key = _DIGESTS[found[1]], found[3].replace(".", "+"), found[4].replace(".", "+")
        if _decoded_length(salt) and _decoded_length(key) == hashlib.new(digest).digest_size:
            return f"crypt_pbkdf2_{digest}${found[2]}${salt}${key}"
    return ""


def _costs(iterations: int, digest: str) -> bool:
    return 1 <= iterations <= MOST_ITERATIONS[digest]


def _bcrypt(text: str) -> str:
    """$2y$ is PHP's name of what others call $2b$."""
    found = _BCRYPT.fullmatch(text)
    if found is None or not 4 <= int(found[3]) <= MOST_BCRYPT_COST:
        return ""
    variant = "b" if found[2] == "y" else found[2]
    return f"{found[1] or 'bcrypt$'}$2{variant}${found[3]}${found[4]}"


def _scrypt(text: str) -> str:
    if found := _DJANGO_SCRYPT.fullmatch(text):
        cost, rounds, lanes = int(found[1]), int(found[3]), int(found[4])
        right = _scrypt_costs(cost, rounds, lanes) and _decoded_length(found[5]) == CryptScryptHasher.LENGTH
        return text if right else ""
    if found := _CRYPT_SCRYPT.fullmatch(text):
        exponent, rounds, lanes = int(found[1]), int(found[2]), int(found[3])
        right = exponent <= 30 and _scrypt_costs(2**exponent, rounds, lanes)
        length = _decoded_length(found[5])
        if right and _decoded_length(found[4]) and length in {32, CryptScryptHasher.LENGTH}:
            return f"crypt_scrypt${2**exponent}${rounds}${lanes}${found[4]}${found[5]}"
    return ""


def _scrypt_costs(cost: int, rounds: int, lanes: int) -> bool:
    power_of_two = cost > 1 and cost & (cost - 1) == 0
    within = 128 * cost * rounds <= MOST_MEMORY and cost * rounds * lanes <= MOST_SCRYPT_WORK
    return power_of_two and rounds >= 1 and lanes >= 1 and within


def _argon2(text: str) -> str:
    found = _ARGON2.fullmatch(text)
    if found is None:
        return ""
    memory, passes, lanes = int(found[2]), int(found[3]), int(found[4])
    if not (passes >= 1 and 1 <= lanes <= MOST_LANES and 8 * lanes <= memory <= MOST_MEMORY // 1024):
        return ""
    return f"argon2${found[1]}" if memory * passes <= MOST_ARGON2_PASSES_TIMES_KIB else ""


def _bytes(text: str) -> bytes:
    """Decode base 64 with or without its padding; raises ValueError."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)


def _decoded_length(text: str) -> int:
    """Return how many bytes a text in base 64 is, 0 if it isn't one."""
    try:
        return len(_bytes(text))
    except (binascii.Error, ValueError):
        return 0


class _FormerHasher(hashers.BasePasswordHasher):
    """A hasher that only checks: new passwords get Argon2."""

    def encode(self, password: str, salt: str) -> str:
        raise NotImplementedError("Only hashes of former systems have this form.")

    def must_update(self, encoded: str) -> bool:
        return True

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: another algorithm is preferred (`accounts.backends`)."""


class _CryptPBKDF2Hasher(_FormerHasher):
    """PBKDF2 in the modular crypt notation: `algorithm$iterations$salt$key`, the last two in base 64."""

    digest = ""

    def verify(self, password: str, encoded: str) -> bool:
        _, iterations, salt, key = encoded.split("$")
        made = hashlib.pbkdf2_hmac(self.digest, password.encode(), _bytes(salt), int(iterations))
        return hmac.compare_digest(made, _bytes(key))


class CryptPBKDF2SHA1Hasher(_CryptPBKDF2Hasher):
    algorithm, digest = "crypt_pbkdf2_sha1", "sha1"


class CryptPBKDF2SHA256Hasher(_CryptPBKDF2Hasher):
    algorithm, digest = "crypt_pbkdf2_sha256", "sha256"


class CryptPBKDF2SHA512Hasher(_CryptPBKDF2Hasher):
    algorithm, digest = "crypt_pbkdf2_sha512", "sha512"


class CryptScryptHasher(_FormerHasher):
    """Scrypt in the modular crypt notation: `algorithm$n$r$p$salt$key`, the last two in base 64."""

    algorithm = "crypt_scrypt"
    LENGTH = 64

    def verify(self, password: str, encoded: str) -> bool:
        _, cost, rounds, lanes, salt, key = encoded.split("$")
        wanted = _bytes(key)
        made = hashlib.scrypt(
            password.encode(),
            salt=_bytes(salt),
            n=int(cost),
            r=int(rounds),
            p=int(lanes),
            maxmem=2 * MOST_MEMORY,
            dklen=len(wanted),
        )
        return hmac.compare_digest(made, wanted)


class ScryptPasswordHasher(hashers.ScryptPasswordHasher):
    """Django's, with enough memory for hashes of more than its own 16 MiB."""

    maxmem = 2 * MOST_MEMORY


class BCryptPasswordHasher(hashers.BCryptPasswordHasher):
    """Django's, for passwords of more than 72 bytes: former systems ignored the rest, the library refuses them."""

    def verify(self, password: str, encoded: str) -> bool:
        algorithm, data = encoded.split("$", 1)
        bcrypt = self._load_library()  # type: ignore[attr-defined]  # unknown to django-stubs
        made = bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], data.encode("ascii"))
        return algorithm == self.algorithm and hmac.compare_digest(made, data.encode("ascii"))
