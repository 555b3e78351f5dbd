package desk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/time/rate"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/internal/remote"
	"dummyorders/internal/telemetry"
)

// A session ends after a working day, or when its person has asked for nothing for an hour. Until then the person's groups are
// those that the issuer named at the sign-in.
const (
	sessionLifetime = 10 * time.Hour
	sessionIdle     = time.Hour
)

// The names of a session's values. Values are JSON, or text.
const (
	personValue = "person" // identity.Subject
	issuerValue = "issuer" // the URL of who signed the person in
	idValue     = "id"     // by which people name the session: it opens nothing
	sinceValue  = "since"  // when it began
	fromValue   = "from"   // the address that it was signed in from
	signInValue = "signIn" // identity.SignIn, of a sign-in that is under way
	leadsValue  = "leads"  // the page to which that sign-in leads
	flashValue  = "flash"  // flash: what the next page says first
	keptValue   = "kept"   // kept: a form that was not done
	draftValue  = "draft"  // draft: what was changed in the workbench

	backtestValue = "backtest" // the id of the last backtest
)

func (d *desk) newSessions() *scs.SessionManager {
	s := scs.New()
	s.Lifetime, s.IdleTimeout = sessionLifetime, sessionIdle
	s.Store, s.HashTokenInStore = d.Sessions, true
	s.Cookie.Name, s.Cookie.Persist = "desk", false
	if d.URL.Scheme == "https" {
		s.Cookie.Name, s.Cookie.Secure = "__Host-desk", true
	}
	s.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		d.Log.ErrorContext(r.Context(), "Session not read or kept", "error", err)
		text := "The desk cannot read its sessions now, because the ledger's database does not answer. " +
			"Transactions go on without the desk. Nothing was done; try again in a moment."
		if a, is := w.(*reply); is && a.begun {
			w, a.over = a.ResponseWriter, true
			text = "The desk cannot keep its sessions now, because the ledger's database takes no changes. " +
				"If you have sent something, see whether it was done before you send it again."
		}
		d.plain(w, http.StatusServiceUnavailable, plain{Text: text})
	}
	return s
}

// withSession reads the session before a request is answered, and keeps it before the first byte of the answer.
func (d *desk) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &reply{ResponseWriter: w}
		d.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.begun = true
			next.ServeHTTP(w, r)
		})).ServeHTTP(a, r)
	})
}

// reply leaves out what is written after it is over: scs writes the answer of a request even where the session was not kept
// and another page has said so.
type reply struct {
	http.ResponseWriter

	begun, over bool
}

// WriteHeader implements http.ResponseWriter.
func (a *reply) WriteHeader(status int) {
	if !a.over {
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (a *reply) Write(b []byte) (int, error) {
	if a.over {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *reply) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// person returns who has signed in, or a subject without a name. What the person may do follows from OIDC_ROLES as it is now.
func (d *desk) person(r *http.Request) (of identity.Subject) {
	if d.sessions.GetString(r.Context(), issuerValue) != d.IssuerURL || !d.value(r.Context(), personValue, &of) {
		return identity.Subject{}
	}
	of.Session, of.Grants = d.sessions.GetString(r.Context(), idValue), nil
	of.Groups = slices.DeleteFunc(of.Groups, func(group string) bool { return d.Groups[group] == nil })
	for _, group := range of.Groups {
		of.Grants = append(of.Grants, d.Groups[group]...)
	}
	return of
}

// SessionOf returns what may be shown of a session, from the data in the store. It has no id before a person has signed in.
func SessionOf(data []byte) identity.Session {
	until, values, err := scs.GobCodec{}.Decode(data)
	text := func(name string) string {
		of, _ := values[name].(string)
		return of
	}
	var person identity.Subject
	if err != nil || json.Unmarshal([]byte(text(personValue)), &person) != nil {
		return identity.Session{}
	}
	since, _ := time.Parse(time.RFC3339, text(sinceValue)) // as callback wrote it
	return identity.Session{ID: text(idValue), Person: person.Name, From: text(fromValue), Since: since, Until: until}
}

// value reads a value of the session, and reports whether it is there.
func (d *desk) value(ctx context.Context, name string, into any) bool {
	text := d.sessions.GetString(ctx, name)
	return text != "" && json.Unmarshal([]byte(text), into) == nil
}

// put keeps a value in the session.
func (d *desk) put(ctx context.Context, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // all of them can be written as JSON
	}
	d.sessions.Put(ctx, name, string(text))
}

// signedIn lets a request pass if its person has signed in. If not, a page leads to the sign-in and back. A form is shown
// again, to be sent once its person has signed in: it is not kept here, where strangers could fill the database with forms.
func (d *desk) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.person(r).Name != "" {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet {
			http.Redirect(w, r, signInPath(r.URL.RequestURI()), http.StatusSeeOther) //nolint:gosec // it leads to a path of the desk
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			d.plain(w, http.StatusBadRequest, plain{Text: "The form cannot be read. Nothing was done."})
			return
		}
		d.write(w, http.StatusUnauthorized, "again", view{Path: r.URL.RequestURI(), Kept: kept{Values: r.PostForm}, Version: d.Version})
	})
}

func signInPath(to string) string {
	return "/sign-in?to=" + url.QueryEscape(to)
}

// A browser has ten minutes to sign in. Sign-ins are bounded, since each is kept in the ledger's database, and anybody can
// begin one: those of one site, which leaves others to everybody else, and all. So are the entries about refused ones, each minute.
const (
	signInWithin  = 10 * time.Minute
	signInsPerSec = 10
	signInsBurst  = 50
	ofSitePerSec  = 1
	ofSiteBurst   = 10
	mostRefusals  = 250
)

// signIn leads to the issuer.
func (d *desk) signIn(w http.ResponseWriter, r *http.Request) {
	ofSite := d.sites.Of(remote.Site(remote.Address(r)), rate.NewLimiter(ofSitePerSec, ofSiteBurst))
	if !ofSite.Allow() || !d.signIns.Allow() {
		w.Header().Set("Retry-After", "1")
		d.plain(w, http.StatusTooManyRequests, plain{Text: "Too many people sign in at once. Try again in a moment."})
		return
	}
	s, err := d.Issuer.SignIn(r.Context(), d.URL.JoinPath("callback").String())
	if err != nil {
		d.Log.ErrorContext(r.Context(), "Issuer cannot sign a person in", "error", err)
		d.plain(w, http.StatusServiceUnavailable, plain{Text: "The issuer that signs persons in does not answer. Try again in a moment."})
		return
	}
	if d.person(r).Name == "" {
		d.sessions.SetDeadline(r.Context(), time.Now().Add(signInWithin))
	}
	d.put(r.Context(), signInValue, s)
	d.sessions.Put(r.Context(), leadsValue, withoutNumber(local(r.URL.Query().Get("to"))))
	http.Redirect(w, r, s.URL, http.StatusSeeOther)
}

// local returns a path of the desk, and / for anything that leads elsewhere. Browsers take a backslash for a slash, but not in a query.
func local(to string) string {
	u, err := url.Parse(to)
	path, _, _ := strings.Cut(to, "?")
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(path, "\\") || strings.ContainsAny(to, "\n\r\t") {
		return "/"
	}
	return to
}

// callback ends a sign-in.
func (d *desk) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var s identity.SignIn
	if !d.value(ctx, signInValue, &s) || !s.IsOf(r.URL.Query()) {
		d.plain(w, http.StatusBadRequest, plain{Text: "This is not the sign-in that was begun in this browser last. Open the desk again."})
		return
	}
	d.sessions.Remove(ctx, signInValue)
	token, person, err := d.Issuer.Finish(ctx, s, r.URL.Query())
	if err != nil {
		d.Log.WarnContext(ctx, "Sign-in failed", "error", err)
		telemetry.LoginsRefused.Inc(ctx, "sign_in")
		if d.refusals.Allow() {
			_ = d.note(ctx, r, identity.Subject{}, audit.Entry{Action: "signIn", Object: "desk", Result: strconv.Itoa(http.StatusForbidden)}) // note has logged it
		}
		d.plain(w, http.StatusForbidden, plain{Text: "The sign-in has failed. Open the desk again."})
		return
	}
	if err := d.sessions.RenewToken(ctx); err != nil { // a cookie from before the sign-in is worth nothing after it
		d.sessions.ErrorFunc(w, r, err)
		return
	}
	leads := d.sessions.PopString(ctx, leadsValue)
	if former := d.person(r); former.Name != person.Name {
		_ = d.sessions.Clear(ctx) // it cannot fail: the forms of one person are not for the next
		d.noteSignOut(r, former)
	}
	d.put(ctx, personValue, person)
	d.sessions.Put(ctx, issuerValue, d.IssuerURL)
	d.sessions.Put(ctx, idValue, rand.Text())
	d.sessions.Put(ctx, sinceValue, d.Now().UTC().Format(time.RFC3339))
	d.sessions.Put(ctx, fromValue, remote.Address(r).String())
	if err := d.note(ctx, r, person, audit.Entry{Action: "signIn", Object: "desk, " + audit.Token(token), Result: audit.Done}); err != nil {
		d.plain(w, http.StatusServiceUnavailable, plain{Text: "The audit trail cannot be written now, so you were not signed in. Try again in a moment."})
		_ = d.sessions.Destroy(ctx) // it was not sent to the browser
		return
	}
	http.Redirect(w, r, local(leads), http.StatusSeeOther)
}

// signOut ends the session. The issuer's own goes on.
func (d *desk) signOut(w http.ResponseWriter, r *http.Request) {
	person := d.person(r)
	if err := d.sessions.Destroy(r.Context()); err != nil {
		d.sessions.ErrorFunc(w, r, err)
		return
	}
	d.noteSignOut(r, person)
	d.plain(w, http.StatusOK, plain{Text: "You have signed out of the desk."})
}

// noteSignOut notes that a session has ended, if a person had signed in.
func (d *desk) noteSignOut(r *http.Request, person identity.Subject) {
	if person.Name != "" {
		_ = d.note(r.Context(), r, person, audit.Entry{Action: "signOut", Object: "desk", Result: audit.Done}) // note has logged it
	}
}

// noteWithin bounds an entry of the audit trail.
const noteWithin = 5 * time.Second

// note keeps an entry in the audit trail about what the desk did itself.
func (d *desk) note(ctx context.Context, r *http.Request, person identity.Subject, e audit.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	e = e.By(person)
	e.Time, e.Address = d.Now(), remote.Address(r).String()
	if _, err := d.Audit.Append(ctx, e); err != nil {
		d.Log.ErrorContext(ctx, "Entry of the audit trail not kept", "action", e.Action, "subject", e.Subject, "error", err)
		return errors.New("the audit trail cannot be written")
	}
	return nil
}
