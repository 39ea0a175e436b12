"""Files that people upload, good ones and hostile ones, and what scans them."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import pikepdf
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.uploads.checking import EICAR
from tests.feed.assets import a_pdf

MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
DOCX, XLSX = MAIN.format("wordprocessingml.document"), MAIN.format("spreadsheetml.sheet")
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
# The virus of the tests' own scanner.
VIRUS = b"portal-test-virus"


def uploaded(name: str, content: bytes) -> SimpleUploadedFile:
    """Return a file as a form has it."""
    return SimpleUploadedFile(name, content)


def an_image(kind: str = "PNG") -> bytes:
    """Return a small image."""
    written = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(written, format=kind)
    return written.getvalue()


def a_heic() -> bytes:
    """Return what begins as the photos of phones do."""
    return b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 64


def an_office_file(main: str = DOCX, **more: bytes) -> bytes:
    """Return a small Word document or Excel workbook; `more`: parts, their names with `__` for a slash."""
    parts = {"[Content_Types].xml": f'<Types><Override ContentType="{main}"/></Types>'.encode(), "word__a.xml": b"<a/>"}
    return an_archive(**parts | more)


def an_archive(**parts: bytes) -> bytes:
    """Return a ZIP archive of these parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return written.getvalue()


def a_lying_bomb() -> bytes:
    """Return a Word document one part of which unpacks to 300 MB, and says that it has 10 bytes."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packing.compress(bytes(1024**2)) for _ in range(300)) + packing.flush()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types><Override ContentType="{DOCX}"/></Types>')
        archive.writestr("word/big.xml", packed)
        info = archive.infolist()[1]
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, 10
    return written.getvalue()


def a_pdf_that_runs(where: str = "open") -> bytes:
    """Return a PDF with a program: run when it's opened, in a field, or by its name."""
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('hello')")
    with pikepdf.open(io.BytesIO(a_pdf())) as pdf:
        if where == "open":
            pdf.Root.OpenAction = script
        elif where == "named":
            names: Any = pikepdf.Array([pikepdf.String("run"), pdf.make_indirect(script)])
            pdf.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=names))
        elif where == "launch":
            action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe")
            pdf.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=action)])
        else:
            form = pikepdf.Array([pikepdf.String("template"), pdf.make_stream(b"<template><script>1</script>")])
            pdf.Root.AcroForm = pikepdf.Dictionary(XFA=form)
        written = io.BytesIO()
        pdf.save(written)
    return written.getvalue()


def with_password(content: bytes = b"EncryptedPackage") -> bytes:
    """Return what Office makes of a document with a password, as far as anyone looks."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + content.decode().encode("utf-16-le")


GOOD: dict[str, tuple[bytes, str]] = {
    "letter.pdf": (a_pdf(), "letter.pdf"),
    "photo.JPEG": (an_image("JPEG"), "photo.jpg"),
    "scan.png": (an_image(), "scan.png"),
    "IMG_1.HEIC": (a_heic(), "IMG_1.heic"),
    "notes.docx": (an_office_file(), "notes.docx"),
    "roster.v2.xlsx": (an_office_file(XLSX), "roster.v2.xlsx"),
    # The extension is that of the content.
    "really a picture.pdf": (an_image(), "really a picture.png"),
    "../../etc/passwd.pdf": (a_pdf(), "passwd.pdf"),
    "..\\..\\boot.ini.pdf": (a_pdf(), "boot.ini.pdf"),
}
# Name, content, and a part of its sentence.
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "renamed HTML": ("scan.pdf", HTML, "is a web page (HTML), whatever its name says"),
    "HTML after blanks": ("scan.jpg", b"\xef\xbb\xbf \n<!-- -->" + HTML, "is a web page (HTML)"),
    "SVG": ("drawing.png", SVG, "is an SVG drawing, which can carry a program"),
    "program": ("setup.pdf", b"MZ\x90\x00" + bytes(200), "is a Windows program"),
    "text": ("notes.pdf", b"Dear sirs", "is another kind of file"),
    "nothing": ("empty.pdf", b"", "is empty"),
    "too large": ("large.pdf", b"%PDF-" + bytes(10 * 1024**2), "is larger than 10 MB"),
    "EICAR": ("eicar.pdf", EICAR, "contains a virus"),
    "EICAR in an image": ("eicar.png", an_image() + EICAR, "contains a virus"),
    "JavaScript on opening": ("form.pdf", a_pdf_that_runs(), "contains a program"),
    "JavaScript by name": ("form.pdf", a_pdf_that_runs("named"), "contains a program"),
    "launch": ("form.pdf", a_pdf_that_runs("launch"), "contains a program"),
    "XFA with a script": ("form.pdf", a_pdf_that_runs("xfa"), "contains a program"),
    "encrypted PDF": ("secret.pdf", a_pdf(password="x"), "is protected with a password"),
    "broken PDF": ("torn.pdf", b"%PDF-1.7\nno more", "is damaged"),
    "PDF that is a ZIP": ("two.pdf", a_pdf() + an_archive(a=b"x"), "two kinds of file in one"),
    "PDF that is a web page": ("two.pdf", b"%PDF-1.4\n" + HTML + a_pdf(), "two kinds of file in one"),
    "PDF before a web page": ("two.pdf", a_pdf() + HTML, "two kinds of file in one"),
    "PDF after something": ("two.pdf", b"junk\n" + a_pdf(), "two kinds of file in one"),
    "image that is a ZIP": ("two.png", an_image() + an_office_file(), "two kinds of file in one"),
    "image that is a PDF": ("two.jpg", an_image("JPEG")[:20] + a_pdf(), "two kinds of file in one"),
    "torn image": ("half.png", an_image()[:-8], "isn’t a whole image"),
    "not an image": ("photo.jpg", b"\xff\xd8\xff" + bytes(50), "isn’t a whole image"),
    "ZIP": ("all.zip", an_archive(a=b"x"), "is a ZIP archive"),
    "macros": ("letter.docx", an_office_file(**{"word__vbaProject.bin": b"x"}), "contains macros"),
    "macros by type": ("a.xlsx", an_office_file("application/vnd.ms-excel.sheet.macroEnabled.main+xml"), "macros"),
    "slides": ("talk.docx", an_office_file(MAIN.format("presentationml.presentation")), "neither a Word document"),
    "path in an archive": ("evil.docx", an_office_file(**{"..__..__x": b"x"}), "names lead elsewhere"),
    "archive before something": ("two.docx", an_office_file() + HTML, "two kinds of file in one"),
    "old Word": ("old.doc", with_password(b"WordDocument"), "format of Office before 2007"),
    "Word with a password": ("locked.docx", with_password(), "is protected with a password"),
    "bomb": ("bomb.docx", an_office_file(big=bytes(300 * 1024**2)), "unpacks to far more"),
    "lying bomb": ("bomb.xlsx", a_lying_bomb(), "unpacks to far more"),
}
