"""The bare route: a constant response of the same server, the unit of the other figures."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def constant() -> bytes:
    return b"constant\n"
