-- The schema of revision 0016 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TRIGGER events_guard_next
--;
CREATE TRIGGER events_guard_next BEFORE INSERT ON events WHEN NEW.type IS NOT 'CREATED' AND NEW.subject >= 0
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
         AND CASE WHEN NEW.type = 'AMENDED' THEN EXISTS (
               SELECT 1 FROM events AS amended
                WHERE amended.subject = NEW.subject
                  AND amended.seq = json_extract(NEW.body, '$.data.amends')
                  AND json_type(NEW.body, '$.data.amends') = 'integer'
                  AND EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data') WHERE key NOT IN ('amends', 'why', 'import', 'act'))
                  AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data')
                                   WHERE key NOT IN ('amends', 'why', 'import', 'act')
                                     AND (amended.type, key) NOT IN (VALUES ('CREATED', 'facts'), ('CANCELLED', 'reason'), ('CANCELLED', 'note'), ('SOLD', 'buyer'), ('SOLD', 'occurred_on'), ('SOLD', 'reference'), ('SOLD', 'note'), ('SALE_REVERSED', 'reason'), ('SALE_REVERSED', 'occurred_on'), ('RETIRED', 'beneficiary'), ('RETIRED', 'reason'), ('RETIRED', 'occurred_on'), ('RETIRED', 'reference'), ('RETIRED', 'note'), ('RETIRED', 'facts'), ('WITHDRAWN', 'reason'), ('WITHDRAWN', 'occurred_on'), ('WITHDRAWN', 'reference'), ('WITHDRAWN', 'note'), ('WITHDRAWN', 'facts'))))
             ELSE (CASE WHEN last.type <> 'AMENDED' THEN last.type ELSE (
                     SELECT type FROM events WHERE subject = NEW.subject AND type <> 'AMENDED'
                      ORDER BY seq DESC LIMIT 1) END, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'WITHDRAWN'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'SALE_REVERSED'), ('SOLD', 'RETIRED'), ('SOLD', 'WITHDRAWN'), ('SOLD', 'SPLIT'), ('SALE_REVERSED', 'SOLD'), ('SALE_REVERSED', 'RETIRED'), ('SALE_REVERSED', 'WITHDRAWN'), ('SALE_REVERSED', 'SPLIT'), ('SALE_REVERSED', 'CANCELLED')) END)
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
    WHEN json_type(NEW.body, '$.data.facts') IS NOT NULL AND NOT (json_type(NEW.body, '$.data.facts') = 'object' AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data.facts') WHERE json_each.type <> 'text'))
      THEN RAISE(ABORT, 'ledger: the facts of an event are an object of texts')
    WHEN NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
  END;
END
--;
DROP TRIGGER splits_make_lots
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
                 (SELECT type FROM events WHERE subject = NEW.subject AND type NOT IN ('AMENDED', 'SPLIT')
                   ORDER BY seq DESC LIMIT 1) = 'SOLD' AS was_sold,
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
