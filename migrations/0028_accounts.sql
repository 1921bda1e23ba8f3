-- The people who work with the dashboard. They are known to the service and not to one merchant: an agent at the border works
-- for several. What ties them to a merchant is membership. None of it is a statement: accounts live outside the log.
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rootmark_accounts') THEN
            CREATE ROLE rootmark_accounts NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    BEGIN
        EXECUTE format('GRANT %I TO current_user', 'rootmark_accounts');
    EXCEPTION WHEN internal_error OR insufficient_privilege THEN
        NULL;
    END;
END
$$;

-- Whose account a transaction acts for, once that is known. Before, exactly one row can be seen: that whose address, or the
-- digest of whose token, the request presents.
CREATE FUNCTION acting_account() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('rootmark.account_id', true), '')::uuid;
CREATE FUNCTION presented_email() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('rootmark.email', true), '');
CREATE FUNCTION presented_token() RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN decode(nullif(current_setting('rootmark.token_sha256', true), ''), 'hex');

CREATE TABLE account (
    id uuid PRIMARY KEY,
    -- In small letters.
    email text NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- PHC string of Argon2id, made with a key that is not in the database.
    password_hash text NOT NULL CHECK (length(password_hash) BETWEEN 1 AND 500),
    password_changed_at timestamptz NOT NULL,
    language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
    -- Sealed under a key that is not in the database (src/domain/sealed.rs); none without a second factor.
    sealed_factor bytea CHECK (octet_length(sealed_factor) BETWEEN 1 AND 200),
    -- The last step whose code was used: each is good once.
    factor_step bigint,
    created_at timestamptz NOT NULL,
    CHECK (sealed_factor IS NOT NULL OR factor_step IS NULL)
);

-- Codes on paper, each good once.
CREATE TABLE recovery_code (
    account_id uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    used_at timestamptz,
    PRIMARY KEY (account_id, digest)
);

CREATE TABLE membership (
    merchant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'quality', 'packer', 'logistics', 'customs', 'auditor')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, account_id)
);
CREATE INDEX membership_account ON membership (account_id);

CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    -- By which it is named where sessions are listed.
    id uuid NOT NULL UNIQUE,
    account_id uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    -- For whom it acts; none where somebody belongs to nobody yet.
    merchant_id uuid,
    created_at timestamptz NOT NULL,
    -- When it was last used, to the minute.
    seen_at timestamptz NOT NULL,
    -- Whether only the password was shown so far.
    awaits_factor boolean NOT NULL,
    -- Codes that were wrong.
    wrong_codes integer NOT NULL DEFAULT 0,
    -- The device, as it describes itself.
    device text NOT NULL CHECK (length(device) <= 200)
);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_seen ON session (seen_at);

CREATE TABLE invitation (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
    role text NOT NULL CHECK (role IN ('owner', 'quality', 'packer', 'logistics', 'customs', 'auditor')),
    -- Who invites; the operator where it is nobody of the team.
    invited_by text NOT NULL CHECK (length(invited_by) BETWEEN 1 AND 254),
    -- What the merchant is called, for who has only the link.
    merchant_name text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- When it was accepted or taken back: it is good once.
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, id)
);
-- Of one address there is one invitation at a time.
CREATE UNIQUE INDEX invitation_open ON invitation (merchant_id, email) WHERE ended_at IS NULL;

CREATE TABLE password_reset (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_reset_account ON password_reset (account_id);

-- Every administrative act, in the transaction of what was done. Nobody changes a row, and nobody deletes one.
CREATE TABLE act (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    -- Who: an address of mail, or the operator.
    actor text NOT NULL CHECK (length(actor) BETWEEN 1 AND 254),
    -- What: a word of src/domain/act.rs.
    what text NOT NULL CHECK (what ~ '^[a-z][a-zA-Z]{1,40}$'),
    -- To whom or what it was done, and what else is worth knowing.
    subject text NOT NULL CHECK (length(subject) <= 500),
    detail text NOT NULL CHECK (length(detail) <= 500),
    PRIMARY KEY (merchant_id, id)
);

-- Forms that were sent: one that is sent twice does its work once, and leads to the same place.
CREATE TABLE sent_form (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    sent_at timestamptz NOT NULL,
    -- A path of the dashboard.
    led_to text NOT NULL CHECK (length(led_to) <= 500),
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX sent_form_at ON sent_form (sent_at);

ALTER TABLE account ENABLE ROW LEVEL SECURITY;
ALTER TABLE account FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_code FORCE ROW LEVEL SECURITY;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
ALTER TABLE password_reset ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_reset FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['membership', 'invitation', 'act', 'sent_form'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own ON %I TO rootmark_accounts
             USING (merchant_id = (SELECT acting_merchant()))
             WITH CHECK (merchant_id = (SELECT acting_merchant()))', tenant_table);
    END LOOP;
END
$$;

CREATE POLICY own ON account TO rootmark_accounts
    USING (id = (SELECT acting_account())) WITH CHECK (id = (SELECT acting_account()));
CREATE POLICY presented ON account FOR SELECT TO rootmark_accounts
    USING (email = (SELECT presented_email()));
CREATE POLICY colleagues ON account FOR SELECT TO rootmark_accounts
    USING (EXISTS (SELECT FROM membership
                   WHERE membership.account_id = account.id
                     AND membership.merchant_id = (SELECT acting_merchant())));
CREATE POLICY own ON recovery_code TO rootmark_accounts
    USING (account_id = (SELECT acting_account())) WITH CHECK (account_id = (SELECT acting_account()));
CREATE POLICY own_account ON membership FOR SELECT TO rootmark_accounts
    USING (account_id = (SELECT acting_account()));
CREATE POLICY presented ON invitation FOR SELECT TO rootmark_accounts
    USING (token_sha256 = (SELECT presented_token()));
CREATE POLICY own ON session TO rootmark_accounts
    USING (account_id = (SELECT acting_account())) WITH CHECK (account_id = (SELECT acting_account()));
CREATE POLICY presented ON session FOR SELECT TO rootmark_accounts
    USING (token_sha256 = (SELECT presented_token()));
-- Who is taken out of a team is out at once.
CREATE POLICY of_merchant ON session FOR DELETE TO rootmark_accounts
    USING (merchant_id = (SELECT acting_merchant()));
CREATE POLICY of_merchant_seen ON session FOR SELECT TO rootmark_accounts
    USING (merchant_id = (SELECT acting_merchant()));
CREATE POLICY own ON password_reset TO rootmark_accounts
    USING (account_id = (SELECT acting_account())) WITH CHECK (account_id = (SELECT acting_account()));
CREATE POLICY presented ON password_reset FOR SELECT TO rootmark_accounts
    USING (token_sha256 = (SELECT presented_token()));
-- The team shows what the merchant is called, and keys are made and ended by its people.
CREATE POLICY own_accounts ON merchant FOR SELECT TO rootmark_accounts
    USING (id = (SELECT acting_merchant())
        OR EXISTS (SELECT FROM membership
                   WHERE membership.merchant_id = merchant.id
                     AND membership.account_id = (SELECT acting_account())));
CREATE POLICY own_accounts ON api_key TO rootmark_accounts
    USING (merchant_id = (SELECT acting_merchant()))
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
-- What is past its time is seen by nobody but whoever deletes it. A session is, half a day after it was begun, and the address
-- of somebody who was invited, a month after that came to nothing, or to an account.
CREATE POLICY past ON session TO rootmark_eraser USING (created_at < now() - interval '13 hours');
CREATE POLICY past ON password_reset TO rootmark_eraser USING (expires_at < now());
CREATE POLICY past ON invitation TO rootmark_eraser
    USING (least(ended_at, expires_at) < now() - interval '30 days');
CREATE POLICY past ON sent_form TO rootmark_eraser USING (sent_at < now() - interval '2 days');

GRANT SELECT, INSERT ON account, membership, session, invitation, password_reset, recovery_code TO rootmark_accounts;
GRANT UPDATE (name, password_hash, password_changed_at, language, sealed_factor, factor_step)
    ON account TO rootmark_accounts;
GRANT UPDATE (used_at), DELETE ON recovery_code TO rootmark_accounts;
GRANT UPDATE (role), DELETE ON membership TO rootmark_accounts;
GRANT UPDATE (seen_at, merchant_id, wrong_codes), DELETE ON session TO rootmark_accounts;
GRANT UPDATE (ended_at) ON invitation TO rootmark_accounts;
GRANT DELETE ON password_reset TO rootmark_accounts;
GRANT SELECT, INSERT ON act, sent_form TO rootmark_accounts;
GRANT SELECT (id, name, issuer, created_at) ON merchant TO rootmark_accounts;
GRANT SELECT (merchant_id, id, label, issuer, scopes, created_at, expires_at, revoked_at), INSERT ON api_key
    TO rootmark_accounts;
GRANT UPDATE (revoked_at) ON api_key TO rootmark_accounts;
GRANT SELECT (merchant_id, created_at), DELETE ON session TO rootmark_eraser;
GRANT SELECT (expires_at), DELETE ON password_reset TO rootmark_eraser;
GRANT SELECT (merchant_id, ended_at, expires_at), DELETE ON invitation TO rootmark_eraser;
GRANT SELECT (merchant_id, sent_at), DELETE ON sent_form TO rootmark_eraser;
