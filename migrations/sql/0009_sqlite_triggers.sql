-- Revision 0009 on SQLite, once all is moved: away with the old tables, and the indexes and guards of the new ones. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TABLE feed_0008
--;
DROP TABLE splits_0008
--;
DROP TABLE events_0008
--;
DROP TABLE credits_0008
--;
DROP TABLE serial_claims_0008
--;
DROP TABLE serial_blocks_0008
--;
DROP TABLE credit_states_0008
--;
DROP TABLE import_problems_0008
--;
DROP TABLE idempotency_keys_0008
--;
CREATE UNIQUE INDEX uq_credits_place ON credits (parent, offset_e4) WHERE parent IS NOT NULL
--;
CREATE UNIQUE INDEX uq_credits_replaces ON credits (replaces) WHERE replaces IS NOT NULL
--;
CREATE UNIQUE INDEX uq_events_retired_once ON events (subject) WHERE type = 'RETIRED'
--;
CREATE INDEX ix_feed_type_position ON feed (type, position)
--;
CREATE INDEX ix_serial_blocks_numbers ON serial_blocks (size_class, first)
--;
CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first) WHERE is_held = 1
--;
CREATE INDEX ix_credit_states_group ON credit_states (registry_key, vintage, status, created_position)
--;
CREATE INDEX ix_credit_states_group_project ON credit_states (registry_key, vintage, status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_group_quantity ON credit_states (registry_key, vintage, status, quantity_e4, created_position)
--;
CREATE INDEX ix_credit_states_status ON credit_states (status, created_position)
--;
CREATE INDEX ix_credit_states_status_project ON credit_states (status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_status_quantity ON credit_states (status, quantity_e4, created_position)
--;
CREATE INDEX ix_idempotency_keys_made_at ON idempotency_keys (made_at)
--;
CREATE TRIGGER credits_refuse_update BEFORE UPDATE ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of credits is refused, the log is append-only');
END
--;
CREATE TRIGGER credits_refuse_delete BEFORE DELETE ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of credits is refused, the log is append-only');
END
--;
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of events is refused, the log is append-only');
END
--;
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of events is refused, the log is append-only');
END
--;
CREATE TRIGGER splits_refuse_update BEFORE UPDATE ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of splits is refused, the log is append-only');
END
--;
CREATE TRIGGER splits_refuse_delete BEFORE DELETE ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of splits is refused, the log is append-only');
END
--;
CREATE TRIGGER feed_refuse_update BEFORE UPDATE ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of feed is refused, the log is append-only');
END
--;
CREATE TRIGGER feed_refuse_delete BEFORE DELETE ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of feed is refused, the log is append-only');
END
--;
CREATE TRIGGER log_marks_refuse_update BEFORE UPDATE ON log_marks
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of log_marks is refused, the log is append-only');
END
--;
CREATE TRIGGER log_marks_refuse_delete BEFORE DELETE ON log_marks
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of log_marks is refused, the log is append-only');
END
--;
CREATE TRIGGER events_guard_first BEFORE INSERT ON events WHEN NEW.type IS 'CREATED'
BEGIN
  SELECT CASE
    WHEN NEW.subject IS NOT (SELECT coalesce(max(subject), 0) + 1 FROM events)
      THEN RAISE(ABORT, 'ledger: only the first event of a credit is CREATED, and its key is the next')
    WHEN NEW.seq IS NOT 1
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR instr(replace(NEW.body, '\\', ''), '\u') > 0
      OR json_extract(NEW.body, '$.v', '$.seq', '$.type', '$.prev_hash')
         IS NOT '[1,1,"CREATED","0000000000000000000000000000000000000000000000000000000000000000"]'
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
  END;
END
--;
CREATE TRIGGER events_guard_next BEFORE INSERT ON events WHEN NEW.type IS NOT 'CREATED'
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event is recorded already')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR instr(replace(NEW.body, '\\', ''), '\u') > 0
      OR json_extract(NEW.body, '$.v', '$.credit', '$.seq', '$.type') IS NOT
         (SELECT json_array(1, lower(hex(id)), NEW.seq, NEW.type) FROM credits WHERE key = NEW.subject)
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
    WHEN NOT EXISTS (
      SELECT 1 FROM events AS last
       WHERE last.subject = NEW.subject
         AND last.seq = (SELECT max(seq) FROM events WHERE subject = NEW.subject)
         AND NEW.seq = last.seq + 1
         AND json_extract(NEW.body, '$.prev_hash') = lower(hex(last.hash))
         AND json_extract(NEW.body, '$.recorded_at') >= json_extract(last.body, '$.recorded_at')
         AND (last.type, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'RETIRED'), ('SOLD', 'SPLIT')))
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
    WHEN NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
  END;
END
--;
CREATE TRIGGER events_make_credit AFTER INSERT ON events WHEN NEW.type = 'CREATED'
BEGIN
  INSERT INTO credits (key, id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.subject, id, json_extract(NEW.body, '$.data.project_name'),
         json_extract(NEW.body, '$.data.registry'), vintage, quantity_e4,
         json_extract(NEW.body, '$.data.serial_number'), parent, offset_e4, replaces
    FROM (SELECT (SELECT bytes FROM (SELECT CAST(group_concat(substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1000000000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 100000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 10000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1 % 10000 % 380 + 1, 1), '') AS BLOB) AS bytes FROM (SELECT substr(decimals, value, 16) + 0 AS number FROM (SELECT hex(credit_id) AS decimals LIMIT 1), json_each('[1, 17, 33, 49, 65, 81, 97, 113]') LIMIT -1)) WHERE lower(hex(bytes)) = credit_id) AS id, vintage, quantity, CAST(round(quantity * 10000) AS INTEGER) AS quantity_e4,
                 CASE WHEN parent_id IS NOT NULL THEN (SELECT key FROM credits AS other WHERE other.id = (SELECT bytes FROM (SELECT CAST(group_concat(substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1000000000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 100000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 10000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1 % 10000 % 380 + 1, 1), '') AS BLOB) AS bytes FROM (SELECT substr(decimals, value, 16) + 0 AS number FROM (SELECT hex(parent_id) AS decimals LIMIT 1), json_each('[1, 17, 33, 49, 65, 81, 97, 113]') LIMIT -1)) WHERE lower(hex(bytes)) = parent_id)) END AS parent, place, CAST(round(place * 10000) AS INTEGER) AS offset_e4,
                 CASE WHEN replaced_id IS NOT NULL THEN (SELECT key FROM credits AS other WHERE other.id = (SELECT bytes FROM (SELECT CAST(group_concat(substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1000000000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 100000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 10000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1 % 10000 % 380 + 1, 1), '') AS BLOB) AS bytes FROM (SELECT substr(decimals, value, 16) + 0 AS number FROM (SELECT hex(replaced_id) AS decimals LIMIT 1), json_each('[1, 17, 33, 49, 65, 81, 97, 113]') LIMIT -1)) WHERE lower(hex(bytes)) = replaced_id)) END AS replaces
            FROM (SELECT json_extract(NEW.body, '$.credit') AS credit_id,
                         json_extract(NEW.body, '$.data.vintage') AS vintage,
                         json_extract(NEW.body, '$.data.quantity') AS quantity,
                         json_extract(NEW.body, '$.data.parent') AS parent_id,
                         json_extract(NEW.body, '$.data.offset') AS place,
                         json_extract(NEW.body, '$.data.replaces') AS replaced_id LIMIT 1) LIMIT 1)
   WHERE id IS NOT NULL
     AND json_type(NEW.body, '$.data.project_name') = 'text'
     AND json_type(NEW.body, '$.data.registry') = 'text'
     AND json_type(NEW.body, '$.data.vintage') = 'integer' AND vintage BETWEEN 1990 AND 2100
     AND json_type(NEW.body, '$.data.quantity') = 'text' AND quantity = rtrim(rtrim(printf('%d.%04d', quantity_e4 / 10000, quantity_e4 % 10000), '0'), '.')
     AND quantity_e4 BETWEEN 1 AND 1000000000000
     AND coalesce(json_type(NEW.body, '$.data.serial_number'), 'text') = 'text'
     AND (json_type(NEW.body, '$.data.parent') IS NULL) = (parent IS NULL)
     AND (json_type(NEW.body, '$.data.offset') IS NULL) = (parent IS NULL)
     AND (json_type(NEW.body, '$.data.replaces') IS NULL) = (replaces IS NULL)
     AND (place IS NULL OR place = rtrim(rtrim(printf('%d.%04d', offset_e4 / 10000, offset_e4 % 10000), '0'), '.'));
  SELECT RAISE(ABORT, 'ledger: a CREATED event must state its credit')
   WHERE NOT EXISTS (SELECT 1 FROM credits WHERE key = NEW.subject);
END
--;
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND type = 'CREATED')
      THEN RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
    WHEN EXISTS (SELECT 1 FROM credits WHERE key = NEW.key)
      OR EXISTS (SELECT 1 FROM credits WHERE id = NEW.id)
      THEN RAISE(ABORT, 'ledger: this credit is recorded already')
    WHEN NEW.replaces IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.replaces AND type = 'CANCELLED')
      THEN RAISE(ABORT, 'ledger: only a cancelled credit can be replaced')
    WHEN NEW.replaces IS NOT NULL AND EXISTS (SELECT 1 FROM credits WHERE replaces = NEW.replaces)
      THEN RAISE(ABORT, 'ledger: this credit is replaced already')
    WHEN NEW.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.parent)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
    WHEN NEW.parent IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM credits AS whole
       WHERE whole.key = NEW.parent
         AND (whole.project_name, whole.registry, whole.vintage)
             = (NEW.project_name, NEW.registry, NEW.vintage)
         AND NEW.offset_e4 = coalesce((SELECT offset_e4 + quantity_e4 FROM credits
                                        WHERE parent = NEW.parent ORDER BY offset_e4 DESC LIMIT 1), 0)
         AND NEW.offset_e4 + NEW.quantity_e4 <= whole.quantity_e4)
      THEN RAISE(ABORT, 'ledger: the lots must partition their parent')
  END;
END
--;
CREATE TRIGGER splits_guard_insert BEFORE INSERT ON splits
BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: this credit is split already')
    WHEN NOT EXISTS (SELECT 1 FROM credits WHERE key = NEW.subject)
      OR typeof(NEW.envelope) <> 'text' OR NOT json_valid(NEW.envelope)
      THEN RAISE(ABORT, 'ledger: a row of splits holds the events of one split')
  END;
END
--;
CREATE TRIGGER splits_make_lots AFTER INSERT ON splits
BEGIN
  INSERT INTO events (subject, seq, type, hash, body)
  SELECT CASE WHEN sealed.credit = (SELECT lower(hex(id)) FROM credits WHERE key = NEW.subject)
              THEN NEW.subject ELSE (SELECT max(subject) FROM events) + lot.number END,
         json_extract(body, '$.seq'), json_extract(body, '$.type'), (SELECT bytes FROM (SELECT CAST(group_concat(substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1000000000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 100000000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 10000 % 10000 % 380 + 1, 1) || substr(X'00dadbdcdddedf00000040414243444546474849000a0b0c0d0e0f00000080818283848586878889004a4b4c4d4e4f000000a0a1a2a3a4a5a6a7a8a9008a8b8c8d8e8f000000e0e1e2e3e4e5e6e7e8e900aaabacadaeaf0000001011121314151617181900eaebecedeeef00000050515253545556575859001a1b1c1d1e1f00000090919293949596979899005a5b5c5d5e5f000000b0b1b2b3b4b5b6b7b8b9009a9b9c9d9e9f000000f0f1f2f3f4f5f6f7f8f900babbbcbdbebf0000002021222324252627282900fafbfcfdfeff00000060616263646566676869002a2b2c2d2e2f00000000000000000000000000006a6b6c6d6e6f000000c0c1c2c3c4c5c6c7c8c9000000000000000000000000000000000000000000cacbcccdcecf000000303132333435363738390000000000000000000070717273747576777879003a3b3c3d3e3f00000000000000000000000000007a7b7c7d7e7f000000d0d1d2d3d4d5d6d7d8d90000000000000000000000010203040506070809', number / 1 % 10000 % 380 + 1, 1), '') AS BLOB) AS bytes FROM (SELECT substr(decimals, value, 16) + 0 AS number FROM (SELECT hex(hash) AS decimals LIMIT 1), json_each('[1, 17, 33, 49, 65, 81, 97, 113]') LIMIT -1)) WHERE lower(hex(bytes)) = hash), body
    FROM (SELECT place, hash, body, json_extract(body, '$.credit') AS credit
            FROM (SELECT key AS place, json_extract(value, '$.hash') AS hash, json_extract(value, '$.body') AS body FROM json_each(NEW.envelope)) LIMIT -1) AS sealed
    LEFT JOIN (SELECT json_extract(body, '$.credit') AS credit, row_number() OVER (ORDER BY place) AS number
                 FROM (SELECT key AS place, json_extract(value, '$.hash') AS hash, json_extract(value, '$.body') AS body FROM json_each(NEW.envelope)) WHERE json_extract(body, '$.type') = 'CREATED') AS lot USING (credit)
   ORDER BY place;
  SELECT RAISE(ABORT, 'ledger: the lots must partition their parent')
    FROM (SELECT count(*) AS lots, max(offset_e4 + quantity_e4) AS given_out,
                 (SELECT quantity_e4 FROM credits WHERE key = NEW.subject) AS whole,
                 EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND type = 'SOLD') AS was_sold,
                 (SELECT count(*) FROM credits AS lot JOIN events ON subject = lot.key
                   WHERE parent = NEW.subject AND seq = 2 AND type = 'SOLD') AS sold_lots
            FROM credits WHERE parent = NEW.subject)
   WHERE lots < 2 OR given_out IS NOT whole OR sold_lots <> lots * was_sold
      OR json_array_length(NEW.envelope) <> 1 + lots + sold_lots
      OR NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND type = 'SPLIT');
  SELECT RAISE(ABORT, 'ledger: a split must state the quantities of its lots')
   WHERE (SELECT json_extract(body, '$.data.quantities') FROM events
           WHERE subject = NEW.subject AND type = 'SPLIT' AND json_type(body, '$.data.quantities') = 'array')
         IS NOT (SELECT json_group_array(json_extract(body, '$.data.quantity'))
                   FROM (SELECT body FROM credits JOIN events ON subject = key AND seq = 1
                          WHERE parent = NEW.subject ORDER BY offset_e4));
END
--;
CREATE TRIGGER feed_guard_insert BEFORE INSERT ON feed
BEGIN
  SELECT CASE
    WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed)
      THEN RAISE(ABORT, 'ledger: the positions of the feed have no gaps')
    WHEN EXISTS (SELECT 1 FROM feed WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event has its position already')
    WHEN NEW.type IS NOT (SELECT type FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: there is no such event')
  END;
END
--;
CREATE TRIGGER log_marks_guard_insert BEFORE INSERT ON log_marks
BEGIN
  SELECT RAISE(ABORT, 'ledger: a mark is set at the next position of the feed')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed);
END
--;
CREATE TRIGGER serial_blocks_guard_insert BEFORE INSERT ON serial_blocks
BEGIN
  SELECT CASE
    WHEN typeof(NEW.first) <> 'integer' OR typeof(NEW.last) <> 'integer' OR NEW.credit < 1
      THEN RAISE(ABORT, 'ledger: a block is of a credit, from one number to another')
    WHEN EXISTS (SELECT 1 FROM serial_blocks WHERE credit = NEW.credit)
      THEN RAISE(ABORT, 'ledger: this credit has its block already')
    WHEN NEW.is_held = 1 AND NEW.first <= (
      SELECT last FROM serial_blocks
       WHERE series = NEW.series AND is_held = 1 AND first <= NEW.last
       ORDER BY first DESC LIMIT 1)
      THEN RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
  END;
END
--;
CREATE TRIGGER serial_blocks_guard_update BEFORE UPDATE ON serial_blocks
BEGIN
  SELECT CASE
    WHEN typeof(NEW.first) <> 'integer' OR typeof(NEW.last) <> 'integer' OR NEW.credit < 1
      THEN RAISE(ABORT, 'ledger: a block is of a credit, from one number to another')
    WHEN NEW.credit <> OLD.credit
      THEN RAISE(ABORT, 'ledger: this credit has its block already')
    WHEN NEW.is_held = 1 AND NEW.first <= (
      SELECT last FROM serial_blocks
       WHERE series = NEW.series AND is_held = 1 AND first <= NEW.last AND credit <> OLD.credit
       ORDER BY first DESC LIMIT 1)
      THEN RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
  END;
END
--;
CREATE VIRTUAL TABLE credit_search USING fts5(search_text, tokenize = 'trigram case_sensitive 1', detail = none, content = 'credit_states', content_rowid = 'created_position')
--;
INSERT INTO credit_search (credit_search) VALUES ('rebuild')
