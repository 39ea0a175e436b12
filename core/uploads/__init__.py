"""Files that customers and staff upload: checked by content, stored privately, scanned for viruses, and only ever
downloaded (docs/security.md#uploads)."""
