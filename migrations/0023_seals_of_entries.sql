-- A page names the first checkpoint that covers all it tells (src/store/seal.rs).
CREATE INDEX seal_tree_size ON seal (tree_size, number);
GRANT SELECT ON seal TO rootmark_reader;
