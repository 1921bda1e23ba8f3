-- Of an input that is one thing, and not some of a lot or a kind: it went into a process, with whatever was in it
-- (src/store/trace_index.rs). A recall of a million items asks which of them may have led on to something, and those are
-- few; with an index of their own they are found without looking at the million.
--
-- Row-level security is forced upon the owner too, who would see nothing to change.
ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;

WITH used AS (
    SELECT s.merchant_id, s.batch_id, s.position, substr(about.text, 7) AS identity
    FROM statement s
    CROSS JOIN LATERAL json_array_elements_text(convert_from(s.receipt, 'UTF8')::json -> 'about') AS about (text)
    WHERE s.kind = 'event' AND convert_from(s.receipt, 'UTF8') LIKE '%"input %'
      AND about.text LIKE 'input %'
      AND about.text NOT LIKE 'input https://id.gs1.org/01/______________'
      AND about.text NOT LIKE 'input https://id.gs1.org/01/______________/10/%'
)
UPDATE trace_index t SET turn = 12
FROM used
WHERE t.merchant_id = used.merchant_id AND t.batch_id = used.batch_id AND t.position = used.position
  AND t.role = 4
  AND t.identity_key = ('x' || encode(substr(sha256(convert_to(used.identity, 'UTF8')), 1, 8), 'hex'))
                       ::bit(64)::bigint;

CREATE INDEX trace_index_used
    ON trace_index (merchant_id, event_time, batch_id, position, recorded_at)
    WHERE role = 4 AND turn = 12;

ALTER TABLE statement FORCE ROW LEVEL SECURITY;
ALTER TABLE trace_index FORCE ROW LEVEL SECURITY;
