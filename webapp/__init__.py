"""The application factory. It wires the packages together, and has writes rechecked before commit."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_migrate import Migrate
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from webapp import api, authorization, cli, error_handlers, idempotency, web
from webapp.accounts import login_rate_limit
from webapp.accounts import tables as account_tables
from webapp.config import INSTANCE, MAX_BODY_BYTES, ROOT, Settings
from webapp.http import observability, request_security, session_cookie
from webapp.imports.background.limits import Limits
from webapp.ledger.storage import party_tables
from webapp.ledger.storage.engine import (
    begin_read_transaction,
    db,
    end_read_transaction,
    engine_options,
    prepare,
)
from webapp.ledger.storage.row_keys import use_secret_keys
from webapp.ledger.transparency import destinations, key_folder, witness
from webapp.ledger.transparency.key_folder import KeyFolder
from webapp.ledger.transparency.witness import Witness
from webapp.statements.pdf import use_fonts

# The tables are imported so that their models are registered before Migrate reads the metadata.
__all__ = ["account_tables", "create_app", "party_tables"]


class Application(Flask):
    """A Flask application that rechecks the principal's role before it commits a write."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Dispatch the request; a write runs with the recheck."""
        if request.method in request_security.SAFE_METHODS or request.endpoint is None:
            return super().dispatch_request()
        with authorization.recheck_before_commit():
            return super().dispatch_request()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is. None is a coroutine, and Flask would ask each one in each request."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application. The settings are read from the environment unless given."""
    settings = settings or Settings.from_environment()
    app = Application(
        __name__,
        root_path=str(ROOT),
        instance_path=str(INSTANCE),
        template_folder="templates",
        static_folder="static",
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        # Flask-WTF has no fallback keys, but accepts a list: its last key signs.
        WTF_CSRF_SECRET_KEY=[*settings.secret_key_fallbacks, settings.secret_key],
        TRUSTED_NAMES=settings.trusted_hosts,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        WTF_CSRF_TIME_LIMIT=None,
        PUBLIC_READING=settings.public_reading,
        TRUSTED_PROXIES=settings.trusted_proxies,
        SETUP_CODE_HASH=settings.setup_code_hash,
        PUBLIC_URL=settings.public_url,
        PUBLIC_LOG=settings.public_log,
        METRICS_TOKEN=settings.metrics_token,
        REPORT_TIMEZONE=settings.report_time_zone,
        IMPORT_LIMITS=Limits(settings.import_rows_max, settings.import_mb_max * 1024**2),
    )
    use_fonts(settings.font_folders)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would lose the body of a write
    app.session_interface = session_cookie.SessionCookie()

    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
        login_rate_limit.use_key(db.engine, settings.secret_key)
        use_secret_keys(db.engine, [settings.secret_key, *settings.secret_key_fallbacks])
        host = urlsplit(settings.public_url).hostname or "carbon-credit-ledger"
        key_folder.use(db.engine, KeyFolder(settings.log_keys, host, settings.log_origin))
        destinations.use(db.engine, settings.checkpoint_to)
        witness.use(
            db.engine,
            Witness(settings.log_keys, settings.witness_name or f"{host}/witness", settings.witness_logs),
        )
    Migrate(app, db, directory=str(ROOT / "migrations"))
    observability.install(app)
    app.before_request(begin_read_transaction)
    app.teardown_request(lambda _error: end_read_transaction())
    # Before authorization, so that the body of a cross-site request is not read.
    request_security.install(app)
    authorization.install(app)
    idempotency.install(app)
    error_handlers.install(app)
    web.install(app)
    api.install(app)
    cli.install(app)
    # From the inside out: static files, security headers, proxies, observation.
    _serve_static_files(app)
    app.wsgi_app = request_security.SecurityHeadersMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    _trust_proxies(app, settings.trusted_proxies)
    app.wsgi_app = observability.ObservingMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, is_behind_proxy=bool(settings.trusted_proxies)
    )
    return app


def _trust_proxies(app: Flask, number: int) -> None:
    """Take the client's address and the scheme from the headers of this many proxies; never the Host."""
    if number:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=number, x_proto=number, x_host=0)  # type: ignore[method-assign]


def _serve_static_files(app: Flask) -> None:
    """Serve static/ in front of the application; versioned files are cached for ever."""

    def is_versioned(_path: str, url: str) -> bool:
        return url.startswith("/static/vendor/")

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(ROOT / "static"),
        prefix="static/",
        max_age=60,
        allow_all_origins=False,
        immutable_file_test=is_versioned,
    )
