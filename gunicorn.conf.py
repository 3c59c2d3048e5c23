"""The configuration of gunicorn, which reads this file for `make run` and `gunicorn wsgi:app`.

HOST, PORT and WEB_CONCURRENCY come from the environment. All other settings can be overridden on gunicorn's
command line. Application code does not belong here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from server import metrics_directory
from server.masked_log import MaskedLogger, announce
from server.settings import Address, worker_count
from server.setup_code import setup_code, setup_code_hash
from server.terminal import CommandError
from server.worker import BufferingWorker

if TYPE_CHECKING:
    from webapp.ledger.background.thread import BackgroundThread

# Before the program is loaded.
metrics_directory.make()


class Server(Protocol):
    """The part of gunicorn's arbiter that the hooks use (gunicorn ships no types)."""

    LISTENERS: list[Any]
    cfg: Any

    def handle_term(self) -> None: ...


class Worker(Protocol):
    """The part of gunicorn's worker that the hooks use."""

    age: int
    pid: int
    cfg: Any
    sockets: list[Any]
    wsgi: Any


# The threads of this worker beside those that answer requests; none for another program.
_background_threads: list[BackgroundThread] = []

try:
    bind = Address.from_environment().bind
    workers = worker_count()
except CommandError as error:
    sys.exit(str(error))
# Until gunicorn handles signals, Ctrl-C should exit without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

worker_class = BufferingWorker  # gunicorn's gthread; its threads only get complete requests
# Threads per worker. More concurrent requests would only wait for the database: for its single writer
# (SQLite) or for a connection of the pool (PostgreSQL).
threads = 8
worker_connections = 500
backlog = 512
# Database connections must not be opened before the fork, so each worker loads the application.
preload_app = False

# A worker whose main loop makes no progress for this many seconds is replaced. Long requests in its threads
# do not block the loop.
timeout = 60
# Seconds for which the kernel holds back a connection that sends nothing.
SILENT_FOR_S = 30
# Seconds that a stopping worker gives its running requests.
graceful_timeout = 30
keepalive = 5

# gunicorn trusts no forwarding header: by default it trusts those from this machine, where any program could
# claim another scheme. The application trusts TRUSTED_PROXIES proxies.
forwarded_allow_ips = ""
# Workers only get the hash of the set-up code.
os.environ["SETUP_CODE_HASH"] = setup_code_hash()
# The control socket in the user's folder is not used.
control_socket_disable = True

# The address of the list of credits has its filters and cursor; 8190 is gunicorn's maximum.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Some addresses have a secret, which no log may contain.
logger_class = MaskedLogger
# No access log by default. With --access-logfile -, it has no client addresses.
accesslog = None
access_log_format = '%(t)s "%(m)s %(U)s" %(s)s %(b)s bytes %(M)s ms %({x-request-id}o)s'
errorlog = "-"
loglevel = "info"

# The heartbeat files of the workers must not wait for a busy disk.
if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):  # noqa: S108 (gunicorn creates its files safely)
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def on_starting(server: Server) -> None:
    """Exit with one line if the address is in use, before gunicorn's five attempts."""
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return  # The sockets are inherited and already open.
    for address in server.cfg.address:
        if isinstance(address, tuple):
            try:
                Address(*address).check_free()
            except CommandError as error:
                sys.exit(str(error))


def when_ready(server: Server) -> None:
    """Accept connections only once they send data, and stop when the terminal closes.

    A worker gives each new connection a thread for up to five seconds, even a silent one. Browsers open
    connections in advance, and a few of those would block all other requests. gunicorn reloads on SIGHUP,
    which a closed terminal sends too.
    """
    if sys.platform == "linux":
        for listener in server.LISTENERS:
            if listener.sock.family != socket.AF_UNIX:
                listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_FOR_S)
    if sys.stdin is not None and sys.stdin.isatty():
        setattr(server, "handle_hup", server.handle_term)  # noqa: B010 (mypy forbids the plain assignment)


def post_worker_init(worker: Worker) -> None:
    """Start the threads in the background; print the address to open once the last worker is ready.

    Only the last worker prints it, because gunicorn loses a Ctrl-C while it starts workers.
    """
    if _is_ledger(worker.wsgi):
        from webapp.authorization import may_still_record
        from webapp.imports.background import runner
        from webapp.ledger import integrity, overview, readiness
        from webapp.ledger.standings import Follower
        from webapp.ledger.transparency.signer import CheckpointSigner

        program = worker.wsgi
        _background_threads.append(runner.worker(program.app_context, may_still_record))
        _background_threads.append(integrity.worker(program.app_context))
        _background_threads.append(
            Follower(program.app_context, program.config["REPORT_TIMEZONE"], overview.prepare)
        )
        _background_threads.append(CheckpointSigner(program.app_context))
        for thread in _background_threads:
            thread.start()
            readiness.watch(thread)
    if worker.age != worker.cfg.workers:
        return
    for listener in worker.sockets:
        if listener.family == socket.AF_UNIX:
            announce(f"Ready: listening on {listener}")
            continue
        address = Address(*listener.getsockname()[:2])
        everywhere = ", and on the other addresses of this machine" if address.is_every_address else ""
        url = address.url("https" if worker.cfg.is_ssl else "http")
        announce(f"Ready: open {url} in a browser{everywhere}. Ctrl-C stops it.")
    if _has_no_account(worker.wsgi):
        announce(f"No account yet: {_access_before_set_up(worker.wsgi)} open /setup: {setup_code()}")


def worker_exit(_server: Server, _worker: Worker) -> None:
    """Stop the threads. Jobs are given back, so that another process can go on with them."""
    for thread in _background_threads:
        thread.stop()


def _access_before_set_up(program: Any) -> str:  # noqa: ANN401 (gunicorn serves anything)
    """Return who can use the ledger before the first account, for the line that prints the set-up code."""
    if program.config["TRUSTED_PROXIES"]:
        return "nobody can use it, since behind a proxy no request counts as local. To make the first,"
    return "this machine may do everything. Elsewhere,"


def _is_ledger(program: Any) -> bool:  # noqa: ANN401 (gunicorn serves anything)
    # Imported here, because the worker has loaded it and the arbiter must not.
    from flask import Flask

    return isinstance(program, Flask) and program.import_name == "webapp"


def _has_no_account(program: Any) -> bool:  # noqa: ANN401 (gunicorn serves anything)
    """Return whether the application is the ledger and has no account."""
    if not _is_ledger(program):
        return False
    from webapp.accounts import users
    from webapp.domain.errors import LedgerError

    try:
        with program.app_context():
            return not users.any_exists()
    except LedgerError:
        return False  # the database is down or not migrated; the pages show that


def child_exit(_server: Server, worker: Worker) -> None:
    """Take the gauges of a worker that ended out of the sums. Its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # it has no types


def on_exit(_server: Server) -> None:
    metrics_directory.remove()
    announce("Stopped.")
