-- Every change of the log's key. The head names the newest key; these rows lead to it from the first,
-- and are published as they are. Insert-only: a rotation that was ever public may not be unsaid.
CREATE TABLE key_rotation (
    -- Counted from 1, at most as many as the published history has room for.
    number bigint PRIMARY KEY CHECK (number BETWEEN 1 AND 500),
    -- The note that both keys signed, exactly; both keys and both sizes are in it.
    note text NOT NULL
);

-- How many there are: without it, a log that lost them all would look like one with a first key.
ALTER TABLE log_head ADD COLUMN key_rotations bigint NOT NULL DEFAULT 0 CHECK (key_rotations >= 0);

GRANT SELECT, INSERT ON key_rotation TO rootmark_sealer;
GRANT SELECT ON key_rotation TO rootmark_checker, rootmark_reader;
