-- What a statement does with each thing that it names (src/domain/turn.rs), beside as what it names it. So a
-- walk asks for what befell a case itself, and not for a thousand events that filled it; for the last event
-- that put it somewhere; and for the issuances of a lot's codes, and not for its million items.
--
-- Row-level security is forced upon the owner too, who would see nothing to change.
ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;

ALTER TABLE trace_index ADD COLUMN turn smallint NOT NULL DEFAULT 0;

WITH event AS (
    SELECT s.merchant_id, s.batch_id, s.position,
           said.content #>> '{body,type}' AS type, said.content #>> '{body,action}' AS action,
           -- The word, or its URI.
           regexp_replace(said.content #>> '{body,bizStep}',
                          '^https://ref\.gs1\.org/cbv/BizStep-', '') AS step,
           EXISTS (SELECT FROM json_array_elements_text(said.about) AS named (text)
                   WHERE named.text LIKE 'child %') AS has_children,
           -- By their key; or by the words for building one thing into another, except for what is carried.
           EXISTS (SELECT FROM json_array_elements_text(said.about) AS named (text)
                   WHERE named.text LIKE 'child https://id.gs1.org/8004/%'
                      OR (named.text LIKE 'child %'
                          AND named.text NOT LIKE 'child https://id.gs1.org/00/%'
                          AND said.content #>> '{body,bizStep}'
                              ~ '^(https://ref\.gs1\.org/cbv/BizStep-)?(installing|removing)$')) AS measures
    FROM statement s
    CROSS JOIN LATERAL (SELECT convert_from(s.content, 'UTF8')::json AS content,
                               convert_from(s.receipt, 'UTF8')::json -> 'about' AS about) AS said
    WHERE s.kind = 'event'
)
UPDATE trace_index t
SET turn = CASE
    WHEN t.role = 1 AND (e.step IN ('retail_selling', 'decommissioning', 'destroying')
                         OR (e.type = 'ObjectEvent' AND e.action = 'DELETE')) THEN 5
    WHEN t.role = 3 AND e.type = 'AggregationEvent' AND e.action = 'ADD' THEN 1
    WHEN t.role = 3 AND e.type = 'AggregationEvent' AND e.action = 'DELETE' THEN 2
    WHEN t.role = 3 AND e.type = 'AssociationEvent' AND e.action = 'ADD' THEN 3
    WHEN t.role = 3 AND e.type = 'AssociationEvent' AND e.action = 'DELETE' THEN 4
    WHEN t.role = 2 AND e.type = 'AssociationEvent' AND e.measures AND e.action = 'ADD' THEN 9
    WHEN t.role = 2 AND e.type = 'AssociationEvent' AND e.measures THEN 0
    WHEN t.role = 2 AND e.type IN ('AggregationEvent', 'AssociationEvent') AND e.has_children THEN 6
    WHEN t.role = 2 AND e.type = 'AggregationEvent' AND e.action = 'DELETE' THEN 7
    WHEN t.role = 2 AND e.type = 'AssociationEvent' AND e.action = 'DELETE' THEN 8
    ELSE 0
END
FROM event e
WHERE e.merchant_id = t.merchant_id AND e.batch_id = t.batch_id AND e.position = t.position
  AND t.role IN (1, 2, 3);

UPDATE trace_index t
SET turn = CASE
    WHEN t.role = 6 THEN 10
    WHEN convert_from(s.receipt, 'UTF8') LIKE '%"lot %' THEN 11
    ELSE 10
END
FROM statement s
WHERE s.merchant_id = t.merchant_id AND s.batch_id = t.batch_id AND s.position = t.position
  AND s.kind = 'issuance' AND t.role IN (6, 7);

ALTER TABLE trace_index ALTER COLUMN turn DROP DEFAULT;

-- By role and turn before the time: each has its own order of time, however many the others are.
ALTER TABLE trace_index DROP CONSTRAINT trace_index_pkey;
ALTER TABLE trace_index ADD PRIMARY KEY
    (merchant_id, identity_key, role, turn, event_time, batch_id, position, recorded_at);

-- So links need no index of their own any more: whatever is said of a lot in one role lies together.
DROP INDEX trace_index_anchor;

-- As in 0013, with the turn at the end: for what it leaves out, no row is fetched.
DROP INDEX trace_index_thing;
CREATE INDEX trace_index_thing
    ON trace_index (merchant_id, identity_key, event_time, batch_id, position, recorded_at, role, turn)
    WHERE role BETWEEN 1 AND 5;

ALTER TABLE statement FORCE ROW LEVEL SECURITY;
ALTER TABLE trace_index FORCE ROW LEVEL SECURITY;
