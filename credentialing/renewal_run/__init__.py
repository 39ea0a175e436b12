"""The renewal run: who still lacks a certificate of a bound renewal (B-20, docs/spec.md#b-20).

`pairs` finds every insured and holder of some renewals with what became of each, `pages` makes rows of them, `skipping`
keeps what isn't needed, and `workbook` writes them to Excel. Creating and sending is a batch's.
"""
