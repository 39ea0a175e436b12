"""Several of our PDFs as one: their pages in order, an outline, and their structure, so that it stays tagged.

A signature isn't kept: it speaks of one file. Only PDFs that we made ourselves go in; another's is never opened here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pikepdf


def combined(papers: Iterable[tuple[str, bytes]], *, title: str) -> bytes:
    """Return one PDF of the papers (title, content) in order. The same papers give the same bytes."""
    # Loaded by the first packet: most processes never need it.
    import pikepdf

    with pikepdf.new() as pdf:
        structure = _Structure(pdf)
        with pdf.open_outline() as outline:
            for name, content in papers:
                with pikepdf.open(io.BytesIO(content)) as paper:
                    _take_signature_out(paper)
                    first = len(pdf.pages)
                    pdf.pages.extend(paper.pages)
                    structure.take(paper, first)
                    outline.root.append(pikepdf.OutlineItem(name, first))
        structure.close()
        pdf.Root.Lang = pikepdf.String("en-US")
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["dc:title"] = title
        pdf.docinfo["/Title"] = title
        to = io.BytesIO()
        pdf.save(to, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return to.getvalue()


def _take_signature_out(paper: pikepdf.Pdf) -> None:
    """Leave out the invisible field of a signature, the only form there is: the pages then belong to no form."""
    import pikepdf

    for page in paper.pages:
        if "/Annots" in page.obj:
            notes = [note for note in page.obj.Annots if note.get("/Subtype") != pikepdf.Name.Widget]
            page.obj.Annots = pikepdf.Array(notes)
    if "/AcroForm" in paper.Root:
        del paper.Root.AcroForm


class _Structure:
    """The tags of all papers under one root: each paper's own root elements, and its pages' entries renumbered."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._pdf = pdf
        self._kids: list[Any] = []
        self._numbers: list[Any] = []
        self._next = 0
        self._whole = True

    def take(self, paper: pikepdf.Pdf, first: int) -> None:
        """Take over the tags of a paper whose pages begin at number `first` here."""
        import pikepdf

        root = paper.Root.get("/StructTreeRoot")
        if root is None:
            self._whole = False
            return
        copied = self._pdf.copy_foreign(paper.make_indirect(root) if not root.is_indirect else root)
        kids = copied.get("/K")
        self._kids += list(kids) if isinstance(kids, pikepdf.Array) else [kids]
        offset = self._next
        for number, entry in _entries(copied.get("/ParentTree")):
            self._numbers += [number + offset, entry]
            self._next = max(self._next, number + offset + 1)
        for page in list(self._pdf.pages)[first:]:
            if "/StructParents" in page.obj:
                page.obj.StructParents = int(page.obj.StructParents) + offset
            for note in page.obj.get("/Annots", []):
                if "/StructParent" in note:
                    note.StructParent = int(note.StructParent) + offset

    def close(self) -> None:
        """Write the root, if every paper had tags."""
        import pikepdf

        if not self._whole or not self._kids:
            return
        root = self._pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.StructTreeRoot,
                K=pikepdf.Array(self._kids),
                ParentTree=self._pdf.make_indirect(pikepdf.Dictionary(Nums=pikepdf.Array(self._numbers))),
                ParentTreeNextKey=self._next,
            )
        )
        for kid in self._kids:
            kid.P = root
        self._pdf.Root.StructTreeRoot = root
        self._pdf.Root.MarkInfo = pikepdf.Dictionary(Marked=True)


def _entries(tree: Any) -> Iterable[tuple[int, Any]]:
    """Yield the entries of a number tree, in order."""
    if tree is None:
        return
    numbers = tree.get("/Nums", [])
    for place in range(0, len(numbers), 2):
        yield int(numbers[place]), numbers[place + 1]
    for kid in tree.get("/Kids", []):
        yield from _entries(kid)
