-- A document can be stored event by event: its job says which events were refused, and why.
ALTER TABLE capture_job
    ADD COLUMN error_behaviour text NOT NULL DEFAULT 'rollback'
        CHECK (error_behaviour IN ('rollback', 'proceed')),
    -- How many events were refused.
    ADD COLUMN refused_count integer NOT NULL DEFAULT 0 CHECK (refused_count >= 0),
    -- The first of them: a JSON array, read and written by src/store/capture_job.rs.
    ADD COLUMN faults text NOT NULL DEFAULT '[]';
