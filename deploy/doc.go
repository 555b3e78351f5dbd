// Package deploy holds what make needs to run the service in containers beside docker-compose.yml: overrides and scripts,
// and the tests of all of it.
package deploy
