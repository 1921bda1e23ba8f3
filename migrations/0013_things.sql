-- What queries and lists ask of the trace index: which events name an identity as a thing. 1 to 5 are the
-- roles epc, parent, child, input and output. Of a lot the whole index has a row for each event of each of
-- a million items; this one has those rows alone that name the lot itself.
CREATE INDEX trace_index_thing
    ON trace_index (merchant_id, identity_key, event_time, batch_id, position, recorded_at, role)
    WHERE role BETWEEN 1 AND 5;
