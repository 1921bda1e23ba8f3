-- What shoppers report of packs, and what look-ups show of them, as cases that a merchant looks into (src/cases/mod.rs).
-- None of it is a statement: words and pictures of people are kept as long as they are needed, and then deleted. What a
-- merchant found of a code is a statement of kind review.
CREATE TABLE problem_case (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    -- Canonical Digital Link of an item, a lot or a product; on record or not.
    code text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('report', 'signs')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    -- What a review found that closed it.
    outcome text CHECK (outcome IN ('explained', 'copied')),
    -- What whoever reported is told.
    answer_zh_cn text,
    answer_en text,
    PRIMARY KEY (merchant_id, id),
    CHECK (outcome IS NULL OR closed_at IS NOT NULL),
    CHECK ((answer_zh_cn IS NULL) = (answer_en IS NULL))
);
-- Of one code there is one case at a time.
CREATE UNIQUE INDEX problem_case_open ON problem_case (merchant_id, code) WHERE closed_at IS NULL;

CREATE TABLE report (
    merchant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    -- 1 for the first of its case.
    number integer NOT NULL CHECK (number > 0),
    -- Of the number by which whoever reported asks for it.
    digest bytea NOT NULL CHECK (octet_length(digest) = 16),
    -- Under a name of one day, which nobody can find out again.
    network bytea NOT NULL CHECK (octet_length(network) = 8),
    recorded_at timestamptz NOT NULL,
    matter text NOT NULL CHECK (matter IN ('pack', 'lookedUp', 'quality', 'record', 'other')),
    words text CHECK (length(words) BETWEEN 1 AND 1000),
    -- A JPEG, drawn anew from the pixels that were sent.
    picture bytea CHECK (octet_length(picture) BETWEEN 1 AND 393216),
    -- When the row is deleted.
    kept_until timestamptz,
    PRIMARY KEY (merchant_id, case_id, number),
    FOREIGN KEY (merchant_id, case_id) REFERENCES problem_case (merchant_id, id)
);
ALTER TABLE report ALTER COLUMN picture SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX report_digest ON report (merchant_id, digest);
CREATE INDEX report_network ON report (merchant_id, network);
CREATE INDEX report_kept ON report (kept_until) WHERE kept_until IS NOT NULL;

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['problem_case', 'report'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own ON %I TO rootmark_capture, rootmark_reader
             USING (merchant_id = (SELECT acting_merchant()))
             WITH CHECK (merchant_id = (SELECT acting_merchant()))', tenant_table);
    END LOOP;
END
$$;
-- Whatever merchant it is of: what is past its time is seen by nobody but whoever deletes it.
CREATE POLICY past ON report TO rootmark_eraser USING (kept_until < now());

GRANT SELECT, INSERT ON problem_case TO rootmark_capture;
GRANT UPDATE (cause, closed_at, outcome, answer_zh_cn, answer_en) ON problem_case TO rootmark_capture;
GRANT SELECT, INSERT ON report TO rootmark_capture;
GRANT UPDATE (words, picture, kept_until) ON report TO rootmark_capture;
GRANT SELECT ON problem_case, report TO rootmark_reader;
GRANT SELECT (merchant_id, case_id, number, kept_until), DELETE ON report TO rootmark_eraser;
