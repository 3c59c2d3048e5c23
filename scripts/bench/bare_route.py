"""The bare route: what the same server can answer at all, the unit of every other figure."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def constant() -> bytes:
    return b"constant\n"
