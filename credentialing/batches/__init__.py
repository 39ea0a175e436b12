"""Many certificates at once, from a choice to one file.

In order:

1. `choosing` reads what was chosen, a search among it, and finds the insureds and terms that it means.
2. `freezing` settles the items, one for each insured, term, and holder; `requirements` says what a holder will reject.
3. `running` starts a batch, cuts it into pieces, hands them over a few at a time, cancels, and retries.
4. A worker calls `running.run_piece`: `certifying` issues the certificates of a piece, `files` makes their files and at
   the end the batch's own, and forgets it after some days.
"""
