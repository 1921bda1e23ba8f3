-- The service connects as the owner only to migrate. Everything else it does in one of these roles,
-- none of which owns a table, so that row-level security and grants bind it.
--
-- Roles belong to the whole cluster, not to one database: another database of the same cluster may
-- have made them already, or may be making them at this moment.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'rootmark_capture', 'rootmark_reader', 'rootmark_sealer', 'rootmark_checker',
        'rootmark_eraser'
    ] LOOP
        BEGIN
            -- A database administrator may have made and granted them for an owner who may not.
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        -- From version 16 on, whoever creates a role administers it and may still not act in it; a
        -- plain grant allows that.
        BEGIN
            EXECUTE format('GRANT %I TO current_user', role_name);
        EXCEPTION WHEN internal_error OR insufficient_privilege THEN
            -- "tuple concurrently updated": another database grants the same at this moment. And who
            -- may not grant was granted already, or learns it at the first SET ROLE.
            NULL;
        END;
    END LOOP;
END
$$;

-- Which merchant a transaction acts for. Unset means none: no row is seen and none can be written.
CREATE FUNCTION acting_merchant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('rootmark.merchant_id', true), '')::uuid;
