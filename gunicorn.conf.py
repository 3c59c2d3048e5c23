"""How the ledger is served. gunicorn reads this file by itself, for `make run` and `gunicorn wsgi:app` alike.

HOST, PORT and WEB_CONCURRENCY are read from the environment; everything else can
still be overridden on gunicorn's command line. What the program itself does has no place here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Protocol

from server.settings import Address, worker_count
from server.setup_code import setup_code, setup_code_hash
from server.terminal import CommandError
from server.worker import BufferingWorker


class Server(Protocol):
    """The part of gunicorn's arbiter that the hooks below use (gunicorn has no types of its own)."""

    LISTENERS: list[Any]
    cfg: Any

    def handle_term(self) -> None: ...


class Worker(Protocol):
    """The part of gunicorn's worker that the hooks below use."""

    age: int
    cfg: Any
    sockets: list[Any]
    wsgi: Any


try:
    bind = Address.from_environment().bind
    workers = worker_count()
except CommandError as refusal:
    sys.exit(str(refusal))
# Until gunicorn listens to signals itself, Ctrl-C should end this quietly and not in a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

worker_class = BufferingWorker  # gunicorn's gthread, whose threads only get whole requests
# Together with the workers: how many requests are worked on at once. More would only queue
# for the database, where one writer (SQLite) or a pool of connections (PostgreSQL) is waiting.
threads = 8
worker_connections = 500
backlog = 512
# Connections to the database must not be made before the fork, so each worker loads the program itself.
preload_app = False

# A worker's main loop that has not moved for this long is replaced. It accepts and hands on; a long
# request in one of its threads does not count.
timeout = 60
# How long a connection may say nothing before it is looked at.
SILENT_FOR_S = 30
# What a stopping worker gives the requests that it is still working on.
graceful_timeout = 30
keepalive = 5

# Believe no forwarded header here: gunicorn would believe those from this machine, where any program
# could then claim another scheme. The program believes as many proxies as TRUSTED_PROXIES says.
forwarded_allow_ips = ""
# The workers know the code that makes the first administrator only by its hash.
os.environ["SETUP_CODE_HASH"] = setup_code_hash()
# Runtime control over a socket in the user's folder: not used, so not offered.
control_socket_disable = True

# An address of the credits page carries its filters and its place in the list; 8190 is gunicorn's most.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# No access log unless asked for (--access-logfile -), and then a short one that names no visitor.
accesslog = None
access_log_format = '%(t)s "%(m)s %(U)s" %(s)s %(b)s bytes %(M)s ms'
errorlog = "-"
loglevel = "info"

# The heartbeat of the workers should not wait for a busy disk.
if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):  # noqa: S108 (gunicorn makes its files safely)
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def on_starting(server: Server) -> None:
    """Says at once, in one line, what gunicorn would say after five tries."""
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return  # The sockets were handed over, open.
    for place in server.cfg.address:
        if isinstance(place, tuple):
            try:
                Address(*place).check_free()
            except CommandError as refusal:
                sys.exit(str(refusal))


def when_ready(server: Server) -> None:
    """Takes connections only when they ask for something, and stops with the terminal it runs in.

    A worker gives each new connection a thread for up to five seconds, also one that says nothing.
    Browsers open such connections ahead, so a few of them would keep everybody else waiting.
    gunicorn takes a closed window as a wish to reload, and stays.
    """
    if sys.platform == "linux":
        for listener in server.LISTENERS:
            if listener.sock.family != socket.AF_UNIX:
                listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_FOR_S)
    if sys.stdin is not None and sys.stdin.isatty():
        setattr(server, "handle_hup", server.handle_term)  # noqa: B010 (mypy forbids the plain assignment)


def post_worker_init(worker: Worker) -> None:
    """Prints the address to open once a worker has loaded the program and can answer.

    The last of them does it: gunicorn loses a Ctrl-C that comes while it is still starting workers.
    """
    if worker.age != worker.cfg.workers:
        return
    for listener in worker.sockets:
        if listener.family == socket.AF_UNIX:
            print(f"Ready: listening on {listener}", flush=True)
            continue
        address = Address(*listener.getsockname()[:2])
        everywhere = ", and on the other addresses of this machine" if address.is_every_address else ""
        url = address.url("https" if worker.cfg.is_ssl else "http")
        print(f"Ready: open {url} in a browser{everywhere}. Ctrl-C stops it.", flush=True)
    if _has_no_account(worker.wsgi):
        print(f"No account yet: {_who_may(worker.wsgi)} open /setup: {setup_code()}", flush=True)


def _who_may(program: Any) -> str:  # noqa: ANN401 (gunicorn serves anything)
    """Who can use the program before the first account, and who has to make that one."""
    if program.config["TRUSTED_PROXIES"]:
        return "nobody can use it, since behind a proxy no request counts as local. To make the first,"
    return "this machine may do everything. Elsewhere,"


def _has_no_account(program: Any) -> bool:  # noqa: ANN401 (gunicorn serves anything)
    """Whether it is our program, and nobody can sign in to it yet."""
    # Imported here: by now the worker has loaded them, and the arbiter should not.
    from flask import Flask

    if not isinstance(program, Flask) or program.import_name != "webapp":
        return False
    from webapp.accounts import users
    from webapp.domain.errors import LedgerError

    try:
        with program.app_context():
            return not users.any_exists()
    except LedgerError:
        return False  # the database is away or not migrated: the pages say so


def on_exit(_server: Server) -> None:
    print("Stopped.", flush=True)
