-- Roles of voc_stream in a PostgreSQL 15 or later that it may share with others.
--
--   psql --set ON_ERROR_STOP=1 --dbname voc --file roles.sql
--
-- Connect to the database that the tables are for. Run it as a superuser, or as a role with
-- CREATEROLE that owns the database (the master of a managed PostgreSQL). Run it before the first
-- `voc-stream init`, and again after each: only then can it take from the writer what single tables
-- do not need. It may be repeated at any time, also while workers run. It sets no passwords:
-- \password voc_owner, and so on.
--
--   voc_owner    owns the schemas; for `voc-stream init` and `rebuild` only
--   voc_writer   what a worker needs and no more: it can change no table's shape and no stored
--                event; also for `status` and `dead-letters`
--   voc_bi       reads the views of schema voc_bi; can write nothing and sees no complaint text
--   voc_monitor  reads the server's own statistics; for an exporter

BEGIN;

-- Roles belong to the whole server: another database of it may have made them. Only a superuser may
-- mention some attributes, so they are named only if a role has one that it must not have.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['voc_owner', 'voc_writer', 'voc_bi', 'voc_monitor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE', role);
        IF EXISTS (
            SELECT FROM pg_roles
            WHERE rolname = role AND (rolsuper OR rolreplication OR rolbypassrls)
        ) THEN
            EXECUTE format('ALTER ROLE %I NOSUPERUSER NOREPLICATION NOBYPASSRLS', role);
        END IF;
    END LOOP;
    -- Whoever is no superuser gives away the owner's things only as one of the owners.
    IF NOT pg_has_role('voc_owner', 'USAGE') THEN
        EXECUTE format('GRANT voc_owner TO %I', current_user);
    END IF;
END $$;

ALTER ROLE voc_bi SET default_transaction_read_only = on;
ALTER ROLE voc_bi SET statement_timeout = '60s';
ALTER ROLE voc_monitor SET default_transaction_read_only = on;
ALTER ROLE voc_monitor SET statement_timeout = '10s';
-- To see whose session keeps `init` waiting, and since when; and for the exporter. Some managed
-- servers keep these rights for themselves.
DO $$
BEGIN
    GRANT pg_read_all_stats TO voc_owner;
    GRANT pg_monitor TO voc_monitor;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE
        'only a role with ADMIN on pg_monitor can let voc_monitor and voc_owner see all sessions:'
        ' %',
        SQLERRM;
END $$;

-- Whoever may connect to a new database may also make temporary tables and large objects in it.
DO $$
DECLARE
    database text := current_database();
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', database);
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO voc_owner, voc_writer, voc_bi, voc_monitor', database
    );
    -- The owner makes the schemas, and one for itself while it rebuilds.
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO voc_owner', database);
    -- Rows are copied into temporary tables, and merged from there.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO voc_writer', database);
END $$;
-- Of a server that belongs to somebody else this changes nothing, and says so.
REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS voc AUTHORIZATION voc_owner;
CREATE SCHEMA IF NOT EXISTS voc_bi AUTHORIZATION voc_owner;
GRANT USAGE ON SCHEMA voc TO voc_writer;
GRANT USAGE ON SCHEMA voc_bi TO voc_bi;

-- What the owner makes from now on, in the schema of each cell that is there, so that the tables of
-- the next version can be used at once. Never TRUNCATE: that is the owner's. MAINTAIN, from
-- PostgreSQL 17 on, because the worker vacuums its queues every few seconds; before that autovacuum
-- does it. Refused messages are deleted by a function only, which takes none of the last day.
DO $$
DECLARE
    cell text;
    rights text := 'SELECT, INSERT, UPDATE, DELETE'
        || CASE WHEN current_setting('server_version_num')::int >= 170000
                THEN ', MAINTAIN' ELSE '' END;
BEGIN
    FOR cell IN
        SELECT nspname FROM pg_namespace
        WHERE nspname ~ '^voc(_(?!(all|bi|rebuild)$)[a-z][a-z0-9]*)?$'
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO voc_writer', cell);
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE voc_owner IN SCHEMA %I'
            ' GRANT %s ON TABLES TO voc_writer',
            cell, rights
        );
        EXECUTE format('GRANT %s ON ALL TABLES IN SCHEMA %I TO voc_writer', rights, cell);
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE voc_owner IN SCHEMA %I'
            ' GRANT EXECUTE ON FUNCTIONS TO voc_writer',
            cell
        );
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO voc_writer', cell);
    END LOOP;
END $$;

-- What single tables do not need. Only those that are there: before the first `init` there is none.
DO $$
DECLARE
    cell text;
    name text;
    rights text;
BEGIN
    FOR cell, name, rights IN
        SELECT n.nspname, c.relname, needless.rights
        FROM (VALUES
            ('schema_version', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            -- The facts, from which all else can be made anew: a worker adds to them and changes
            -- none. It takes out what was taken back, and what that leaves empty, but not the trace
            -- of it.
            ('touchpoint_event', 'UPDATE, MAINTAIN'),
            ('retraction', 'UPDATE, DELETE, MAINTAIN'),
            ('retracted_event', 'DELETE, MAINTAIN'),
            ('retraction_pending', 'UPDATE'),
            ('repair_order', 'MAINTAIN'),
            ('complaint', 'MAINTAIN'),
            ('customer', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('customer_state', 'MAINTAIN'),
            ('stream_position', 'DELETE, MAINTAIN'),
            ('dead_letter', 'DELETE, MAINTAIN'),
            ('alert', 'DELETE, MAINTAIN'),
            ('experience', 'MAINTAIN'),
            ('flow_stage', 'MAINTAIN'),
            ('site_calendar', 'MAINTAIN'),
            ('installation', 'DELETE, MAINTAIN'),
            ('customer_moment', 'MAINTAIN'),
            ('customer_move', 'UPDATE'),
            ('profile_change', 'UPDATE, MAINTAIN'),
            ('increment', 'UPDATE'),
            ('merged', 'DELETE, MAINTAIN'),
            ('churn_pending', 'UPDATE'),
            ('churn_risk', 'MAINTAIN'),
            ('cube_cell', 'UPDATE, DELETE, MAINTAIN'),
            ('experience_cube', 'MAINTAIN'),
            ('duration_count', 'MAINTAIN'),
            ('pane', 'MAINTAIN'),
            ('rolling_sum', 'MAINTAIN'),
            ('rolling_clock', 'DELETE, MAINTAIN'),
            ('late_hour', 'UPDATE'),
            ('site_level', 'UPDATE, MAINTAIN'),
            ('detector_clock', 'DELETE, MAINTAIN'),
            ('detector', 'MAINTAIN'),
            ('evaluation_clock', 'DELETE, MAINTAIN'),
            ('outbox', 'MAINTAIN'),
            ('lock', 'INSERT, DELETE, MAINTAIN'),
            ('risk_daily', 'MAINTAIN'),
            ('churn_model', 'DELETE, MAINTAIN'),
            ('churn_told', 'UPDATE, MAINTAIN'),
            ('walk_pending', 'UPDATE'),
            ('churn_walk', 'MAINTAIN'),
            ('churn_history', 'UPDATE, MAINTAIN'),
            ('churn_cell', 'MAINTAIN'),
            ('text_pending', 'UPDATE'),
            ('complaint_text', 'MAINTAIN'),
            ('complaint_gram', 'MAINTAIN'),
            ('text_suggestion', 'MAINTAIN'),
            ('complaint_term', 'UPDATE, MAINTAIN'),
            ('answer_product', 'MAINTAIN'),
            ('answer_band', 'MAINTAIN'),
            ('importance_weight', 'MAINTAIN'),
            ('derived_importance', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('text_clock', 'DELETE, MAINTAIN'),
            ('complaint_suggestion', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('theme_total', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('complaint_pareto', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('theme_answers', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('theme_impact', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('experience_daily', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('rolling_satisfaction', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('repair_stage', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('duration_daily', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('duration_rolling', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('complaint_iceberg', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('rolling_total', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('duration_total', 'INSERT, UPDATE, DELETE, MAINTAIN'),
            ('complaint_total', 'INSERT, UPDATE, DELETE, MAINTAIN')
        ) AS needless (relname, rights)
        JOIN pg_class c ON c.relname = needless.relname
        JOIN pg_namespace n ON n.oid = c.relnamespace
            AND n.nspname ~ '^voc(_(?!(all|bi|rebuild)$)[a-z][a-z0-9]*)?$'
    LOOP
        IF current_setting('server_version_num')::int < 170000 THEN
            rights := array_to_string(
                array_remove(string_to_array(rights, ', '), 'MAINTAIN'), ', '
            );
        END IF;
        IF rights <> '' THEN
            EXECUTE format('REVOKE %s ON %I.%I FROM voc_writer', rights, cell, name);
        END IF;
    END LOOP;
END $$;

COMMIT;
