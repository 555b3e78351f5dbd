package main

import (
	"log/slog"
	"strings"

	"dummyorders/gateways/oidc"
	"dummyorders/internal/localhost"
)

// developmentIssuer reports whether persons are signed in by an issuer of this machine, where those who reach it choose who
// they are. Requests without a token then pass as anonymous, as without an issuer.
func (e environment) developmentIssuer() bool {
	return oidc.IsDevelopment(e.OIDCIssuer)
}

// persons returns the issuer whose persons may call, or nil if there is none.
func (e environment) persons(v *values, log *slog.Logger) *oidc.Issuer {
	if e.OIDCIssuer == "" {
		return nil
	}
	config := e.issuer(v, log)
	roles, err := oidc.ParseRoles(e.OIDCRoles)
	if err != nil {
		v.wrong("OIDC_ROLES", e.OIDCRoles, "groups and their roles with commas between them, such as fraud-team=reviewer, acme-staff=merchant@acme: "+err.Error())
	}
	config.Roles = roles
	if e.developmentIssuer() {
		if !localhost.Is(e.reachedAt()) || v.flag("API_OPEN", e.APIOpen) ||
			strings.TrimSpace(e.APIKeys) != "" || v.flag("API_KEYS_IN_LEDGER", e.StoredKeys) {
			v.wrong("OIDC_ISSUER", e.OIDCIssuer, "an https:// URL, unless the api serves this machine only, without API_KEYS, API_KEYS_IN_LEDGER "+
				"and API_OPEN: an issuer of this machine is for development")
		}
		e.refuseDouble(v, "OIDC_ISSUER", "must be an https:// URL, since an issuer of this machine is for development")
	}
	return oidc.New(config)
}

// issuer returns what is needed to sign persons in.
func (e environment) issuer(v *values, log *slog.Logger) oidc.Config {
	if err := oidc.CheckURL(e.OIDCIssuer); err != nil {
		v.wrong("OIDC_ISSUER", e.OIDCIssuer, err.Error())
	}
	return oidc.Config{
		URL: e.OIDCIssuer, Audience: v.text("OIDC_AUDIENCE", e.OIDCAudience), GroupsClaim: v.text("OIDC_GROUPS_CLAIM", e.OIDCGroupsClaim), Log: log,
	}
}
