-- Entries of the log that came back from the public files after an old database was restored: what they
-- say is lost with their statements, and that they were said is not. Nobody's in particular: whose they
-- were is part of what is lost.
CREATE TABLE lost_entry (
    leaf_index bigint PRIMARY KEY CHECK (leaf_index >= 0),
    recorded_at timestamptz NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32)
);

GRANT SELECT, INSERT ON lost_entry TO rootmark_sealer;
GRANT SELECT ON lost_entry TO rootmark_checker;
