-- The schema of revision 0019 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE standing_cells (
  cell BIGINT NOT NULL,
  registry_key TEXT COLLATE "C" NOT NULL,
  project_key TEXT COLLATE "C" NOT NULL,
  project_id TEXT COLLATE "C" NOT NULL,
  vintage INTEGER NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  party_key TEXT COLLATE "C" NOT NULL,
  is_dated SMALLINT NOT NULL,
  CONSTRAINT pk_standing_cells PRIMARY KEY (cell),
  CONSTRAINT uq_standing_cells_key UNIQUE (registry_key, project_key, project_id, vintage, type, party_key, is_dated)
)
--;
CREATE INDEX ix_standing_cells_party ON standing_cells (party_key) WHERE party_key != ''
--;
CREATE INDEX ix_standing_cells_project ON standing_cells (project_key)
--;
CREATE INDEX ix_standing_cells_project_id ON standing_cells (project_id) WHERE project_id != ''
--;
CREATE TABLE standings (
  known_from BIGINT NOT NULL,
  credit BIGINT NOT NULL,
  step INTEGER NOT NULL,
  known_to BIGINT,
  cell BIGINT NOT NULL,
  first_day INTEGER NOT NULL,
  last_day INTEGER,
  quantity_e4 BIGINT NOT NULL,
  CONSTRAINT pk_standings PRIMARY KEY (known_from, credit, step)
)
--;
CREATE INDEX ix_standings_cell ON standings (cell, first_day)
--;
CREATE INDEX ix_standings_credit ON standings (credit, step)
--;
CREATE INDEX ix_standings_known_to ON standings (known_to) WHERE known_to IS NOT NULL
--;
CREATE TABLE day_sums (
  cell BIGINT NOT NULL,
  day INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  entered BIGINT NOT NULL,
  entered_e4 BIGINT NOT NULL,
  went BIGINT NOT NULL,
  went_e4 BIGINT NOT NULL,
  CONSTRAINT pk_day_sums PRIMARY KEY (cell, day, epoch)
)
--;
CREATE TABLE standing_head (
  id BIGINT NOT NULL,
  position BIGINT NOT NULL,
  time_zone TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_standing_head PRIMARY KEY (id),
  CONSTRAINT ck_standing_head_one CHECK (id = 1)
)
