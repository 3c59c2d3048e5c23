CREATE TABLE idempotency_keys (
    actor TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    made_at TEXT COLLATE "C" NOT NULL,
    status INTEGER,
    headers TEXT COLLATE "C",
    body BYTEA,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, "key")
)
--;
CREATE INDEX ix_idempotency_keys_made_at ON idempotency_keys (made_at)
