#!/bin/sh
# Makes the ledger's database and its five users on a PostgreSQL server: orders, who owns the tables (orders worker, and
# the commands for merchants and keys); orders_reader, who reads them of the merchants that it names, adds labels, keeps who has
# taken which review and which alerts are muted, notes when keys were used, and ends sessions (orders api); orders_desk, who may do that too, reads
# the audit trail, changes merchants, keys, rulesets and lists, and keeps backtests and the sessions of persons (orders desk); orders_police, who counts and keeps
# decisions, and sees no transaction (orders fraud-police); and
# orders_alertman (orders alertman), who reads which alerts are muted, and keeps the windows of their groups. All add to the audit trail; only orders and orders_desk read it.
# It can be run again at any
# time, and then sets the passwords anew. It needs psql, its variables PGHOST, PGUSER and PGPASSWORD for a user who may make users and databases, and
# the five passwords below.
#
# Who may write which table is said again in migrations/, for tables that are made after this has run.
set -eu

database=${LEDGER_DATABASE:-orders}
: "${LEDGER_PASSWORD:?the password of the user orders}"
: "${LEDGER_READER_PASSWORD:?the password of the user orders_reader}"
: "${LEDGER_DESK_PASSWORD:?the password of the user orders_desk}"
: "${LEDGER_POLICE_PASSWORD:?the password of the user orders_police}"
: "${LEDGER_ALERTMAN_PASSWORD:?the password of the user orders_alertman}"

# user NAME PASSWORD
user() {
	PASSWORD=$2 psql -v ON_ERROR_STOP=1 -q -d postgres -v name="$1" <<-'SQL'
		\set password `printenv PASSWORD`
		SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
		ALTER ROLE :"name" LOGIN PASSWORD :'password';
	SQL
}

echo "setup.sh: users orders, orders_reader, orders_desk, orders_police and orders_alertman"
user orders "$LEDGER_PASSWORD"
user orders_reader "$LEDGER_READER_PASSWORD"
user orders_desk "$LEDGER_DESK_PASSWORD"
user orders_police "$LEDGER_POLICE_PASSWORD"
user orders_alertman "$LEDGER_ALERTMAN_PASSWORD"
# A user who is not a superuser can grant only roles that it is a member of.
psql -v ON_ERROR_STOP=1 -q -d postgres -c 'GRANT orders, orders_reader TO CURRENT_USER' -c 'GRANT orders_reader TO orders_desk'

echo "setup.sh: database $database"
psql -v ON_ERROR_STOP=1 -q -d postgres -v database="$database" <<-'SQL'
	SELECT format('CREATE DATABASE %I OWNER orders ENCODING ''UTF8'' TEMPLATE template0', :'database') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
	REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
	GRANT CONNECT ON DATABASE :"database" TO orders_reader, orders_desk, orders_police, orders_alertman;
SQL
# All or nothing: orders_reader would otherwise read every table until the functions below take that back.
psql -v ON_ERROR_STOP=1 -q -d "$database" <<-'SQL'
	BEGIN;
	ALTER SCHEMA public OWNER TO orders;
	GRANT USAGE ON SCHEMA public TO orders_reader, orders_desk, orders_police, orders_alertman;
	GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_reader;
	ALTER DEFAULT PRIVILEGES FOR ROLE orders IN SCHEMA public GRANT SELECT ON TABLES TO orders_reader;
	SELECT 'GRANT INSERT, UPDATE ON labels TO orders_reader' WHERE to_regclass('labels') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_notes(); END $$' WHERE to_regproc('ledger_protect_notes') IS NOT NULL \gexec
	SELECT 'REVOKE SELECT ON audit FROM orders_reader; GRANT INSERT ON audit TO orders_reader, orders_police, orders_alertman' WHERE to_regclass('audit') IS NOT NULL \gexec
	SELECT 'GRANT SELECT, UPDATE ON audit_last TO orders_reader, orders_police, orders_alertman' WHERE to_regclass('audit') IS NOT NULL \gexec
	SELECT 'GRANT UPDATE (last_used_at) ON keys TO orders_reader' WHERE to_regclass('keys') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect(); END $$' WHERE to_regproc('ledger_protect') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_assignments(); END $$' WHERE to_regproc('ledger_protect_assignments') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_desk(); END $$' WHERE to_regproc('ledger_protect_desk') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_let_desk_manage_keys(); END $$' WHERE to_regproc('ledger_let_desk_manage_keys') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_reports(); END $$' WHERE to_regproc('ledger_protect_reports') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_let_desk_publish_rules(); END $$' WHERE to_regproc('ledger_let_desk_publish_rules') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_let_desk_change_lists(); END $$' WHERE to_regproc('ledger_let_desk_change_lists') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_mutes(); END $$' WHERE to_regproc('ledger_protect_mutes') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_windows(); END $$' WHERE to_regproc('ledger_protect_windows') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_protect_backtests(); END $$' WHERE to_regproc('ledger_protect_backtests') IS NOT NULL \gexec
	SELECT 'DO $$ BEGIN PERFORM ledger_let_police_remember(); END $$' WHERE to_regproc('ledger_let_police_remember') IS NOT NULL \gexec
	SELECT 'GRANT SELECT ON uses, decisions, labels, ledger_migrations, ledger_compatibility TO orders_police' WHERE to_regclass('decisions') IS NOT NULL \gexec
	SELECT 'GRANT INSERT ON uses, decisions TO orders_police' WHERE to_regclass('decisions') IS NOT NULL \gexec
	COMMIT;
SQL
echo "setup.sh: done"
