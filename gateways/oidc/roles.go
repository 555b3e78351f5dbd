package oidc

import (
	"fmt"
	"slices"
	"strings"

	"dummyorders/domain/identity"
)

// Roles holds what the members of each group of the issuer may do.
type Roles map[string][]identity.Grant

// ParseRoles parses a list such as "fraud-team=reviewer, acme-staff=merchant@acme, auditors=auditor@acme+beta": groups and
// their roles, for some merchants or else for all. A group may stand there more than once. The error names each entry
// that is wrong.
func ParseRoles(text string) (Roles, error) {
	roles, faults := Roles{}, []string(nil)
	for i, entry := range strings.Split(text, ",") {
		entry = strings.TrimSpace(entry)
		group, grant, fault := parseRole(entry)
		if fault != "" {
			faults = append(faults, fmt.Sprintf("number %d, %q: %s", i+1, entry, fault))
			continue
		}
		roles[group] = append(roles[group], grant)
	}
	if faults != nil {
		return nil, fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return roles, nil
}

// parseRole parses an entry. A group may have any characters but a comma, and a role has no equals sign.
func parseRole(entry string) (group string, grant identity.Grant, fault string) {
	at := strings.LastIndex(entry, "=")
	if group = strings.TrimSpace(entry[:max(at, 0)]); group == "" {
		return "", grant, "must be a group, an equals sign and a role, such as fraud-team=reviewer"
	}
	name, of, some := strings.Cut(strings.TrimSpace(entry[at+1:]), "@")
	if !slices.Contains(identity.Roles, identity.Role(name)) {
		return "", grant, fmt.Sprintf("the role must be one of %s, not %q", roleNames(), name)
	}
	merchants := identity.AllMerchants()
	if some {
		names := strings.Split(of, "+")
		if slices.ContainsFunc(names, func(name string) bool { return !identity.IsName(name) }) {
			return "", grant, "after @ must stand merchants with + between them, such as acme+beta, in letters, digits, - and _"
		}
		merchants = identity.OnlyMerchants(names...)
	}
	return group, identity.Grant{Scopes: identity.Role(name).Scopes(), Merchants: merchants}, ""
}

func roleNames() string {
	names := make([]string, len(identity.Roles))
	for i, role := range identity.Roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// grants returns what a member of these groups may do.
func (r Roles) grants(groups []string) (grants []identity.Grant) {
	for _, group := range groups {
		grants = append(grants, r[group]...)
	}
	return grants
}
