-- Pictures of products. Their bytes are no statement: a product's description names them by their digest, and so the
-- log proves them (src/capture/pictures.rs).
CREATE TABLE picture (
    merchant_id uuid NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 24576),
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, sha256)
);
-- They are compressed already.
ALTER TABLE picture ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Which pictures the descriptions of a product name, or named: what is shown of them, and what goes when these
-- descriptions are erased. Derived from the statements. There is no foreign key: whoever writes here holds the picture
-- with an advisory lock, and `rootmark check` compares both tables.
CREATE TABLE product_picture (
    merchant_id uuid NOT NULL,
    gtin text NOT NULL,
    sha256 bytea NOT NULL,
    PRIMARY KEY (merchant_id, gtin, sha256)
);
CREATE INDEX product_picture_named ON product_picture (merchant_id, sha256);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['picture', 'product_picture'] LOOP
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

GRANT SELECT, INSERT, DELETE ON picture TO rootmark_capture;
GRANT SELECT, INSERT ON product_picture TO rootmark_capture;
GRANT SELECT ON picture, product_picture TO rootmark_reader, rootmark_checker;
GRANT SELECT, DELETE ON picture, product_picture TO rootmark_eraser;
