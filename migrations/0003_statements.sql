-- Statements are inserted and never changed. Only an erasure, which is itself a statement, may
-- replace a payload, and only in the eraser's role.
CREATE TABLE statement (
    merchant_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    -- From 0, without gaps: a statement's place in the log is its batch's first index plus this.
    position integer NOT NULL CHECK (position >= 0),
    kind text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    -- Bytes, not jsonb: jsonb rewrites what was hashed.
    content bytea NOT NULL,
    receipt bytea NOT NULL,
    content_secret bytea NOT NULL CHECK (length(content_secret) = 32),
    receipt_secret bytea NOT NULL CHECK (length(receipt_secret) = 32),
    PRIMARY KEY (merchant_id, batch_id, position)
);

-- What one capture transaction stored, until it is sealed. The order of the log is given by the
-- sealer alone: ids and times say when a transaction began, not when it committed.
CREATE TABLE pending_batch (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    statement_count integer NOT NULL CHECK (statement_count > 0),
    PRIMARY KEY (merchant_id, id)
);

CREATE INDEX pending_batch_queue ON pending_batch (recorded_at, id);

CREATE TABLE sealed_batch (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    statement_count integer NOT NULL CHECK (statement_count > 0),
    first_index bigint NOT NULL UNIQUE CHECK (first_index >= 0),
    PRIMARY KEY (merchant_id, id)
);

-- One row for each event and each retraction, so that a repeat is recognised.
CREATE TABLE event_key (
    merchant_id uuid NOT NULL,
    -- 16 bytes of SHA-256 over the eventID and whether this is an error declaration.
    key bytea NOT NULL CHECK (length(key) = 16),
    -- SHA-256 of the content: private, since contents can be guessed.
    content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
    batch_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (merchant_id, key)
);

-- Who speaks of which identity, as what. Derived: `rootmark check` makes it again and compares.
-- Partitioned by record time, so that a year's index is small and an old one can be moved.
CREATE TABLE trace_index (
    merchant_id uuid NOT NULL,
    -- Eight bytes of SHA-256 over the canonical identity.
    identity_key bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    position integer NOT NULL,
    role smallint NOT NULL,
    PRIMARY KEY (merchant_id, identity_key, recorded_at, batch_id, position, role)
) PARTITION BY RANGE (recorded_at);

CREATE TABLE trace_index_other PARTITION OF trace_index DEFAULT;
CREATE TABLE trace_index_2026 PARTITION OF trace_index
    FOR VALUES FROM ('2026-01-01T00:00:00Z') TO ('2027-01-01T00:00:00Z');
CREATE TABLE trace_index_2027 PARTITION OF trace_index
    FOR VALUES FROM ('2027-01-01T00:00:00Z') TO ('2028-01-01T00:00:00Z');

CREATE TABLE capture_job (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    -- Events in the document, and how many of them were new.
    event_count integer NOT NULL,
    stored_count integer NOT NULL,
    PRIMARY KEY (merchant_id, id)
);

-- Item codes of one lot: the items numbered first_number up to, not including,
-- first_number + quantity.
CREATE TABLE code_range (
    merchant_id uuid NOT NULL,
    gtin text NOT NULL,
    first_number bigint NOT NULL CHECK (first_number >= 0),
    quantity bigint NOT NULL CHECK (quantity > 0),
    lot text,
    -- The issuance statement that says so publicly.
    batch_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (merchant_id, gtin, first_number),
    CHECK (first_number + quantity <= 4294967296)
);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'statement', 'pending_batch', 'sealed_batch', 'event_key', 'trace_index',
        'trace_index_other', 'trace_index_2026', 'trace_index_2027', 'capture_job', 'code_range'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own ON %I TO rootmark_capture, rootmark_reader, rootmark_eraser
                USING (merchant_id = (SELECT acting_merchant()))
                WITH CHECK (merchant_id = (SELECT acting_merchant()))', tenant_table);
        EXECUTE format(
            'CREATE POLICY every ON %I FOR SELECT TO rootmark_checker USING (true)', tenant_table);
    END LOOP;
END
$$;

-- The sealer gives an order to everybody's statements; of a statement it may see the digest alone.
CREATE POLICY every_digest ON statement FOR SELECT TO rootmark_sealer USING (true);
CREATE POLICY every_sealed ON sealed_batch TO rootmark_sealer USING (true) WITH CHECK (true);
CREATE POLICY every_pending ON pending_batch TO rootmark_sealer USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON statement, pending_batch, event_key, trace_index, capture_job, code_range
    TO rootmark_capture;
GRANT SELECT ON sealed_batch TO rootmark_capture;
GRANT SELECT ON statement, pending_batch, sealed_batch, trace_index, code_range TO rootmark_reader;
GRANT SELECT (merchant_id, batch_id, position, digest) ON statement TO rootmark_sealer;
GRANT SELECT, DELETE ON pending_batch TO rootmark_sealer;
GRANT SELECT, INSERT ON sealed_batch TO rootmark_sealer;
GRANT SELECT ON statement, pending_batch, sealed_batch, event_key, trace_index, capture_job,
    code_range TO rootmark_checker;
GRANT SELECT ON statement TO rootmark_eraser;
GRANT UPDATE (content, receipt, content_secret, receipt_secret) ON statement TO rootmark_eraser;
