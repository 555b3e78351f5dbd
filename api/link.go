package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/internal/safetext"
	"dummyorders/internal/telemetry"
)

// People acknowledge alerts and decide reviews from a message by a signed link, which is all the authority they need. A GET
// shows a page and changes nothing, because mail scanners open every link. The page's buttons send a POST to the same
// address.

const (
	formType = "application/x-www-form-urlencoded"
	noStore  = "no-store"
)

// visit is a request that came by a link. html says how to answer it: with a page, or with JSON.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	purpose alert.Purpose
	id      string
	html    bool
	sentTo  string // the receiver of the link, once it is verified
}

// byLink has answer handle requests with a signed link and without an API key. answer gets the page's form, and runs with a
// place of places. All other requests go to next.
func (s *server) byLink(purpose alert.Purpose, places *gate, answer func(*visit, url.Values)) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		if !s.Links.Signed() || r.Header.Get("Authorization") != "" || !r.URL.Query().Has("signature") {
			next(ctx)
			return
		}
		v := &visit{w: w, r: r, purpose: purpose, id: ctx.Param("id"), html: wantsPage(r)}
		visitorOf(r.Context()).action = linkActions[purpose]
		if refused := s.callers.spend(r.Context(), w, callerOf(r.Context(), r)); refused != nil {
			v.refuse(refused)
			return
		}
		if !s.verify(v) {
			return
		}
		values, refused := v.form()
		if refused != nil {
			v.refuse(refused)
			return
		}
		v.within(places, func() { answer(v, values) })
	}
}

// linkPage returns a handler that verifies a signed link, and has show answer with its page.
func (s *server) linkPage(purpose alert.Purpose, show func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{w: w, r: r, purpose: purpose, id: pathID(r), html: true}
		visitorOf(r.Context()).action = linkActions[purpose]
		if refused := s.callers.spend(r.Context(), w, callerOf(r.Context(), r)); refused != nil {
			v.refuse(refused)
			return
		}
		if !s.Links.Signed() {
			v.refuse(problem(http.StatusNotFound, "links are not in use here: "+withoutLink[purpose]))
			return
		}
		if s.verify(v) {
			v.within(s.short, func() { show(v) })
		}
	}
}

// within runs answer if there is a place, and refuses the request if there is none.
func (v *visit) within(places *gate, answer func()) {
	leave, full := places.enter(v.r.Context(), callerOf(v.r.Context(), v.r))
	if full != nil {
		v.refuse(full)
		return
	}
	defer leave()
	answer()
}

// linkActions are the operations that links lead to, for the audit trail.
var linkActions = map[alert.Purpose]string{alert.Acknowledging: "acknowledgeAlert", alert.Reviewing: "reviewTransaction"}

var withoutLink = map[alert.Purpose]string{
	alert.Acknowledging: "alerts are acknowledged by POST /alerts/{id}/acknowledge",
	alert.Reviewing:     "reviews are decided by POST /transactions/{id}/review",
}

var expiredLink = map[alert.Purpose]string{
	alert.Acknowledging: "this link has expired together with its alert: the alert can no longer be acknowledged by it",
	alert.Reviewing:     "this link has expired, because the review's deadline is over: the transaction is decided without a person",
}

// verify reports whether the link is valid, and answers the request if it is not.
func (s *server) verify(v *visit) bool {
	sentTo, err := s.Links.Verify(v.purpose, v.id, v.r.URL.Query(), time.Now())
	switch {
	case errors.Is(err, alert.ErrLinkExpired):
		telemetry.LoginsRefused.Inc(v.r.Context(), "expired_link")
		v.refuse(problem(http.StatusForbidden, expiredLink[v.purpose]))
	case err != nil:
		telemetry.LoginsRefused.Inc(v.r.Context(), "bad_link")
		v.refuse(cmp.Or(s.callers.failed(v.r), problem(http.StatusForbidden,
			"this link is not from this service, or was changed or cut on its way: open it from the message again, or copy all of it")))
	}
	v.sentTo = sentTo
	if err == nil {
		visitorOf(v.r.Context()).subject = identity.Subject{Kind: identity.Receiver, Name: sentTo}
	}
	return err == nil
}

// form reads the page's form. An empty body is an empty form.
func (v *visit) form() (url.Values, *Problem) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, MaxBody)
	mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if v.r.Header.Get("Content-Type") != "" && (err != nil || mediaType != formType) {
		return nil, problem(http.StatusUnsupportedMediaType,
			"with a signed link the body must be empty, or the page's form: "+formType)
	}
	err = v.r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, problem(http.StatusRequestEntityTooLarge, "the body must not be larger than 64 KiB")
	}
	if err != nil {
		return nil, problem(http.StatusBadRequest, "the body is not a form that can be read to its end")
	}
	return v.r.PostForm, nil
}

// wantsPage reports whether a person is looking: browsers send forms, and ask for HTML.
func wantsPage(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == formType || strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}

// pathID returns the id in the path, for routes that huma does not serve.
func pathID(r *http.Request) string {
	id := r.PathValue("id")
	if decoded, err := url.PathUnescape(id); err == nil && r.URL.RawPath != "" {
		return decoded
	}
	return id
}

//go:embed link_page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") },
}).Parse(pageText))

// pagePolicy allows the page only its own style, by its hash, and its own form.
var pagePolicy = "default-src 'none'; style-src " + inlineHashes(pageText, "style") + "; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// inlineHashes returns the hashes of a page's inline styles or scripts, in the form that a Content-Security-Policy needs.
func inlineHashes(page, element string) string {
	var hashes []string
	for _, from := range strings.Split(page, "<"+element+">")[1:] {
		inline, _, _ := strings.Cut(from, "</"+element+">")
		sum := sha256.Sum256([]byte(inline))
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return strings.Join(hashes, " ")
}

// page is what a link leads to. A page about an alert has its Log, one about a review the transaction's Record. A refusal
// has only a Text.
type page struct {
	Heading string
	Text    string

	Log             *alert.Log
	Acknowledgement *alert.Acknowledgement

	Record  *ledger.Record
	Recheck *fraud.Decision // the fraud check's decision when it was asked again
	Confirm bool            // an approval has to be confirmed

	Open    bool // the link's purpose can still be served, so the page has a form
	SentTo  string
	Form    form
	MaxName int
	MaxNote int
}

// refusals are the headings of pages that refuse a request.
var refusals = map[int]string{
	http.StatusForbidden:          "This link is not valid",
	http.StatusNotFound:           "Not found",
	http.StatusConflict:           "This cannot be done",
	http.StatusTooManyRequests:    "Try again in a moment",
	http.StatusServiceUnavailable: "Try again in a moment",
}

// refuse answers with a problem, in the form that the visit asked for.
func (v *visit) refuse(p *Problem) {
	if !v.html {
		v.setHeaders()
		p.write(v.w)
		return
	}
	heading := refusals[p.Status]
	if heading == "" {
		heading = p.Title
	}
	maps.Copy(v.w.Header(), p.GetHeaders())
	v.show(p.Status, page{Heading: heading, Text: strings.ToUpper(p.Detail[:1]) + p.Detail[1:] + "."})
}

func (v *visit) show(status int, p page) {
	p.SentTo, p.MaxName, p.MaxNote = v.sentTo, maxReviewer, maxNote
	var written bytes.Buffer
	if err := pageTemplate.Execute(&written, p); err != nil {
		panic(err) // the template does not fit its own data
	}
	v.setHeaders()
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(written.Bytes()) // the client may be gone; the error can be reported nowhere
}

// setHeaders keeps the link, which is a secret, out of caches and away from other sites, and keeps other sites from framing the
// page.
func (v *visit) setHeaders() {
	h := v.w.Header()
	h.Set("Cache-Control", noStore)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", pagePolicy)
}

// linkScheme is the name of the signed links in the OpenAPI document.
const linkScheme = "signedLink"

// linkQuery describes the query of a signed link.
var linkQuery = map[string]string{
	"by": "the address or the receiver that it was sent to", "signature": "its signature",
	"until": "until when it is good, in seconds since 1970",
}

// describeLink documents that the operation post may be called by a signed link, and documents page, to which the link
// leads. answers are the page's answers besides 200 and 403.
func describeLink(document *huma.OpenAPI, post *huma.Operation, page huma.Operation, answers map[string]string) {
	for status, response := range post.Responses {
		if status != "401" { // a form that comes by a link is answered with a page
			response.Content["text/html"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
	}
	if document.Components.SecuritySchemes == nil {
		document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	}
	document.Components.SecuritySchemes[linkScheme] = &huma.SecurityScheme{
		Type: "apiKey", In: "query", Name: "signature",
		Description: "A signed link to acknowledge one alert or to decide one review, as messages hold it",
	}
	if len(post.Security) > 0 {
		post.Security = append(post.Security, map[string][]string{linkScheme: {}})
	}
	page.Method, page.Tags = http.MethodGet, post.Tags
	page.Parameters = []*huma.Param{post.Parameters[0]} // the id in the path
	for _, name := range slices.Sorted(maps.Keys(linkQuery)) {
		p := huma.Param{Name: name, In: "query", Description: "Of a signed link: " + linkQuery[name], Schema: &huma.Schema{Type: huma.TypeString}}
		post.Parameters = append(post.Parameters, &p)
		needed := p
		needed.Required = true
		page.Parameters = append(page.Parameters, &needed)
	}
	page.Security, page.Responses = []map[string][]string{{linkScheme: {}}}, map[string]*huma.Response{}
	answers["200"], answers["403"] = "The page", "A page that says that the link has expired, or that its signature is wrong"
	for status, description := range answers {
		page.Responses[status] = &huma.Response{Description: description, Content: map[string]*huma.MediaType{
			"text/html": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}
	}
	document.AddOperation(&page)
}

// form is what a link's page sends, under the fields' own names.
type form struct {
	Name, Note string
	Faults     []string
}

// readForm reads what people type. Any run of spaces and line ends becomes one space. An empty field counts as absent.
func readForm(values url.Values) form {
	f := form{Name: card.Redact(safetext.Line(values.Get("name"))), Note: card.Redact(safetext.Line(values.Get("note")))}
	if utf8.RuneCountInString(f.Name) > maxReviewer {
		f.Faults = append(f.Faults, "The name must have at most "+strconv.Itoa(maxReviewer)+" characters.")
	}
	for _, field := range []string{"name", "note"} {
		if text := values.Get(field); holdsNumber(text) || card.HoldsVerificationValue(text) {
			f.Faults = append(f.Faults, "The "+field+" must not hold a card number or a card verification value.")
		}
	}
	if utf8.RuneCountInString(f.Note) > maxNote {
		f.Faults = append(f.Faults, "The note must have at most "+strconv.Itoa(maxNote)+" characters.")
	}
	return f
}

// by returns the address or the receiver that the link was sent to, after the name that was typed: "ada (jo@example.com)".
// If there is no room for both, the name is cut, since the link vouches for the other. A telephone number as long as a card
// number is masked like one.
func (f form) by(sentTo string, most int) string {
	by := safetext.Cut(sentTo, most, "…")
	if room := most - utf8.RuneCountInString(by) - len(" ()"); f.Name != "" && room > 0 {
		by = safetext.Cut(f.Name, room, "…") + " (" + by + ")"
	}
	return card.Redact(by)
}
