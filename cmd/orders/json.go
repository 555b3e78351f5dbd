package main

import (
	"encoding/json"
	"io"
)

// jsonFlag is the flag of every command that lists or shows something.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON for programs: one object or one array."`
}

// printJSON prints an object or an array.
func printJSON(to io.Writer, shown any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}

// array returns a slice that JSON shows as an array, even if it is empty.
func array[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
