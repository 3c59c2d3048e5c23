"""Settings from the environment, typed. A bad one stops the start with one line that names it."""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT: Final = Path(__file__).resolve().parent.parent
INSTANCE: Final = ROOT / "instance"

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
SECRET_BYTES: Final = 32
SECRET_LENGTH_MIN: Final = 32


class BadSetting(SystemExit):
    """A setting that cannot be used. As a SystemExit it prints its one line and ends the start."""

    def __init__(self, name: str, why: str) -> None:
        """Take the environment variable and what is wrong with it."""
        super().__init__(f"{name}: {why}")


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    `database_url` (DATABASE_URL): an SQLAlchemy address; SQLite in instance/ if missing.
    `secret_key` (SECRET_KEY): signs sessions and form tokens; made on first start if missing
    and kept in instance/secret_key, which only its owner can read.
    `trusted_hosts` (TRUSTED_HOSTS, and HOST): the names, lower case, by which people reach this
    program besides localhost and IP addresses.
    """

    database_url: str
    secret_key: str
    trusted_hosts: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings. Raises BadSetting."""
        return cls(database_url=_database_url(), secret_key=_secret_key(), trusted_hosts=_trusted_hosts())


def _database_url() -> str:
    given = os.environ.get("DATABASE_URL", "").strip()
    if not given:
        INSTANCE.mkdir(exist_ok=True)
        return f"sqlite:///{INSTANCE / 'ledger.sqlite3'}"
    if given.startswith("postgres://"):  # as many hosting services still spell it
        given = given.replace("postgres://", "postgresql://", 1)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise BadSetting(
            "DATABASE_URL", "this is not an address such as postgresql://user@host/name"
        ) from None
    if url.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise BadSetting("DATABASE_URL", "must begin with sqlite:/// or postgresql://")
    if url.drivername == "sqlite" and url.database in {None, "", ":memory:"}:
        raise BadSetting("DATABASE_URL", "the SQLite database must be a file")
    return given


def _trusted_hosts() -> frozenset[str]:
    names = f"{os.environ.get('TRUSTED_HOSTS', '')},{os.environ.get('HOST', '')}".split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


def _secret_key() -> str:
    given = os.environ.get("SECRET_KEY", "")
    if given:
        if len(given) < SECRET_LENGTH_MIN:
            raise BadSetting("SECRET_KEY", f"must have at least {SECRET_LENGTH_MIN} characters")
        return given
    INSTANCE.mkdir(exist_ok=True)
    path = INSTANCE / "secret_key"
    if not path.exists():
        # Written aside and linked into place: of two first starts at once, one wins whole.
        aside = INSTANCE / f"secret_key.{os.getpid()}"
        aside.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        aside.write_text(secrets.token_hex(SECRET_BYTES))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text().strip()
