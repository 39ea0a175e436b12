"""Write the secrets that docker-compose.yml names into a folder, each once: what is there already stays.

    python3 tools/make_secrets.py [FOLDER]

Files of what only you know (the mail server, the sender of text messages) are made empty; the command names them. The
folder is its owner's alone. The files in it can be read by anybody who gets that far, since Compose hands them to the
processes as they are, and these run as a user of their own.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

REDIS_CONF = """\
port 0
unixsocket /data/redis.sock
unixsocketperm 777
requirepass {password}
save ""
appendonly no
maxmemory-policy noeviction
"""
ASKED_FOR = ("email_url", "twilio_auth_token")


def contents() -> dict[str, str]:
    """Name of each file → what is in it."""
    postgres, redis = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    return {
        "secret_key": secrets.token_urlsafe(64),
        "hash_key": secrets.token_urlsafe(48),
        "field_keys": f"1:{secrets.token_urlsafe(48)}",
        "postgres_password": postgres,
        "database_url": f"postgres://portal:{postgres}@%2Frun%2Fpostgresql/portal",
        "redis_conf": REDIS_CONF.format(password=redis),
        "redis_url": f"unix://:{redis}@/run/redis/redis.sock?db=0",
        **dict.fromkeys(ASKED_FOR, ""),
    }


# A password and the address that holds it belong together: neither is made without the other.
PAIRS = (("postgres_password", "database_url"), ("redis_conf", "redis_url"))


def make_secrets(folder: Path) -> list[str]:
    """Write the missing files; returns the names of those that are still empty. Raises SystemExit for half a pair."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for pair in PAIRS:
        found = [name for name in pair if (folder / name).exists()]
        if len(found) == 1:
            sys.exit(
                f"{folder / found[0]} is there without its counterpart. Put back or remove both of {', '.join(pair)}."
            )
    for name, text in contents().items():
        path = folder / name
        if not path.exists():
            path.write_text(text if text.endswith("\n") or not text else f"{text}\n", encoding="utf-8")
            path.chmod(0o444 if text else 0o644)
    return [name for name in contents() if not (folder / name).read_text(encoding="utf-8").strip()]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("secrets")
    empty = make_secrets(folder)
    print(f"The secrets are in {folder}. Back up field_keys and hash_key, apart from the database.")
    for name in empty:
        print(f"Still empty: {folder / name}")


if __name__ == "__main__":
    main()
