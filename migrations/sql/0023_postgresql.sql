-- The schema of revision 0023 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE standing_cells ADD COLUMN credits BIGINT DEFAULT 0 NOT NULL
--;
ALTER TABLE standing_cells ADD COLUMN quantity_e4 BIGINT DEFAULT 0 NOT NULL
--;
ALTER TABLE standing_cells ADD COLUMN entered BIGINT DEFAULT 0 NOT NULL
--;
ALTER TABLE standing_cells ADD COLUMN entered_e4 BIGINT DEFAULT 0 NOT NULL
--;
UPDATE standing_cells SET
  credits = (SELECT coalesce(sum(day_sums.entered - day_sums.went), 0) FROM day_sums WHERE day_sums.cell = standing_cells.cell),
  quantity_e4 = (SELECT coalesce(sum(day_sums.entered_e4 - day_sums.went_e4), 0) FROM day_sums WHERE day_sums.cell = standing_cells.cell),
  entered = (SELECT coalesce(sum(day_sums.entered), 0) FROM day_sums WHERE day_sums.cell = standing_cells.cell),
  entered_e4 = (SELECT coalesce(sum(day_sums.entered_e4), 0) FROM day_sums WHERE day_sums.cell = standing_cells.cell)
