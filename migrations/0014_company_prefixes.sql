-- Company prefixes that a merchant says are in use: where an EPC URN tells the company from its number.
-- They say how an answer is written and change nothing that was said, so they are not in the log.

CREATE TABLE company_prefix (
    merchant_id uuid NOT NULL,
    company_prefix text NOT NULL CHECK (company_prefix ~ '^[0-9]{4,12}$'),
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, company_prefix)
);

ALTER TABLE company_prefix ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_prefix FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON company_prefix TO rootmark_capture
    USING (merchant_id = (SELECT acting_merchant()))
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
CREATE POLICY own_read ON company_prefix FOR SELECT TO rootmark_reader, rootmark_deliverer
    USING (merchant_id = (SELECT acting_merchant()));

GRANT SELECT, INSERT, DELETE ON company_prefix TO rootmark_capture;
GRANT SELECT ON company_prefix TO rootmark_reader, rootmark_deliverer;
