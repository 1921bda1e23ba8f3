-- What a resolver asks of the trace index: the links said of one identity, newest first. Of a lot the
-- index has a row for each of a million items; this one has a row for each link and none besides, so
-- that a link is found at the same cost however many items there are. 11 is the role `anchor`.
CREATE INDEX trace_index_anchor
    ON trace_index (merchant_id, identity_key, recorded_at, batch_id, position) WHERE role = 11;

-- Public: whose records describe a place or a party, as gtin_owner says it of a product. A place is
-- nobody's own: a port stands in the record of every merchant whose goods pass it. Derived from the
-- party statements; `rootmark check` makes it again and compares.
CREATE TABLE party_description (
    -- Eight bytes of SHA-256 over the canonical identity.
    identity_key bigint NOT NULL,
    merchant_id uuid NOT NULL,
    PRIMARY KEY (identity_key, merchant_id)
);

-- Descriptions that were recorded before this table. The owner of the tables is bound by row-level
-- security too, so it is lifted for this one statement, within this transaction.
ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY;
INSERT INTO party_description (identity_key, merchant_id)
SELECT DISTINCT identity_key, merchant_id FROM trace_index WHERE role IN (8, 9);
ALTER TABLE trace_index FORCE ROW LEVEL SECURITY;

-- Everybody may look up whose records to read; only for itself can a merchant enter one.
ALTER TABLE party_description ENABLE ROW LEVEL SECURITY;
ALTER TABLE party_description FORCE ROW LEVEL SECURITY;
CREATE POLICY look_up ON party_description FOR SELECT
    TO rootmark_capture, rootmark_reader, rootmark_checker USING (true);
CREATE POLICY describe ON party_description FOR INSERT TO rootmark_capture
    WITH CHECK (merchant_id = (SELECT acting_merchant()));

GRANT SELECT, INSERT ON party_description TO rootmark_capture;
GRANT SELECT ON party_description TO rootmark_reader, rootmark_checker;
