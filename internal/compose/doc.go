// Package compose holds what make needs beside docker-compose.yml to run the service in containers, and the tests of
// both.
package compose
