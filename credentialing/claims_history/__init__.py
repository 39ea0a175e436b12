"""Claims histories for third parties, and loss runs for policyholders and agents (B-05).

In order:

1. `access` says whose history a user may have, and on what ground: their own, an authorization, or the carrier's rule.
   `authorizing` takes the insured's signature, and ends it.
2. `snapshot` takes coverage and claims from the tables once, for one insured or many. `issuing` stores the rows;
   `loss_runs` does so for a policy or an account, and keeps the clock of a request.
3. A worker calls `issuing.render`. `sheet` turns the snapshot into words, for the page that shows it before it's issued
   as well; `rendering` puts them into the template, and `core.pdf.Layout` makes the PDF.
"""
