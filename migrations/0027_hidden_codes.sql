-- Whether the packs of a range bear a hidden code beside the serial (src/codes/hidden.rs). The codes themselves are nowhere: they are
-- made from the code key.
ALTER TABLE code_range ADD COLUMN has_hidden boolean NOT NULL DEFAULT false;

-- What was entered as the hidden code of an item on one day, for each network under its name of that day: how often wrongly,
-- and whether rightly. A right one is a statement of kind reveal as well; this only limits guesses.
CREATE TABLE hidden_try (
    merchant_id uuid NOT NULL,
    -- Canonical Digital Link of the item.
    code text NOT NULL,
    day date NOT NULL,
    network bytea NOT NULL CHECK (octet_length(network) = 8),
    wrong integer NOT NULL CHECK (wrong >= 0),
    is_right boolean NOT NULL,
    PRIMARY KEY (merchant_id, code, day, network)
);
CREATE INDEX hidden_try_day ON hidden_try (day);

ALTER TABLE hidden_try ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden_try FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON hidden_try TO rootmark_capture
    USING (merchant_id = (SELECT acting_merchant()))
    WITH CHECK (merchant_id = (SELECT acting_merchant()));
-- Of other days: seen by nobody but whoever deletes it.
CREATE POLICY past ON hidden_try TO rootmark_eraser USING (day < (now() AT TIME ZONE 'UTC')::date - 1);

GRANT SELECT, INSERT ON hidden_try TO rootmark_capture;
GRANT UPDATE (wrong, is_right) ON hidden_try TO rootmark_capture;
GRANT SELECT (merchant_id, code, day), DELETE ON hidden_try TO rootmark_eraser;
