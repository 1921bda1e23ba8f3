-- The trace index in the order in which things happened, not in that of their arrival: a query for the
-- events of an identity, latest first, reads as many rows as it answers, however many there are.
--
-- Row-level security is forced upon the owner too, who would see nothing to change.
ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;

-- When what is said happened, to the millisecond: an event's own time, else when it was recorded.
ALTER TABLE trace_index ADD COLUMN event_time timestamptz;

UPDATE trace_index t
SET event_time = CASE
    WHEN s.kind = 'event' THEN least(greatest(date_trunc(
        'milliseconds',
        (convert_from(s.content, 'UTF8')::json #>> '{body,eventTime}')::timestamptz),
        '0001-01-01T00:00:00Z BC'), '9999-12-31T23:59:59.999Z')
    ELSE t.recorded_at
END
FROM statement s
WHERE s.merchant_id = t.merchant_id AND s.batch_id = t.batch_id AND s.position = t.position;

ALTER TABLE trace_index ALTER COLUMN event_time SET NOT NULL;
ALTER TABLE trace_index DROP CONSTRAINT trace_index_pkey;
-- The partitions' key, recorded_at, must be in it; batch_id decides it.
ALTER TABLE trace_index ADD PRIMARY KEY
    (merchant_id, identity_key, event_time, batch_id, position, role, recorded_at);

ALTER TABLE statement FORCE ROW LEVEL SECURITY;
ALTER TABLE trace_index FORCE ROW LEVEL SECURITY;
