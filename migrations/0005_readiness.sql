-- The service tells on /readyz whether the database has the schema that it was built for: an old
-- backup, restored under a running service, has not. Versions only; nothing here is a secret.
GRANT SELECT (version, success) ON _sqlx_migrations TO rootmark_reader;
