# The ledger as an image: docs/deploying.md describes how it is built and run.
# The version of Python and Debian is the one that the tests run on.

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /srv/venv \
    && /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: --requirement requirements.txt \
    && /srv/venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-bookworm
# For names in Chinese, Japanese and Korean, and for emoji, in PDFs.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-cjk fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 ledger \
    && useradd --system --uid 10001 --gid ledger --home-dir /srv/ledger --shell /usr/sbin/nologin ledger
WORKDIR /srv/ledger
COPY --from=build /srv/venv /srv/venv
COPY LICENSE gunicorn.conf.py sample-registry.json verify_statement.py wsgi.py ./
COPY migrations ./migrations
COPY server ./server
COPY static ./static
COPY templates ./templates
COPY webapp ./webapp
# Compiled here, because the program cannot write into its own folder.
RUN /srv/venv/bin/python -m compileall -q migrations server webapp wsgi.py \
    && install --directory --owner=ledger --group=ledger --mode=700 instance
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLASK_APP=wsgi \
    HOST=0.0.0.0 \
    PORT=8000
# Database and key, if no setting names others.
VOLUME /srv/ledger/instance
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["python", "-m", "server.health_check"]
CMD ["gunicorn", "wsgi:app"]
