package desk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"dummyorders/domain/audit"
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
	Sessions []session
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
	var err error
	p.Sessions, err = d.openSessions(v)
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
	name := chi.URLParam(v.Request, "name")
	if err = v.isSure(); err == nil {
		err = v.send(http.MethodPost, "/merchants/"+url.PathEscape(name)+"/disable", nil, nil)
	}
	return "/people", "Merchant " + name + " is disabled: its clients' keys are refused within five seconds. Those in API_KEYS are not.", err
}

func (d *desk) enableMerchant(v *visit) (to, done string, err error) {
	name := chi.URLParam(v.Request, "name")
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
	err := v.send(http.MethodPost, "/keys/"+url.PathEscape(chi.URLParam(v.Request, "name"))+"/roll", v.wantedKey("overlap", "expires"), &made)
	return made, err
}

func (d *desk) revokeKey(v *visit) (to, done string, err error) {
	name := chi.URLParam(v.Request, "name")
	if err = v.isSure(); err == nil {
		err = v.send(http.MethodPost, "/keys/"+url.PathEscape(name)+"/revoke", nil, nil)
	}
	return "/people", "Key " + name + " is revoked: it is refused within five seconds.", err
}

// session is a person's session at the desk.
type session struct {
	ID, Person, From string
	Since, Until     time.Time
	Own              bool // whether it is the one that asks

	digest string // of its cookie
}

// openSessions returns the sessions that the person may end: those of all persons for an admin of all merchants, and one's own for
// others. The latest sign-in comes first.
func (d *desk) openSessions(v *visit) ([]session, error) {
	all, own := []session{}, d.sessions.GetString(v.Context(), idValue)
	err := d.sessions.Iterate(v.Context(), func(ctx context.Context) error {
		var person identity.Subject
		if !d.value(ctx, personValue, &person) || person.Name != v.Person.Name && !v.Person.For(identity.Admin).All() {
			return nil
		}
		s := session{
			ID: d.sessions.GetString(ctx, idValue), Person: person.Name, From: d.sessions.GetString(ctx, fromValue), Until: d.sessions.Deadline(ctx),
			digest: d.sessions.Token(ctx),
		}
		s.Since, _ = time.Parse(time.RFC3339, d.sessions.GetString(ctx, sinceValue)) // as callback wrote it
		s.Own = s.ID == own
		all = append(all, s)
		return nil
	})
	slices.SortFunc(all, func(a, b session) int { return b.Since.Compare(a.Since) })
	return all, err
}

// endSession ends a session.
func (d *desk) endSession(v *visit) (to, done string, err error) {
	all, err := d.openSessions(v)
	if err != nil {
		return "", "", err
	}
	at := slices.IndexFunc(all, func(s session) bool { return s.ID == chi.URLParam(v.Request, "id") })
	if at < 0 {
		return "", "", &Problem{Status: http.StatusNotFound, Detail: "This session has ended already."}
	}
	s := all[at]
	entry := audit.Entry{Action: "endSession", Object: "session of " + s.Person + " from " + s.From + " since " + s.Since.Format(time.RFC3339), Result: audit.Done}
	if err := d.note(v.Context(), v.Request, v.Person, entry); err != nil {
		return "", "", &Problem{Status: http.StatusServiceUnavailable, Detail: "The audit trail cannot be written now, so the session goes on. Try again in a moment."}
	}
	return local(v.PostFormValue("page")), "A session of " + s.Person + " is ended.", d.Sessions.DeleteCtx(v.Context(), s.digest)
}
