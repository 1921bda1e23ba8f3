-- Queries that have a name, and who is told of the events that fulfil them. None of it is in the log, and
-- nothing of it can be derived: what `rootmark check` compares is elsewhere.

DO $$
BEGIN
    -- As in 0001: roles are the cluster's, and another database may have made this one.
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rootmark_deliverer') THEN
            CREATE ROLE rootmark_deliverer NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    BEGIN
        GRANT rootmark_deliverer TO current_user;
    EXCEPTION WHEN internal_error OR insufficient_privilege THEN
        NULL;
    END;
END
$$;

CREATE TABLE named_query (
    merchant_id uuid NOT NULL,
    name text NOT NULL,
    -- A JSON object as it came; src/domain/epcis/query/named.rs reads it.
    query text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, name)
);

CREATE TABLE subscription (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    query_name text NOT NULL,
    dest text NOT NULL,
    -- signatureToken, sealed by a key that is not in the database.
    sealed_token bytea,
    epc_format text NOT NULL,
    -- JSON; null for a stream. Read and written by src/domain/schedule.rs.
    schedule text,
    report_if_empty boolean NOT NULL,
    -- Events that were recorded before are left out; null where nobody said so.
    initial_record_time timestamptz,
    created_at timestamptz NOT NULL,
    -- The first place in the log that was not looked at yet. Sealing is the one order in which nothing
    -- comes late: ids and times say when a capture began, not when it was committed.
    next_index bigint NOT NULL CHECK (next_index >= 0),
    min_record_time timestamptz NOT NULL,
    last_notified_at timestamptz,
    -- Not before: a schedule's next time, or when what failed is tried again.
    next_attempt_at timestamptz NOT NULL,
    -- Whether the scheduled report that is under way has sent something already.
    has_reported boolean NOT NULL DEFAULT false,
    -- Attempts in a row that failed.
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- In words of our own, never the target's.
    last_failure text,
    -- Until where the events of the delivery that failed went, and when it was made first: the next attempt
    -- makes the same document again.
    tried_until bigint,
    tried_at timestamptz,
    PRIMARY KEY (merchant_id, id),
    -- Removing a query ends its subscriptions.
    FOREIGN KEY (merchant_id, query_name) REFERENCES named_query ON DELETE CASCADE,
    CHECK ((tried_until IS NULL) = (tried_at IS NULL))
);

CREATE INDEX subscription_of_query ON subscription (merchant_id, query_name, id);
CREATE INDEX subscription_due ON subscription (next_attempt_at);

-- A merchant's batches in the order of the log.
CREATE INDEX sealed_batch_order ON sealed_batch (merchant_id, first_index);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['named_query', 'subscription'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own ON %I TO rootmark_capture
                USING (merchant_id = (SELECT acting_merchant()))
                WITH CHECK (merchant_id = (SELECT acting_merchant()))', tenant_table);
    END LOOP;
END
$$;

CREATE POLICY own_read ON named_query FOR SELECT TO rootmark_reader
    USING (merchant_id = (SELECT acting_merchant()));

-- Whoever delivers sees whose turn it is, of everybody; what was said, only of the merchant that it
-- acts for.
CREATE POLICY every ON named_query FOR SELECT TO rootmark_deliverer USING (true);
CREATE POLICY every ON subscription TO rootmark_deliverer USING (true) WITH CHECK (true);
CREATE POLICY every_place ON sealed_batch FOR SELECT TO rootmark_deliverer USING (true);
CREATE POLICY own_delivered ON statement FOR SELECT TO rootmark_deliverer
    USING (merchant_id = (SELECT acting_merchant()));
CREATE POLICY own_delivered ON event_batch FOR SELECT TO rootmark_deliverer
    USING (merchant_id = (SELECT acting_merchant()));
CREATE POLICY own_delivered ON event_word FOR SELECT TO rootmark_deliverer
    USING (merchant_id = (SELECT acting_merchant()));

GRANT SELECT ON named_query TO rootmark_reader, rootmark_deliverer;
GRANT SELECT, INSERT, DELETE ON named_query TO rootmark_capture;
GRANT INSERT, DELETE ON subscription TO rootmark_capture;
-- All but the sealed secret.
GRANT SELECT (merchant_id, id, query_name, dest, epc_format, schedule, report_if_empty,
              initial_record_time, created_at, next_index, min_record_time, last_notified_at,
              next_attempt_at, has_reported, failures, last_failure, tried_until, tried_at)
    ON subscription TO rootmark_capture;
GRANT SELECT ON subscription TO rootmark_deliverer;
GRANT UPDATE (next_index, min_record_time, last_notified_at, next_attempt_at, has_reported, failures,
              last_failure, tried_until, tried_at)
    ON subscription TO rootmark_deliverer;
GRANT SELECT ON sealed_batch, event_batch, event_word TO rootmark_deliverer;
GRANT SELECT (merchant_id, batch_id, position, kind, content) ON statement TO rootmark_deliverer;
