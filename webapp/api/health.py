"""Health checks for monitors, load balancers, and the script that starts the server."""

from flask import Blueprint, Response

from webapp.api import health_schemas, operations
from webapp.api.operation import describes
from webapp.api.serializers import json_response
from webapp.authorization import allows_everyone
from webapp.ledger import readiness
from webapp.ledger.storage.schema_version import ping
from webapp.ledger.transparency import checkpoints

api = Blueprint("api_health", __name__)


@api.get("/healthz")
@describes(operations.CHECK_HEALTH)
@allows_everyone
def check_health() -> Response:
    ping()
    return json_response(health_schemas.Health("ok"))


@api.get("/readyz")
@describes(operations.CHECK_READINESS)
@allows_everyone
def check_readiness() -> Response:
    readiness.require_ready()
    return json_response(health_schemas.Readiness("ready", checkpoints.state()))
