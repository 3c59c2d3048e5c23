CREATE TABLE integrity_checks (
    id INTEGER NOT NULL,
    actor TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    began_at TEXT,
    finished_at TEXT,
    owner TEXT,
    lease_until TEXT,
    attempts INTEGER NOT NULL,
    events_all BIGINT NOT NULL,
    events_done BIGINT NOT NULL,
    events BIGINT,
    digest BLOB,
    findings INTEGER NOT NULL,
    shown TEXT NOT NULL,
    failure TEXT,
    CONSTRAINT pk_integrity_checks PRIMARY KEY (id)
)
