// Package dummyorders holds the pages of the documentation, for servers that have the binary only.
package dummyorders

import "embed"

// Pages holds docs/*.md, and env: all settings with their defaults.
//
//go:embed docs/*.md env
var Pages embed.FS
