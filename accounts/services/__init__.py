"""Sign-in in its steps: password, codes, set-up of a method, remembered devices, locks."""
