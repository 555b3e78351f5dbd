package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"strings"
	"time"

	"dummyorders/domain/alert"
)

//go:embed acknowledge_page.html
var acknowledgePageText string

var acknowledgePage = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") },
}).Parse(acknowledgePageText))

// pagePolicy lets the page be nothing but itself: its own style, by its hash, and its own form.
var pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash(acknowledgePageText) + "'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

func styleHash(page string) string {
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page is what a link leads to. A page about an alert has its Log; one that refuses has a Text alone.
type page struct {
	Heading string
	Text    string
	Log     *alert.Log

	Acknowledgement *alert.Acknowledgement
	Open            bool // somebody is still asked to take care
	SentTo          string
	Form            form
	MaxName         int
	MaxNote         int
}

// headings say what happened, for people.
var headings = map[alert.Type]string{
	alert.FraudDetected:      "A transaction was stopped as a fraud",
	alert.ReviewRequested:    "A transaction waits for a decision",
	alert.ReviewReminder:     "A transaction still waits for a decision",
	alert.ReviewExpired:      "Nobody decided about a transaction in time",
	alert.CompensationFailed: "Money could not be given back",
	alert.Test:               "This is a test",
}

func pageOf(a *alertAnswer, sentTo string) page {
	p := page{
		Heading: headings[a.Type], Log: &a.Log, Acknowledgement: a.Acknowledgement, Open: a.asks(time.Now()),
		SentTo: sentTo, MaxName: maxReviewer, MaxNote: maxNote,
	}
	if p.Heading == "" {
		p.Heading = "An alert"
	}
	return p
}

// refusals are the headings of pages that say no.
var refusals = map[int]string{
	http.StatusForbidden:          "This link opens nothing",
	http.StatusNotFound:           "Nothing is here",
	http.StatusConflict:           "There is nothing left to do",
	http.StatusServiceUnavailable: "Try again in a moment",
}

// refuse says no in the way in which was asked.
func (v *visit) refuse(p *Problem) {
	if !v.html {
		v.guard()
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

// tell says who takes care, which may be somebody else.
func (v *visit) tell(kept alert.Acknowledgement, by string) {
	if v.html {
		heading := "Thank you"
		if kept.By != by {
			heading = "Somebody takes care of it already"
		}
		v.show(http.StatusOK, page{Heading: heading, Acknowledgement: &kept})
		return
	}
	v.guard()
	v.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(v.w).Encode(kept) // the client may be gone; there is nobody else to tell
}

func (v *visit) show(status int, p page) {
	var written bytes.Buffer
	if err := acknowledgePage.Execute(&written, p); err != nil {
		panic(err) // the template does not fit its own data
	}
	v.guard()
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(written.Bytes()) // the client may be gone; there is nobody else to tell
}

// guard keeps the link, which is a secret, out of caches and of other sites, and the page out of their frames.
func (v *visit) guard() {
	h := v.w.Header()
	h.Set("Cache-Control", noStore)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", pagePolicy)
}
