"""Certificates of insurance and letters of past coverage, from a coverage to a file.

In order:

1. `policies.eligibility` decides what a coverage gives today: a certificate, a letter, or nothing and why.
2. `issuing` takes the facts and stores the certificate's row.
   `snapshot` is those facts as JSON, taken from the tables once; `history` adds what a letter lists.
   `numbers` draws the serial number and the verification code; `limits` bounds how often a user may issue.
3. A worker calls `issuing.render`. `sheet` turns the snapshot into the words of the page, `rendering` puts them into
   the template, and `core.pdf.Layout` makes the PDF.
4. `downloads` records each time the file is given out.
"""
