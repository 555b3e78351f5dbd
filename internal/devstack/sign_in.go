package main

import (
	"net"
	"strconv"
	"strings"
	"time"

	"dummyorders/internal/devissuer"
	"dummyorders/internal/localhost"
)

// signInRoles gives each role to a group of the same name. TestSignInRoles compares it with the roles that there are.
const signInRoles = "reviewer=reviewer,analyst=analyst,operator=operator,auditor=auditor,admin=admin,merchant=merchant@default"

// wantsSignIn reports whether the dev stack signs persons in itself. It does not where the user has chosen how callers are
// known, where other machines reach the API, or where payments are real: there the api refuses an issuer for development.
func (s settings) wantsSignIn() bool {
	host, _, _ := net.SplitHostPort(s.HTTPAddress)
	stored, _ := strconv.ParseBool(s.StoredKeys)
	open, _ := strconv.ParseBool(s.APIOpen)
	known := s.OIDCIssuer != "" || strings.TrimSpace(s.APIKeys) != "" || stored
	return localhost.Is(host) && !known && !open && s.TestDoubles != "refuse" && !strings.Contains(s.StripeAPIKey, "_live_")
}

// wantsDesk reports whether the desk runs: where persons can sign in.
func (s settings) wantsDesk() bool {
	return s.OIDCIssuer != "" || s.wantsSignIn()
}

// startSignIn starts the issuer for development, and names it to the processes.
func (d *devStack) startSignIn() error {
	start := time.Now()
	var groups []string
	for role := range strings.SplitSeq(signInRoles, ",") {
		group, _, _ := strings.Cut(role, "=")
		groups = append(groups, group)
	}
	issuer, err := devissuer.Start(devissuer.Options{Groups: groups})
	if err != nil {
		return err
	}
	d.issuer = issuer
	d.env = append(d.env, "OIDC_ISSUER="+issuer.URL(), "OIDC_AUDIENCE="+devissuer.ClientID, "OIDC_GROUPS_CLAIM="+devissuer.GroupsClaim, "OIDC_ROLES="+signInRoles)
	d.up("Sign-in", strings.TrimPrefix(issuer.URL(), "http://"), start)
	return nil
}
