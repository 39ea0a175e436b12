"""Signatures on PDFs (PAdES, ETSI EN 319 142-1, level B-B), so that any reader shows whether a file was changed.

The key is in a file or in a device (PKCS#11); the settings say which, and without them nothing is signed
(docs/operators.md#signing-certificates). It's read once per process: reading an RSA key takes longer than a page.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import io
import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.pdf.fonts import made_once

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer

FIELD = "Signature"
# The room for a signature is a multiple of this, in bytes.
ROUND = 256
YEARS = 10


class Sealer:
    """Signs PDFs with one key. Safe for several threads."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._lock = threading.Lock()
        self._reserved: int | None = None

    def sign(self, pdf: bytes, *, at: dt.datetime) -> bytes:
        """Return the PDF with an invisible signature over all of it, which says that it was signed `at` that time.

        An RSA key gives the same bytes for the same file and time.
        """
        from pyhanko.pdf_utils import generic
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

        class Writer(IncrementalPdfFileWriter):
            def _update_meta(self) -> None:
                """Leave the metadata as they are: pyHanko writes the present time, and not that the file is PDF/UA."""

        writer = Writer(io.BytesIO(pdf))
        # pyHanko draws the second part by chance.
        first, _ = writer.document_id
        second = generic.ByteStringObject(hashlib.sha256(pdf + str(at).encode()).digest()[:16])
        writer._document_id = generic.ArrayObject([generic.ByteStringObject(first), second])  # noqa: SLF001
        to = io.BytesIO()
        with self._lock:
            _pdf_signer(self._signer, at).sign_pdf(writer, output=to, bytes_reserved=self._room())
        return to.getvalue()

    def _room(self) -> int:
        """Return how many hexadecimal digits a signature takes at most; pyHanko would sign twice to know."""
        if self._reserved is None:
            made = asyncio.run(self._signer.async_sign(b"\0" * 32, "sha256", dry_run=True, use_pades=True))
            # Rounded up, so that another process comes to the same.
            self._reserved = 2 * (len(made.dump()) // ROUND + 2) * ROUND
        return self._reserved


def _pdf_signer(signer: Signer, at: dt.datetime) -> Any:
    """Return what signs a file once, at a time that it's told."""
    from pyhanko.sign import fields, signers

    class At(signers.PdfSigner):
        def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
            session = super().init_signing_session(*args, **kwargs)
            session.system_time = at
            return session

    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    return At(metadata, signer)


@cache
def sealer() -> Sealer | None:
    """Return what signs by the settings, None where they say nothing."""
    if settings.PDF_SIGNING_PKCS11_MODULE:
        return Sealer(_device_signer())
    key, certificate = settings.PDF_SIGNING_KEY, settings.PDF_SIGNING_CERTIFICATE
    if not key and settings.DEMO:
        folder = made_once(Path(settings.DATA_DIR) / "signing", _make_own)
        key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    if not key:
        return None
    return Sealer(_file_signer(Path(key), Path(certificate), settings.PDF_SIGNING_PASSPHRASE))


def _file_signer(key_file: Path, certificate_file: Path, passphrase: str) -> Signer:
    """Return what signs by a key in a file. Raises `ImproperlyConfigured`."""
    from cryptography.hazmat.primitives import serialization
    from pyhanko.keys import load_certs_from_pemder_data

    try:
        secret = passphrase.encode() or None
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=secret)
        own, *others = load_certs_from_pemder_data(certificate_file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"The key that signs PDFs can't be read: {error}") from error
    return _key_signer(key, own, others)


def _key_signer(key: Any, own: Any, others: list[Any]) -> Signer:
    """Return a signer that keeps its key as an object: pyHanko's own reads it again for every signature."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise ImproperlyConfigured("The key that signs PDFs must be an RSA or an elliptic curve key.")

    class KeySigner(signers.Signer):
        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            digest = getattr(hashes, digest_algorithm.upper())()
            if isinstance(key, rsa.RSAPrivateKey):
                return key.sign(data, padding.PKCS1v15(), digest)
            return key.sign(data, ec.ECDSA(digest))

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(others)
    return KeySigner(signing_cert=own, cert_registry=store)


def _device_signer() -> Signer:
    """Return what signs by a key in a device, which never leaves it. Raises `ImproperlyConfigured`."""
    import pkcs11
    from pyhanko.config.pkcs11 import TokenCriteria
    from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session

    try:
        session = open_pkcs11_session(
            settings.PDF_SIGNING_PKCS11_MODULE,
            token_criteria=TokenCriteria(label=settings.PDF_SIGNING_TOKEN),
            user_pin=settings.PDF_SIGNING_PIN,
        )
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise ImproperlyConfigured(
            f"The device that signs PDFs can't be used: {type(error).__name__} {error}"
        ) from error
    return PKCS11Signer(session, key_label=settings.PDF_SIGNING_KEY_LABEL)


def _make_own(folder: Path) -> None:
    """Make the demo's own key, and a certificate that it signs itself. A reader shows that it's nobody's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{settings.BRAND['legal_name']} (demo)")])
    now = dt.datetime.now(dt.UTC)
    usage = dict.fromkeys(
        (
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(key_file, "wb") as stream:
        stream.write(secret)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
