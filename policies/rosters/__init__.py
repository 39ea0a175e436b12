"""Roster reconciliation (B-06): a spreadsheet of the people, compared with those insured, and sent as one request."""
