-- The key that makes the eventID of events that come without one lies sealed, under a key outside the
-- database. In the clear it would let whoever holds a dump try out what was erased, until the eventID
-- comes out. Keys from before stay until the service starts, which seals them; no migration could.
ALTER TABLE merchant
    ALTER event_id_key DROP NOT NULL,
    ADD sealed_event_id_key bytea CHECK (length(sealed_event_id_key) = 73),
    ADD CONSTRAINT merchant_one_event_id_key CHECK (num_nonnulls(event_id_key, sealed_event_id_key) = 1);

-- The service seals them in this role, which reads no sealed key and changes no merchant that has one.
CREATE POLICY every_to_seal ON merchant FOR SELECT TO rootmark_sealer USING (true);
CREATE POLICY seal_key ON merchant FOR UPDATE TO rootmark_sealer
    USING (event_id_key IS NOT NULL) WITH CHECK (event_id_key IS NULL);
GRANT SELECT (id, event_id_key), UPDATE (event_id_key, sealed_event_id_key) ON merchant TO rootmark_sealer;
