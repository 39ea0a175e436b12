"""The kinds of change requests, a module for each group: forms, supplemental applications, and rules."""
