"""The entry for WSGI servers: `gunicorn wsgi:app`. Flask's own commands find it too."""

from webapp import create_app

app = create_app()
