"""The pages about credits."""

from flask import Blueprint

pages = Blueprint("credits", __name__)
