package desk

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
)

//go:embed pages static
var files embed.FS

// pages holds each page of pages/ with the frame that all have.
var pages = readPages()

func readPages() map[string]*template.Template {
	frame := template.Must(template.New("frame.html").Funcs(functions).ParseFS(files, "pages/frame.html", "pages/parts.html"))
	all := map[string]*template.Template{}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, name := range names {
		page := template.Must(template.Must(frame.Clone()).ParseFS(files, name))
		all[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return all
}

// functions are what pages can call.
var functions = template.FuncMap{
	"status":  statusInWords,
	"field":   newField,
	"worth":   worth,
	"explain": explain,
	"percent": percent,
	"shareOf": shareOf,
	"onDay":   onDay,
	"unix":    unix,
	"retry":   retryInWords,
	"when":    when,
	"text":    inText,
	"plainly": plainly,
	"path":    url.PathEscape,
	"span":    spanInWords,
	"ms":      func(of int64) string { return inWords(time.Duration(of) * time.Millisecond) },
	"alert":   func(of any) string { return alertInWords(alert.Type(fmt.Sprint(of))) },
}

// flash is what the next page says first.
type flash struct {
	Fault bool
	Text  string
}

// kept is a form that was not done: the page that it was on, the path that it is sent to, and its values.
type kept struct {
	Page, Form string
	url.Values
}

// Of returns a value of the form that is sent to a path, on a page with several that have a field of the name.
func (k kept) Of(form, name string) string {
	if k.Form != form {
		return ""
	}
	return k.Get(name)
}

// Ticked reports whether the box of the name that stands for value was ticked.
func (k kept) Ticked(name, value string) bool { return slices.Contains(k.Values[name], value) }

// view is what the template of a page gets.
type view struct {
	Person identity.Subject
	Menu   []screen
	Path   string
	// Flash is what was done or not done before this page.
	Flash flash
	// Kept is this page's form, if that was sent and not done.
	Kept    kept
	WebUI   string
	Version string
	Data    any
}

// Current returns the aria-current of a screen in the menu: page on its first page, and true on its other pages.
func (v view) Current(s screen) string {
	switch {
	case v.Path == s.Path:
		return "page"
	case strings.HasPrefix(v.Path, s.Path+"/"), s.Beside != "" && strings.HasPrefix(v.Path+"/", s.Beside+"/"):
		return "true"
	}
	return ""
}

// May reports whether the person has a scope, for any merchant.
func (v view) May(scope string) bool { return !v.Person.For(identity.Scope(scope)).None() }

// page returns a handler that shows a page of what read returns.
func (d *desk) page(name string, read func(*visit) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(r)
		data, err := read(v)
		if err != nil {
			d.show(w, v, "fault", d.problem(v, err))
			return
		}
		d.show(w, v, name, data)
	}
}

// act returns a handler of a form. do returns the page that follows, and what that says first. If do fails, the form's own
// page follows, says why, and has what was written still in it.
func (d *desk) act(do func(*visit) (to, done string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(r)
		to, text, err := do(v)
		if err != nil {
			d.notDone(w, v, err)
			return
		}
		if text != "" {
			d.say(r.Context(), flash{Text: text})
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// once returns a handler of a form that is answered with a page of what do returns, which is shown this once and not kept. If do
// fails, it goes on as act does.
func (d *desk) once(name string, do func(*visit) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(r)
		data, err := do(v)
		if err != nil {
			d.notDone(w, v, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		d.show(w, v, name, data)
	}
}

// notDone leads back to the page of a form that was not done, which its hidden field page names. The page says why, and has what was
// written still in it.
func (d *desk) notDone(w http.ResponseWriter, v *visit, err error) {
	to := local(v.PostFormValue("page"))
	form := kept{withoutNumber(to), card.Conceal(v.URL.Path), masked(v.PostForm)}
	form.Del("page")
	d.put(v.Context(), keptValue, form)
	d.say(v.Context(), flash{Fault: true, Text: d.problem(v, err).Error()})
	http.Redirect(w, v.Request, to, http.StatusSeeOther) //nolint:gosec // it leads to a path of the desk
}

// say has the next page say something first. It is kept in the ledger's database until then, where no card number may be.
func (d *desk) say(ctx context.Context, f flash) {
	f.Text = card.Conceal(f.Text)
	d.put(ctx, flashValue, f)
}

// masked returns the values of a form as they may be kept in the ledger's database: with card numbers masked. Notes and reasons are
// masked as the API masks them before it keeps them. In other values only what it refuses is: a masked id would be another one.
func masked(form url.Values) url.Values {
	all := url.Values{}
	for name, values := range form {
		mask := card.Conceal
		if name == "note" || name == "reason" || name == "why" {
			mask = card.Redact
		}
		for _, value := range values {
			all.Add(name, mask(value))
		}
	}
	return all
}

// withoutNumber returns a path of the desk as it may be kept in the ledger's database: / in the place of one that holds a card number.
func withoutNumber(to string) string {
	if text, err := url.QueryUnescape(to); err != nil || card.Conceal(text) != text {
		return "/"
	}
	return to
}

// maxForm bounds a form, in bytes: a ruleset is the largest.
const maxForm = 1 << 20

// withForm reads the forms that are sent.
func (d *desk) withForm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.Method == http.MethodPost && r.ParseForm() != nil {
			d.show(w, d.visit(r), "fault", &Problem{
				Status: http.StatusRequestEntityTooLarge, Detail: "What was sent cannot be read, or has more than 1 MiB. Nothing was done.",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// problem returns an error as the page shows it. Any other error than a *Problem is the desk's own fault, and is logged.
func (d *desk) problem(v *visit, err error) *Problem {
	if p, is := errors.AsType[*Problem](err); is {
		return p
	}
	d.Log.ErrorContext(v.Context(), "Page not shown", "error", err)
	return &Problem{Status: http.StatusInternalServerError, Detail: "The desk failed to do this; its log says why."}
}

// show writes a page. A *Problem as its data gives the answer its status.
func (d *desk) show(w http.ResponseWriter, v *visit, name string, data any) {
	ctx := v.Context()
	page := view{Person: v.Person, Menu: menu(v.Person), Path: v.URL.Path, WebUI: d.WebUI, Version: d.Version, Data: data}
	if d.value(ctx, flashValue, &page.Flash) {
		d.sessions.Remove(ctx, flashValue)
	}
	if form := (kept{}); d.value(ctx, keptValue, &form) && form.Page == v.URL.RequestURI() {
		page.Kept = form
		d.sessions.Remove(ctx, keptValue)
	}
	status := http.StatusOK
	if p, is := data.(*Problem); is {
		status = p.Status
	}
	d.write(w, status, name, page)
}

// plain is a page with a sentence and a link, for those who have not signed in. Without a link it leads to the desk.
type plain struct {
	Text, To, Link string
}

func (d *desk) plain(w http.ResponseWriter, status int, p plain) {
	if p.To == "" {
		p.To, p.Link = "/", "Open the desk"
	}
	d.write(w, status, "plain", view{Data: p, Version: d.Version})
}

// write writes a page once its whole template has been filled in.
func (d *desk) write(w http.ResponseWriter, status int, name string, page view) {
	var body bytes.Buffer
	if err := pages[name].ExecuteTemplate(&body, "frame.html", page); err != nil {
		d.Log.Error("Page not written", "page", name, "error", err)
		http.Error(w, "The desk failed to write this page; its log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the browser may be gone; the error can be reported nowhere
}

// static serves the files of static/, which browsers keep for ten minutes.
func static() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no lists of files
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=600")
		server.ServeHTTP(w, r)
	})
}
