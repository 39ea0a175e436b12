"""Sending certificates to holders by email (S-36, B-03).

A `Delivery` is one certificate to one address, and it is work. `services` creates them, `mailing` hands them to the
mail server, and `reports` notes what a mail service reports of them.
"""
