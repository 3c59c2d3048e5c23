"""A conventional ledger for comparison: Flask, SQLAlchemy's ORM, two tables, one commit per request.

It has a unique serial number and a history, but none of this project's guarantees: rows can be changed,
nothing is hashed, and there is no search. DATABASE_URL names its SQLite file, which is opened with the same
pragmas.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, ForeignKey, create_engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000")

# The names of fields in requests, and their attributes.
FIELDS: Final = {
    "project_name": "project_name",
    "registry": "registry_name",
    "vintage": "vintage",
    "quantity": "quantity",
    "serial_number": "serial_number",
}


class Base(DeclarativeBase):
    """The base class of both models."""


db: Final = SQLAlchemy(model_class=Base)


class Record(Base):
    """A credit with its current status."""

    __tablename__ = "records"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_name: Mapped[str]
    # SQLAlchemy reserves the attribute name `registry`.
    registry_name: Mapped[str] = mapped_column("registry", index=True)
    vintage: Mapped[int]
    quantity: Mapped[int]
    serial_number: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="ACTIVE")
    events: Mapped[list[Event]] = relationship(back_populates="record", order_by="Event.id")


class Event(Base):
    """An event of a credit."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), index=True)
    event_type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    recorded_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    record: Mapped[Record] = relationship(back_populates="events")


def fill(database_url: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Create the tables, and a record for each row."""
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(new_record(row) for row in rows)


def create_app() -> Flask:
    """Return the application. Its tables must already exist."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    app.add_url_rule("/records", view_func=create, methods=["POST"])
    app.add_url_rule("/records/<int:record_id>", view_func=read)
    app.add_url_rule("/records/<int:record_id>/retire", view_func=retire, methods=["POST"])
    with app.app_context():
        event.listen(db.engine, "connect", set_pragmas)
    return app


def create() -> tuple[Response, HTTPStatus]:
    body = request.get_json()
    try:
        record = new_record(body)
    except KeyError as missing:
        abort(HTTPStatus.UNPROCESSABLE_ENTITY, f"Missing: {missing}")
    db.session.add(record)
    try:
        db.session.commit()
    except IntegrityError:
        abort(HTTPStatus.CONFLICT, "This serial number is recorded already.")
    return jsonify(answer(record)), HTTPStatus.CREATED


def read(record_id: int) -> Response:
    return jsonify(answer(db.get_or_404(Record, record_id)))


def retire(record_id: int) -> Response:
    record = db.get_or_404(Record, record_id)
    if record.status == "RETIRED":
        abort(HTTPStatus.CONFLICT, "This credit is retired.")
    record.status = "RETIRED"
    record.events.append(Event(event_type="RETIRED", data=request.get_json()))
    db.session.commit()
    return jsonify(answer(record))


def new_record(body: Mapping[str, Any]) -> Record:
    """Return a record of these fields, with its first event."""
    fields = {attribute: body[name] for name, attribute in FIELDS.items()}
    return Record(**fields, events=[Event(event_type="CREATED", data=dict(body))])


def answer(record: Record) -> dict[str, Any]:
    """Return the record with its history, as in the API's response."""
    fields = {name: getattr(record, attribute) for name, attribute in FIELDS.items()}
    events = [
        {"event_type": item.event_type, "data": item.data, "recorded_at": item.recorded_at.isoformat()}
        for item in record.events
    ]
    return {"id": record.id, **fields, "status": record.status, "events": events}


def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
