"""The program that lays PDF files out so that they can be joined; `core.pdf.combining` runs it (`core.pdf.apart`).

It reads a line of JSON for each file: `{"path": …, "to": …, "tags": 7}`, and writes the file again at `to`: whole and
repaired, every object plain and in order, streams byte for byte as they are. Its catalog says in entries of our own
what the joined file takes over:

    Up, Above    what will be the parent of its pages, and the root of its tags
    Pages, First its tree of pages, and its first page
    Marks        its outline
    Tags, Keys   its tags in one element, and its part of the parents' tree; its keys begin at `tags`
    Layers, Off  its optional content, and what of it is hidden

The answer is `{"pages": 3, "keys": 12, "roles": {}, "version": "1.7"}`, `keys` being null for a file without tags, or
`{"fault": "broken"}`, `"encrypted"`, or `"protected"`: its owner doesn't want it assembled with others. It imports
nothing of the portal and has no more memory than `sys.argv[1]` bytes.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Deeper trees than this are circles, or meant to harm.
DEEPEST = 40


def unfolded(path: str, to: str, first: int) -> dict[str, Any]:
    """Write the file at `path` to `to`, laid out. Return what is said about it, or its fault."""
    try:
        with pikepdf.open(path) as pdf:
            if pdf.is_encrypted and not pdf.allow.modify_assembly:
                return {"fault": "protected"}
            said = _lay_out(pdf, first)
            # As a stream: by its name, the library would write beside it and move it.
            with Path(to).open("wb") as stream:
                pdf.save(
                    stream,
                    object_stream_mode=pikepdf.ObjectStreamMode.disable,
                    stream_decode_level=pikepdf.StreamDecodeLevel.none,
                    compress_streams=False,
                    static_id=True,
                    encryption=False,
                )
    except pikepdf.PasswordError:
        return {"fault": "encrypted"}
    except Exception:  # noqa: BLE001  # whatever a damaged file makes the library raise
        return {"fault": "broken"}
    return said


def _lay_out(pdf: Pdf, first: int) -> dict[str, Any]:
    root, pages = pdf.Root, list(pdf.pages)
    if not pages:
        raise ValueError("a file without pages")
    _drop_form(pdf)
    _resolve_names(pdf)
    catalog: dict[str, Any] = {"Pages": root.Pages, "First": pages[0].obj, "Up": pdf.make_indirect(Dictionary())}
    _count(root.Pages)
    root.Pages.Parent = catalog["Up"]
    marks = root.get("/Outlines")
    if isinstance(marks, Dictionary) and all(isinstance(marks.get(end), Dictionary) for end in ("/First", "/Last")):
        catalog["Marks"] = marks
    catalog |= _layers(root.get("/OCProperties"))
    tags = _tags(pdf, first)
    if tags is not None:
        catalog |= tags["catalog"]
    for key in list(root.keys()):
        del root[key]
    root.Type = Name.Catalog
    for name, value in catalog.items():
        root[f"/{name}"] = value
    for key in list(pdf.trailer.keys()):
        if key not in {"/Root", "/Size", "/ID"}:
            del pdf.trailer[key]
    return {
        "pages": len(pages),
        "keys": tags["keys"] if tags else None,
        "roles": tags["roles"] if tags else {},
        "version": pdf.pdf_version,
    }


def _count(node: Any, depth: int = 0) -> int:
    """Set the number of pages below each node of the tree: a wrong one would move the pages of the files behind it."""
    if depth > DEEPEST:
        raise ValueError("a tree of pages too deep")
    pages = sum(_count(kid, depth + 1) if "/Kids" in kid else 1 for kid in node.Kids)
    node.Count = pages
    return pages


def _drop_form(pdf: Pdf) -> None:
    """Make what is filled in visible, and drop the form: its fields' names would be those of the other files, too.

    The widgets stay as what they show, but for a signature that shows nothing.
    """
    form = pdf.Root.get("/AcroForm")
    if form is None:
        return
    if form.get("/NeedAppearances", False):
        pdf.generate_appearance_streams()
    for page in pdf.pages:
        notes = page.obj.get("/Annots")
        if notes is not None and any(map(_is_unseen_signature, notes)):
            page.obj.Annots = Array([note for note in notes if not _is_unseen_signature(note)])


def _is_unseen_signature(note: Any) -> bool:
    if note.get("/Subtype") != Name.Widget or note.get("/FT", note.get("/Parent", {}).get("/FT")) != Name.Sig:
        return False
    left, low, right, high = (float(side) for side in note.Rect)
    return left == right or low == high


def _resolve_names(pdf: Pdf) -> None:
    """Let links and the outline lead to pages instead of names, which other files may have, too."""
    root = pdf.Root
    tree = root.get("/Names", Dictionary()).get("/Dests")
    names: dict[str, Any] = dict(pikepdf.NameTree(tree).items()) if tree is not None else {}
    names |= dict(root.get("/Dests", Dictionary()).items())
    if not names:
        return

    def place(named: Any) -> Any:
        found = names.get(str(named))
        return found.get("/D") if isinstance(found, Dictionary) else found

    def resolve(each: Any) -> None:
        key = "/Dest" if "/Dest" in each else "/D" if each.get("/S") == Name.GoTo else ""
        if key and isinstance(each.get(key), (Name, pikepdf.String)):
            found = place(each[key])
            if found is None:
                del each[key]
            else:
                each[key] = found

    _walk(pdf, resolve)


def _walk(pdf: Pdf, visit: Callable[[Any], None]) -> None:
    """Visit every dictionary of the file, those within others too."""
    for each in pdf.objects:
        for found in _dictionaries(each, 0):
            visit(found)


def _dictionaries(each: Any, depth: int) -> Iterator[Any]:
    if depth > DEEPEST:
        return
    if isinstance(each, pikepdf.Stream):
        yield each
    elif isinstance(each, Dictionary):
        yield each
        for value in list(each.values()):
            if isinstance(value, (Dictionary, Array)) and not value.is_indirect:
                yield from _dictionaries(value, depth + 1)
    elif isinstance(each, Array):
        for value in list(each):
            if isinstance(value, (Dictionary, Array)) and not value.is_indirect:
                yield from _dictionaries(value, depth + 1)


def _layers(properties: Any) -> dict[str, Any]:
    if properties is None or "/OCGs" not in properties:
        return {}
    layers, setting = list(properties.OCGs), properties.get("/D", Dictionary())
    off = list(setting.get("/OFF", []))
    if setting.get("/BaseState") == Name.OFF:
        on = {layer.objgen for layer in setting.get("/ON", [])}
        off = [layer for layer in layers if layer.objgen not in on]
    return {"Layers": Array(layers), "Off": Array(off)}


def _tags(pdf: Pdf, first: int) -> dict[str, Any] | None:
    """Return the file's tags as one element, its keys moved to begin at `first`; None where it isn't tagged."""
    tree = pdf.Root.get("/StructTreeRoot")
    if tree is None or "/K" not in tree or "/ParentTree" not in tree:
        return None
    numbers: list[Any] = []
    after = first
    for number, entry in sorted(pikepdf.NumberTree(tree.ParentTree).items()):
        numbers += [number + first, entry]
        after = number + first + 1
    if first:
        _walk(pdf, lambda each: _move(each, first))
    kids = list(tree.K) if isinstance(tree.K, Array) else [tree.K]
    up = pdf.make_indirect(Dictionary())
    whole = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, P=up, K=Array(kids)))
    for kid in kids:
        kid.P = whole
    keys = Dictionary(Nums=Array(numbers))
    if numbers:
        keys.Limits = Array([numbers[0], numbers[-2]])
    roles = {str(role): str(standard) for role, standard in tree.get("/RoleMap", {}).items()}
    return {"catalog": {"Above": up, "Tags": whole, "Keys": pdf.make_indirect(keys)}, "keys": after, "roles": roles}


def _move(each: Any, by: int) -> None:
    for key in ("/StructParent", "/StructParents"):
        if key in each:
            each[key] = int(each[key]) + by


def main() -> None:
    """Answer until there's nothing more to read."""
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(unfolded(asked["path"], asked["to"], asked["tags"])), flush=True)


if __name__ == "__main__":
    main()
