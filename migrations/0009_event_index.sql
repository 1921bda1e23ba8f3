-- What queries find events by. All of it is derived: `rootmark check` makes it again and compares.

DO $$
BEGIN
    -- As in 0001: roles are the cluster's, and another database may have made this one.
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rootmark_indexer') THEN
            CREATE ROLE rootmark_indexer NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    BEGIN
        GRANT rootmark_indexer TO current_user;
    EXCEPTION WHEN internal_error OR insufficient_privilege THEN
        NULL;
    END;
END
$$;

-- All terms of the events of one batch, as its capture left them, until they are merged.
CREATE TABLE event_batch (
    merchant_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Written and read by src/domain/posting.rs. Empty where it must be made from the statements.
    terms bytea NOT NULL,
    PRIMARY KEY (merchant_id, batch_id)
);

-- The events that have one term, of one minute in which they happened and one in which they were
-- captured: what a thousand events share is one row, and a page begins in the middle of the table as
-- cheaply as at its end.
CREATE TABLE event_term (
    merchant_id uuid NOT NULL,
    -- Eight bytes of SHA-256 over a field and its value.
    term bigint NOT NULL,
    -- Minutes since 1970.
    event_minute bigint NOT NULL,
    recorded_minute bigint NOT NULL,
    -- Which merge wrote it; nothing is rewritten.
    segment uuid NOT NULL,
    postings bytea NOT NULL,
    PRIMARY KEY (merchant_id, term, event_minute, segment, recorded_minute)
);

CREATE INDEX event_term_recorded
    ON event_term (merchant_id, term, recorded_minute, segment, event_minute);

-- Words that a merchant's events use, for whoever asks what there is.
CREATE TABLE event_word (
    merchant_id uuid NOT NULL,
    -- See WordKind in src/domain/posting.rs.
    kind smallint NOT NULL,
    word text NOT NULL,
    PRIMARY KEY (merchant_id, kind, word)
);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['event_batch', 'event_term', 'event_word'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own ON %I TO rootmark_capture, rootmark_reader, rootmark_eraser
                USING (merchant_id = (SELECT acting_merchant()))
                WITH CHECK (merchant_id = (SELECT acting_merchant()))', tenant_table);
        EXECUTE format(
            'CREATE POLICY every ON %I FOR SELECT TO rootmark_checker USING (true)', tenant_table);
        EXECUTE format(
            'CREATE POLICY every_merged ON %I TO rootmark_indexer
                USING (true) WITH CHECK (true)', tenant_table);
    END LOOP;
END
$$;

-- Batches from before this migration are indexed once the service runs.
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sealed_batch NO FORCE ROW LEVEL SECURITY;
ALTER TABLE pending_batch NO FORCE ROW LEVEL SECURITY;
ALTER TABLE event_batch NO FORCE ROW LEVEL SECURITY;
INSERT INTO event_batch (merchant_id, batch_id, recorded_at, terms)
SELECT b.merchant_id, b.id, b.recorded_at, ''
FROM (SELECT merchant_id, id, recorded_at FROM sealed_batch
      UNION ALL SELECT merchant_id, id, recorded_at FROM pending_batch) AS b
WHERE EXISTS (SELECT FROM statement s
              WHERE s.merchant_id = b.merchant_id AND s.batch_id = b.id AND s.kind = 'event');
ALTER TABLE event_batch FORCE ROW LEVEL SECURITY;
ALTER TABLE pending_batch FORCE ROW LEVEL SECURITY;
ALTER TABLE sealed_batch FORCE ROW LEVEL SECURITY;
ALTER TABLE statement FORCE ROW LEVEL SECURITY;

CREATE POLICY every_event ON statement FOR SELECT TO rootmark_indexer USING (true);

GRANT INSERT ON event_batch TO rootmark_capture;
GRANT SELECT ON event_batch, event_term, event_word, event_key TO rootmark_reader;
GRANT SELECT ON event_batch, event_term, event_word TO rootmark_checker;
GRANT SELECT, DELETE ON event_batch TO rootmark_indexer;
GRANT SELECT, INSERT ON event_term, event_word TO rootmark_indexer;
GRANT SELECT ON statement TO rootmark_indexer;
