package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dummyorders/domain/identity"
)

// people is the page about who may do what.
type people struct {
	Scopes    []identity.Scope
	Roles     []identity.Role
	Groups    []group
	Merchants []identity.ShownMerchant
	Keys      []identity.ShownKey
	// Sessions are those of all persons. They are nil for somebody who manages some merchants only.
	Sessions []identity.Session
}

// Has reports whether a role has a scope.
func (people) Has(r identity.Role, s identity.Scope) bool { return slices.Contains(r.Scopes(), s) }

// group is what OIDC_ROLES gives to a group of the issuer.
type group struct {
	Name, Role, Merchants string
}

func (d *desk) showPeople(v *visit) (any, error) {
	p := people{Scopes: identity.Scopes, Roles: identity.Roles, Groups: d.groups()}
	if err := v.get("/merchants", nil, &p); err != nil {
		return nil, err
	}
	if err := v.get("/keys", nil, &p); err != nil {
		return nil, err
	}
	if !v.Person.For(identity.Admin).All() {
		return p, nil
	}
	err := v.get("/sessions", nil, &p)
	return p, err
}

// groups returns the groups of OIDC_ROLES by name, each with one line for each of its roles.
func (d *desk) groups() (all []group) {
	for name, grants := range d.Groups {
		for _, grant := range grants {
			g := group{Name: name, Merchants: "all merchants"}
			if !grant.Merchants.All() {
				g.Merchants = strings.Join(grant.Merchants.Names(), ", ")
			}
			for _, role := range identity.Roles {
				if slices.Equal(role.Scopes(), grant.Scopes) {
					g.Role = string(role)
				}
			}
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b group) int { return strings.Compare(a.Name+" "+a.Role, b.Name+" "+b.Role) })
	return all
}

func (d *desk) addMerchant(v *visit) (to, done string, err error) {
	name := strings.TrimSpace(v.PostFormValue("merchant"))
	err = v.send(http.MethodPost, "/merchants", map[string]any{"merchant": name}, nil)
	return "/people", "Merchant " + name + " is added: make a key for a client of it below.", err
}

func (d *desk) disableMerchant(v *visit) (to, done string, err error) {
	name := param(v, "name")
	if err = v.isSure(); err == nil {
		err = v.send(http.MethodPost, "/merchants/"+url.PathEscape(name)+"/disable", nil, nil)
	}
	return "/people", "Merchant " + name + " is disabled: its clients' keys are refused within five seconds. Those in API_KEYS are not.", err
}

func (d *desk) enableMerchant(v *visit) (to, done string, err error) {
	name := param(v, "name")
	err = v.send(http.MethodPost, "/merchants/"+url.PathEscape(name)+"/enable", nil, nil)
	return "/people", "Merchant " + name + " is enabled.", err
}

// isSure fails if the form's box is not ticked that says what is lost.
func (v *visit) isSure() error {
	if v.PostFormValue("sure") == "" {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: "Nothing was done: tick the box that says what is lost."}
	}
	return nil
}

// wantedKey returns what a form asks of a new key, as the API takes it: what is empty is left out.
func (v *visit) wantedKey(names ...string) map[string]any {
	wanted := map[string]any{}
	for _, name := range names {
		if text := strings.TrimSpace(v.PostFormValue(name)); text != "" {
			wanted[name] = text
		}
	}
	if scopes := v.PostForm["scope"]; len(scopes) > 0 {
		wanted["scopes"] = scopes
	}
	return wanted
}

func (d *desk) makeKey(v *visit) (any, error) {
	var made identity.MadeKey
	err := v.send(http.MethodPost, "/keys", v.wantedKey("merchant", "client", "expires"), &made)
	return made, err
}

func (d *desk) rollKey(v *visit) (any, error) {
	var made identity.MadeKey
	err := v.send(http.MethodPost, "/keys/"+pathOf(v, "name")+"/roll", v.wantedKey("overlap", "expires"), &made)
	return made, err
}

func (d *desk) revokeKey(v *visit) (to, done string, err error) {
	name := param(v, "name")
	if err = v.isSure(); err == nil {
		err = v.send(http.MethodPost, "/keys/"+url.PathEscape(name)+"/revoke", nil, nil)
	}
	return "/people", "Key " + name + " is revoked: it is refused within five seconds.", err
}

// endSession ends a session.
func (d *desk) endSession(v *visit) (to, done string, err error) {
	var ended identity.Session
	err = v.send(http.MethodPost, "/sessions/"+pathOf(v, "id")+"/end", nil, &ended)
	return local(v.PostFormValue("page")), "A session of " + ended.Person + " is ended.", err
}
