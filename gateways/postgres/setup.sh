#!/bin/sh
# Makes the ledger's database and its two users on a PostgreSQL server: orders, who owns the tables (orders worker), and
# orders_reader, who can only read them (orders api). It can be run again at any time, and then sets the passwords anew.
# It needs psql, its variables PGHOST, PGUSER and PGPASSWORD for a user who may make users and databases, and the two
# passwords below.
set -eu

database=${LEDGER_DATABASE:-orders}
: "${LEDGER_PASSWORD:?the password of the user orders}"
: "${LEDGER_READER_PASSWORD:?the password of the user orders_reader}"

# user NAME PASSWORD
user() {
	PASSWORD=$2 psql -v ON_ERROR_STOP=1 -q -d postgres -v name="$1" <<-'SQL'
		\set password `printenv PASSWORD`
		SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
		ALTER ROLE :"name" LOGIN PASSWORD :'password';
	SQL
}

echo "setup.sh: users orders and orders_reader"
user orders "$LEDGER_PASSWORD"
user orders_reader "$LEDGER_READER_PASSWORD"
# Who is no superuser may give away only what it is a member of.
psql -v ON_ERROR_STOP=1 -q -d postgres -c 'GRANT orders TO CURRENT_USER'

echo "setup.sh: database $database"
psql -v ON_ERROR_STOP=1 -q -d postgres -v database="$database" <<-'SQL'
	SELECT format('CREATE DATABASE %I OWNER orders', :'database') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
	REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
	GRANT CONNECT ON DATABASE :"database" TO orders_reader;
SQL
psql -v ON_ERROR_STOP=1 -q -d "$database" <<-'SQL'
	ALTER SCHEMA public OWNER TO orders;
	GRANT USAGE ON SCHEMA public TO orders_reader;
	GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_reader;
	ALTER DEFAULT PRIVILEGES FOR ROLE orders IN SCHEMA public GRANT SELECT ON TABLES TO orders_reader;
SQL
echo "setup.sh: done"
