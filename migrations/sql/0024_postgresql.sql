CREATE TABLE integrity_checks (
    id BIGSERIAL NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    asked_at TEXT COLLATE "C" NOT NULL,
    began_at TEXT COLLATE "C",
    finished_at TEXT COLLATE "C",
    owner TEXT COLLATE "C",
    lease_until TEXT COLLATE "C",
    attempts INTEGER NOT NULL,
    events_all BIGINT NOT NULL,
    events_done BIGINT NOT NULL,
    events BIGINT,
    digest BYTEA,
    findings INTEGER NOT NULL,
    shown TEXT COLLATE "C" NOT NULL,
    failure TEXT COLLATE "C",
    CONSTRAINT pk_integrity_checks PRIMARY KEY (id)
)
