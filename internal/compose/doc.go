// Package compose holds what make needs to run the service in containers, apart from docker-compose.yml, and the tests
// of both.
package compose
