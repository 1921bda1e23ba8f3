-- Once fields of a content are erased, its secret must be gone: whoever had it could try out what they said. In
-- its place stands a list of what is left for each field, its salt or its commitment: JSON, which begins with `[`.
-- Rows from before need not be looked at: they were held to the secret's length.
ALTER TABLE statement DROP CONSTRAINT statement_content_secret_check;
ALTER TABLE statement ADD CONSTRAINT statement_content_secret_check
    CHECK (length(content_secret) = 32 OR get_byte(content_secret, 0) = 91) NOT VALID;

-- The eraser logs what it erases in the same transaction, and so it must find what is to be erased, and may store
-- one statement. Receipts are never erased.
REVOKE UPDATE (receipt, receipt_secret) ON statement FROM rootmark_eraser;
GRANT SELECT ON trace_index, sealed_batch TO rootmark_eraser;
GRANT INSERT ON statement, trace_index, pending_batch TO rootmark_eraser;
