"""Typed settings from the environment. An invalid one stops the start with a one-line message."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp import secret_key_file
from webapp.domain.checkpoint_destinations import Destination, parse_destinations
from webapp.domain.signed_note import InvalidNote, SignatureType, VerifierKey

ROOT: Final = Path(__file__).resolve().parent.parent
INSTANCE: Final = ROOT / "instance"

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
# The memory of a worker grows with the rows of a file, by some hundred bytes for each.
IMPORT_ROWS_MOST: Final = 10_000_000
IMPORT_MB_MOST: Final = 4_096
METRICS_TOKEN_LENGTH_MIN: Final = 32
# Where Debian installs fonts-noto-cjk and fonts-noto-color-emoji.
NOTO_FONTS: Final = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/truetype/noto"))
LOG_FORMATS: Final = ("text", "json")


class BadSetting(SystemExit):
    """An invalid setting. As a SystemExit it prints one line and ends the program."""

    def __init__(self, name: str, why: str) -> None:
        """Take the name of the environment variable and the reason."""
        super().__init__(f"{name}: {why}")


@dataclass(frozen=True)
class Settings:
    """The settings of the application, with their environment variables.

    `database_url` (DATABASE_URL): an SQLAlchemy URL; by default an SQLite file in instance/.
    `secret_key` (SECRET_KEY): signs sessions and CSRF tokens; by default created at the first start in
    instance/secret_key, which only its owner can read.
    `secret_key_fallbacks` (SECRET_KEY_FALLBACKS, and the other lines of that file): earlier keys, whose
    sessions and CSRF tokens are still accepted.
    `trusted_hosts` (TRUSTED_HOSTS and HOST): accepted host names in lower case, in addition to localhost
    and IP addresses.
    `public_reading` (PUBLIC_READING): whether everyone has the role viewer.
    `trusted_proxies` (TRUSTED_PROXIES): the number of proxies in front, each of which appends to
    X-Forwarded-For and X-Forwarded-Proto; with 0 these headers are ignored.
    `setup_code_hash` (SETUP_CODE_HASH): hex SHA-256 of the code that creates the first administrator from
    another machine. The start script creates the code, prints it and sets this variable.
    `public_url` (PUBLIC_URL): where people reach the ledger, such as https://ledger.example.org, without a
    slash at the end; empty if it is not known. Statements print it.
    `metrics_token` (METRICS_TOKEN): what Prometheus sends to read /metrics from another machine; empty if
    only this machine may.
    `report_time_zone` (REPORT_TIMEZONE): in which days end, for reports and everything as of a day.
    `pdf_fonts` (PDF_FONTS): a folder of fonts for characters that the fonts of PDFs lack; empty for those of
    Noto, where they are installed.
    `import_rows_max` (IMPORT_ROWS_MAX) and `import_mb_max` (IMPORT_MB_MAX): the most rows and MiB of a file
    that is imported in the background.
    `public_log` (PUBLIC_LOG): whether everyone may read checkpoints, tiles and proofs of the log.
    `log_keys` (LOG_KEYS): the folder of the private keys that sign checkpoints; by default instance/log.
    `log_origin` (LOG_ORIGIN): the name of the log in its checkpoints, used when it signs for the first time;
    by default made of the host of PUBLIC_URL and random digits.
    `checkpoint_to` (CHECKPOINT_TO): where each checkpoint goes from this machine (``destinations``).
    `witness_logs` (WITNESS_LOGS): the keys of other logs whose checkpoints this server cosigns.
    `witness_name` (WITNESS_NAME): the name of the key that cosigns them.
    """

    # Left out of repr(), so that logs do not contain them.
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    trusted_hosts: frozenset[str] = frozenset()
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    public_reading: bool = False
    trusted_proxies: int = 0
    setup_code_hash: str = ""
    public_url: str = ""
    metrics_token: str = field(default="", repr=False)
    report_time_zone: str = "UTC"
    pdf_fonts: str = ""
    import_rows_max: int = 1_000_000
    import_mb_max: int = 512
    public_log: bool = False
    log_keys: Path = INSTANCE / "log"
    log_origin: str = ""
    checkpoint_to: tuple[Destination, ...] = ()
    witness_logs: tuple[VerifierKey, ...] = ()
    witness_name: str = ""

    @property
    def font_folders(self) -> list[str]:
        """The folders of fonts of the machine that PDFs use."""
        return [self.pdf_fonts] if self.pdf_fonts else [str(each) for each in NOTO_FONTS if each.is_dir()]

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings from the environment. Raises BadSetting."""
        secret_key, *fallbacks = _secret_keys()
        return cls(
            database_url=_database_url(),
            secret_key=secret_key,
            secret_key_fallbacks=tuple(fallbacks),
            trusted_hosts=_trusted_hosts(),
            public_reading=_switch("PUBLIC_READING", os.environ.get("PUBLIC_READING", "")),
            trusted_proxies=_trusted_proxies(os.environ.get("TRUSTED_PROXIES", "")),
            setup_code_hash=_setup_code_hash(os.environ.get("SETUP_CODE_HASH", "")),
            public_url=_public_url(os.environ.get("PUBLIC_URL", "")),
            metrics_token=_metrics_token(os.environ.get("METRICS_TOKEN", "")),
            report_time_zone=_time_zone(os.environ.get("REPORT_TIMEZONE", "")),
            pdf_fonts=_font_folder(os.environ.get("PDF_FONTS", "")),
            import_rows_max=_number("IMPORT_ROWS_MAX", cls.import_rows_max, IMPORT_ROWS_MOST),
            import_mb_max=_number("IMPORT_MB_MAX", cls.import_mb_max, IMPORT_MB_MOST),
            public_log=_switch("PUBLIC_LOG", os.environ.get("PUBLIC_LOG", "")),
            log_keys=Path(os.environ.get("LOG_KEYS", "").strip() or cls.log_keys).absolute(),
            log_origin=_key_name("LOG_ORIGIN", os.environ.get("LOG_ORIGIN", "")),
            checkpoint_to=_destinations(os.environ.get("CHECKPOINT_TO", "")),
            witness_logs=_witness_logs(os.environ.get("WITNESS_LOGS", "")),
            witness_name=_key_name("WITNESS_NAME", os.environ.get("WITNESS_NAME", "")),
        )


def _database_url() -> str:
    given = os.environ.get("DATABASE_URL", "").strip()
    if not given:
        INSTANCE.mkdir(secret_key_file.ONLY_OWNERS_FOLDER, exist_ok=True)
        return f"sqlite:///{INSTANCE / 'ledger.sqlite3'}"
    if given.startswith("postgres://"):  # the spelling of many hosting services
        given = given.replace("postgres://", "postgresql://", 1)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise BadSetting("DATABASE_URL", "must be a URL such as postgresql://user@host/name") from None
    if url.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise BadSetting("DATABASE_URL", "must begin with sqlite:/// or postgresql://")
    if url.drivername == "sqlite" and url.database in {None, "", ":memory:"}:
        raise BadSetting("DATABASE_URL", "the SQLite database must be a file")
    return given


def _trusted_hosts() -> frozenset[str]:
    names = f"{os.environ.get('TRUSTED_HOSTS', '')},{os.environ.get('HOST', '')}".split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


def _switch(name: str, text: str) -> bool:
    given = text.strip()
    if given not in {"", "0", "1"}:
        raise BadSetting(name, f"must be 0 or 1, not {given!r}")
    return given == "1"


def _number(name: str, default: int, highest: int) -> int:
    given = os.environ.get(name, "").strip() or str(default)
    if not (given.isascii() and given.isdigit() and len(given) < len(str(highest)) + 1) or not (
        1 <= int(given) <= highest
    ):
        raise BadSetting(name, f"must be a number from 1 to {highest:,}, not {given[:80]!r}")
    return int(given)


def _trusted_proxies(text: str) -> int:
    given = text.strip() or "0"
    if not (given.isascii() and given.isdigit() and len(given) == 1):
        raise BadSetting("TRUSTED_PROXIES", f"must be a number from 0 to 9, not {given!r}")
    return int(given)


def _setup_code_hash(text: str) -> str:
    given = text.strip().lower()
    if given and not re.fullmatch("[0-9a-f]{64}", given):
        raise BadSetting("SETUP_CODE_HASH", "must be a SHA-256 in hex: 64 characters of 0-9 and a-f")
    return given


def _public_url(text: str) -> str:
    given = text.strip().rstrip("/")
    if given and not re.fullmatch(
        r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", given
    ):
        raise BadSetting(
            "PUBLIC_URL", "must be the address of the ledger, such as https://ledger.example.org"
        )
    return given


def _key_name(setting: str, text: str) -> str:
    given = text.strip()
    # The name is also that of a folder, and the tree of accounts adds to it.
    if given and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,150}", given):
        raise BadSetting(
            setting,
            "must be a name such as ledger.example.org/credits, of letters, digits and . _ - /, "
            f"not {given[:80]!r}",
        )
    return given


def _destinations(text: str) -> tuple[Destination, ...]:
    try:
        return parse_destinations(text)
    except ValueError as error:
        raise BadSetting("CHECKPOINT_TO", str(error)) from None


def _witness_logs(text: str) -> tuple[VerifierKey, ...]:
    try:
        keys = tuple(map(VerifierKey.parse, text.split()))
    except InvalidNote as error:
        raise BadSetting("WITNESS_LOGS", str(error)) from None
    for key in keys:
        if key.type is not SignatureType.ED25519:
            raise BadSetting(
                "WITNESS_LOGS",
                f"{str(key)!r} is the key of a witness. Those of a log are printed there by `flask log key`",
            )
    return keys


def _metrics_token(text: str) -> str:
    given = text.strip()
    if given and not re.fullmatch(f"[!-~]{{{METRICS_TOKEN_LENGTH_MIN},}}", given):
        raise BadSetting(
            "METRICS_TOKEN",
            f"must have at least {METRICS_TOKEN_LENGTH_MIN} characters of ASCII, without spaces",
        )
    return given


def log_format() -> str:
    """Return LOG_FORMAT, "text" or "json". The server asks for it before there is an application.

    Raises BadSetting.
    """
    given = os.environ.get("LOG_FORMAT", "").strip() or LOG_FORMATS[0]
    if given not in LOG_FORMATS:
        raise BadSetting("LOG_FORMAT", f"must be text or json, not {given[:80]!r}")
    return given


def _time_zone(text: str) -> str:
    given = text.strip() or "UTC"
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSetting(
            "REPORT_TIMEZONE", f"must be a time zone such as Europe/Berlin, not {given[:80]!r}"
        ) from None
    return given


def _font_folder(text: str) -> str:
    given = text.strip()
    if given and not Path(given).is_dir():
        raise BadSetting("PDF_FONTS", f"must be a folder of fonts, not {given[:80]!r}")
    return given


def key_path() -> Path:
    """Return the path of the secret key file, which is used unless SECRET_KEY is set."""
    return INSTANCE / "secret_key"


def _secret_keys() -> list[str]:
    """Return the key that signs, followed by the keys that are still accepted."""
    given = os.environ.get("SECRET_KEY", "")
    fallbacks = os.environ.get("SECRET_KEY_FALLBACKS", "").replace(",", " ").split()
    for name, keys in {"SECRET_KEY": [given] if given else [], "SECRET_KEY_FALLBACKS": fallbacks}.items():
        if any(len(key) < secret_key_file.LENGTH_MIN for key in keys):
            raise BadSetting(name, f"must have at least {secret_key_file.LENGTH_MIN} characters")
    if given:
        return [given, *fallbacks]
    try:
        return [*secret_key_file.read_or_create(key_path()), *fallbacks]
    except secret_key_file.BadKeyFile as error:
        raise BadSetting("SECRET_KEY", str(error)) from None
