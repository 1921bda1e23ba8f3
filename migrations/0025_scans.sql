-- Look-ups of items: each is a statement of its own, which counts those before it (src/scan/mod.rs). This table finds
-- them, and keeps apart what must not be counted twice: a phone by a name that it gives itself, another for each code
-- and each day; a network by a hash under a key that is forgotten after a day. Neither is in any statement.
CREATE TABLE scan (
    merchant_id uuid NOT NULL,
    -- Canonical Digital Link of the item.
    code text NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    first_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- ISO 3166, where a proxy of the operator says so.
    place text,
    phone bytea NOT NULL CHECK (octet_length(phone) = 16),
    network bytea NOT NULL CHECK (octet_length(network) = 8),
    batch_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (merchant_id, code, number)
);
-- Whoever checks a batch looks for the rows of its statements.
CREATE INDEX scan_statement ON scan (merchant_id, batch_id);
-- Whoever looks is asked for by both names, however often the item was looked up.
CREATE INDEX scan_phone ON scan (merchant_id, code, phone);
CREATE INDEX scan_network ON scan (merchant_id, code, network);

ALTER TABLE scan ENABLE ROW LEVEL SECURITY;
ALTER TABLE scan FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON scan TO rootmark_capture, rootmark_reader
    USING (merchant_id = (SELECT acting_merchant()))
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
CREATE POLICY every ON scan FOR SELECT TO rootmark_checker USING (true);

GRANT SELECT, INSERT ON scan TO rootmark_capture;
GRANT SELECT ON scan TO rootmark_reader, rootmark_checker;
