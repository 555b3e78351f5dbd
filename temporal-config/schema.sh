#!/bin/sh
# Brings the databases of a Temporal server on PostgreSQL to the version of this admin-tools image: makes what is
# missing, and migrates what is older. It can be run again at any time, and has to be before a newer server starts.
# It needs temporal-sql-tool and its variables SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu

export SQL_PLUGIN="${SQL_PLUGIN:-postgres12}"

# bring DATABASE SCHEMA
bring() {
	echo "schema.sh: database $1"
	temporal-sql-tool --database "$1" create
	temporal-sql-tool --database "$1" setup-schema --version 0.0
	temporal-sql-tool --database "$1" update-schema --schema-name "postgresql/v12/$2"
}

bring "${DBNAME:-temporal}" temporal
bring "${VISIBILITY_DBNAME:-temporal_visibility}" visibility
echo "schema.sh: done"
