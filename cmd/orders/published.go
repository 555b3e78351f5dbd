package main

import (
	"net/url"
	"slices"
)

// publishedSecrets lists the passwords and keys that stand in this repository, for development and in examples. Everybody
// knows them, so they are refused where payments are real: see refuseDouble. A test compares the list with the files.
var publishedSecrets = []string{
	"a-long-secret",
	"a-long-secret-of-its-own",
	"alertman",
	"another",
	"desk",
	"development-only-never-a-secret-0",
	"guest",
	"operator",
	"orders",
	"password",
	"police",
	"reader",
	"secret",
	"temporal",
}

func isPublished(secret string) bool {
	return slices.Contains(publishedSecrets, secret)
}

// refusePublished records a fault if a setting holds a published secret where payments are real. It does not show the
// secret.
func (e environment) refusePublished(v *values, name, secret string) {
	if isPublished(secret) {
		e.refuseDouble(v, name, "must hold a secret of your own, since this one is published with the source")
	}
}

// passwordIn returns the password in a URL, or "" if there is none.
func passwordIn(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}
