-- Extensions of events can be erased, and with them what was derived from them: the terms by which queries find the
-- event, and the hash of its content, by which a repeat is recognised and what is gone could be tried out.

-- None once fields of the event were erased: a repeat is then compared with what is left of it.
ALTER TABLE event_key ALTER COLUMN content_sha256 DROP NOT NULL;

GRANT SELECT ON event_key, event_batch, event_term, pending_batch TO rootmark_eraser;
GRANT UPDATE (content_sha256) ON event_key TO rootmark_eraser;
GRANT UPDATE (terms) ON event_batch TO rootmark_eraser;
GRANT INSERT, DELETE, UPDATE (postings) ON event_term TO rootmark_eraser;

-- Merging passes over a batch that an erasure holds, and takes it next time: the two never wait for each other's rows.
GRANT UPDATE (terms) ON event_batch TO rootmark_indexer;
