-- The log itself. One row says where it stands; whoever moves it must know where it stood.
CREATE TABLE log_head (
    sole boolean PRIMARY KEY DEFAULT true CHECK (sole),
    -- Chosen when the key was made, and never again: a domain may change, a log's name may not.
    origin text NOT NULL,
    vkey text NOT NULL,
    story_vkey text NOT NULL,
    seal bigint NOT NULL CHECK (seal >= 0),
    tree_size bigint NOT NULL CHECK (tree_size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    -- SHA-256 of the last anchor line; zeros before the first.
    anchor_sha256 bytea NOT NULL CHECK (length(anchor_sha256) = 32),
    sealed_at timestamptz
);

CREATE TABLE seal (
    number bigint PRIMARY KEY CHECK (number > 0),
    tree_size bigint NOT NULL CHECK (tree_size >= 0),
    -- The line of the anchor file, exactly; the signed checkpoint is in it.
    anchor_line text NOT NULL
);

CREATE TABLE tile (
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
    tile_index bigint NOT NULL CHECK (tile_index >= 0),
    -- 32 bytes each; a partial tile grows in place until it has 256.
    hashes bytea NOT NULL CHECK (length(hashes) % 32 = 0 AND length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (level, tile_index)
);

GRANT SELECT, INSERT, UPDATE ON log_head TO rootmark_sealer;
GRANT SELECT, INSERT ON seal TO rootmark_sealer;
GRANT SELECT, INSERT, UPDATE ON tile TO rootmark_sealer;
GRANT SELECT ON log_head, seal, tile TO rootmark_checker;
GRANT SELECT ON log_head TO rootmark_reader;

-- A mark of the key that item codes are made with, by which a wrong key is noticed before it makes
-- codes that nobody can read. It says nothing about the key.
CREATE TABLE code_key (
    sole boolean PRIMARY KEY DEFAULT true CHECK (sole),
    fingerprint bytea NOT NULL
);
GRANT SELECT, INSERT ON code_key TO rootmark_sealer;
GRANT SELECT ON code_key TO rootmark_checker;
