"""The acts on a credit: its sale and its retirement."""

from flask import Blueprint

pages = Blueprint("acts", __name__)
