"""What a clinician types into CAQH's provider profile under professional liability insurance (B-20)."""
