-- Of a lot: how many items came into the world by a statement as its own, so that a recall of a million items is
-- counted before they are read; fewer than none where that was declared an error (src/store/trace_index.rs).
--
-- Row-level security is forced upon the owner too, who would see nothing to change.
ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;

ALTER TABLE trace_index ADD COLUMN items integer NOT NULL DEFAULT 0;

WITH event AS (
    SELECT s.merchant_id, s.batch_id, s.position, said.about,
           CASE WHEN said.body -> 'errorDeclaration' IS NULL THEN 1 ELSE -1 END AS sign
    FROM statement s
    CROSS JOIN LATERAL (
        SELECT convert_from(s.content, 'UTF8')::json -> 'body' AS body,
               convert_from(s.receipt, 'UTF8')::json -> 'about' AS about) AS said
    WHERE s.kind = 'event'
      AND (said.body ->> 'type' = 'TransformationEvent'
           OR (said.body ->> 'type' = 'ObjectEvent' AND said.body ->> 'action' = 'ADD'))
),
named AS (
    SELECT e.merchant_id, e.batch_id, e.position, e.sign, split_part(about.text, ' ', 1) AS role,
           substr(about.text, strpos(about.text, ' ') + 1) AS identity
    FROM event e CROSS JOIN LATERAL json_array_elements_text(e.about) AS about (text)
),
-- Of several lots of a class nothing says which of them has how many.
lot AS (
    SELECT merchant_id, batch_id, position, split_part(identity, '/10/', 1) AS class, min(identity) AS identity
    FROM named WHERE role = 'lot' AND strpos(identity, '/10/') > 0
    GROUP BY merchant_id, batch_id, position, class HAVING count(*) = 1
),
made AS (
    SELECT merchant_id, batch_id, position, split_part(identity, '/21/', 1) AS class, sum(sign) AS items
    FROM named WHERE role IN ('epc', 'output') AND strpos(identity, '/21/') > 0
    GROUP BY merchant_id, batch_id, position, class
)
UPDATE trace_index t SET items = made.items
FROM lot JOIN made USING (merchant_id, batch_id, position, class)
WHERE t.merchant_id = lot.merchant_id AND t.batch_id = lot.batch_id AND t.position = lot.position
  AND t.role = 6
  AND t.identity_key = ('x' || encode(substr(sha256(convert_to(lot.identity, 'UTF8')), 1, 8), 'hex'))
                       ::bit(64)::bigint;

ALTER TABLE trace_index ALTER COLUMN items DROP DEFAULT;

ALTER TABLE statement FORCE ROW LEVEL SECURITY;
ALTER TABLE trace_index FORCE ROW LEVEL SECURITY;
