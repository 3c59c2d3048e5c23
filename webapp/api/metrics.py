"""Metrics for Prometheus, of all serving processes."""

import hmac
import os
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from webapp.api import operations
from webapp.api.operation import describes
from webapp.authorization import allows_everyone
from webapp.http import local_request
from webapp.imports.background import job
from webapp.ledger.metrics import REGISTRY
from webapp.ledger.stored_gauges import GAUGES, StoredGauge, StoredGauges

api = Blueprint("api_metrics", __name__)

# Set by the server; without it this process is the only one.
_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
_GAUGES: Final = (
    *GAUGES,
    StoredGauge("ledger_import_jobs", "Large imports that are worked on.", ("state",), job.count_unfinished),
)


@api.get("/metrics")
@describes(operations.GET_METRICS)
@allows_everyone
def get_metrics() -> Response:
    """Return the metrics as text; for this machine, or with METRICS_TOKEN."""
    if not (_has_token() or local_request.is_local(request)):
        abort(HTTPStatus.NOT_FOUND, "Metrics are for this machine, or for a program that has METRICS_TOKEN.")
    stored = CollectorRegistry()
    stored.register(StoredGauges(_GAUGES))
    text = generate_latest(_counted()) + generate_latest(stored)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _counted() -> CollectorRegistry:
    """Return what was counted in all processes of the server, or in this one if it is alone."""
    if _DIRECTORY not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # it has no types
    return registry


def _has_token() -> bool:
    expected: str = current_app.config["METRICS_TOKEN"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_same = hmac.compare_digest(given.strip().encode(), expected.encode())
    return bool(expected) and scheme.lower() == "bearer" and is_same
