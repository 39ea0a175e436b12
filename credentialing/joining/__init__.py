"""Someone joins a group (B-17): the checklist, and who gets the certificate as soon as coverage is bound."""
