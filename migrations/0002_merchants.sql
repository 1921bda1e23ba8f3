-- A merchant is a tenant: a brand owner or importer.
CREATE TABLE merchant (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- The party in whose name the merchant itself speaks: a canonical Digital Link.
    issuer text NOT NULL,
    -- Makes the eventID of events that come without one; see the capture stage.
    event_id_key bytea NOT NULL CHECK (length(event_id_key) = 32),
    created_at timestamptz NOT NULL
);

-- Keys are random, so a plain hash is enough: there is no dictionary of 256-bit strings.
CREATE TABLE api_key (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    key_sha256 bytea NOT NULL UNIQUE CHECK (length(key_sha256) = 32),
    label text NOT NULL CHECK (length(label) BETWEEN 1 AND 200),
    -- The party in whose name this key speaks.
    issuer text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (merchant_id, id)
);

-- Public: which merchant's record a scanned GTIN is looked up in.
CREATE TABLE gtin_owner (
    gtin text PRIMARY KEY CHECK (gtin ~ '^[0-9]{14}$'),
    merchant_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL
);

ALTER TABLE merchant ENABLE ROW LEVEL SECURITY;
ALTER TABLE merchant FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON merchant TO rootmark_capture
    USING (id = (SELECT acting_merchant())) WITH CHECK (id = (SELECT acting_merchant()));
CREATE POLICY own ON api_key TO rootmark_capture
    USING (merchant_id = (SELECT acting_merchant()))
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
-- Before a request is known to be anybody's, exactly one row can be seen: that of the key whose hash
-- the request proves to know.
CREATE POLICY presented ON api_key FOR SELECT TO rootmark_capture
    USING (key_sha256 = decode(nullif(current_setting('rootmark.key_sha256', true), ''), 'hex'));

-- Everybody may look up whose a GTIN is; only for itself can a merchant claim or hold one.
ALTER TABLE gtin_owner ENABLE ROW LEVEL SECURITY;
ALTER TABLE gtin_owner FORCE ROW LEVEL SECURITY;
CREATE POLICY look_up ON gtin_owner FOR SELECT
    TO rootmark_capture, rootmark_reader, rootmark_checker USING (true);
CREATE POLICY claim ON gtin_owner FOR INSERT TO rootmark_capture
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
CREATE POLICY hold ON gtin_owner FOR UPDATE TO rootmark_capture
    USING (merchant_id = (SELECT acting_merchant()));

CREATE POLICY every ON merchant FOR SELECT TO rootmark_checker USING (true);

GRANT SELECT, INSERT ON merchant, api_key TO rootmark_capture;
GRANT SELECT, INSERT ON gtin_owner TO rootmark_capture;
-- FOR UPDATE, with which one issuance of codes waits for another of the same GTIN, needs UPDATE on
-- some column; nothing ever changes this one.
GRANT UPDATE (claimed_at) ON gtin_owner TO rootmark_capture;
GRANT SELECT ON gtin_owner TO rootmark_reader, rootmark_checker;
GRANT SELECT ON merchant TO rootmark_checker;
