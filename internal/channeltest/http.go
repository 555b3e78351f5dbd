package channeltest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// OverHTTP returns the far side of a channel over HTTP: a fake and its server.
func OverHTTP(fake *Fake, server *httptest.Server) Far {
	return &overHTTP{fake, server}
}

type overHTTP struct {
	*Fake
	server *httptest.Server
}

// Asked returns the number of requests.
func (f *overHTTP) Asked() int { return f.Requests() }

// Taken returns the messages that the fake accepted.
func (f *overHTTP) Taken() []Accepted { return f.Accepted() }

// Behave makes the fake answer with the status for the behaviour.
func (f *overHTTP) Behave(how Behaviour) bool {
	if how == Away {
		f.server.CloseClientConnections()
		f.server.Close()
		return true
	}
	if how == Repeats {
		f.Script(repeat)
		return true
	}
	answer, known := answers(time.Now())[how]
	f.Script(func(int, *http.Request) Answer { return answer })
	return known
}

func answers(now time.Time) map[Behaviour]Answer {
	retry := func(status int, after string) Answer {
		return Answer{Status: status, Header: http.Header{"Retry-After": {after}}}
	}
	return map[Behaviour]Answer{
		Takes:          {},
		Refuses:        {Status: http.StatusBadRequest, Body: "no such\r\nreceiver"},
		Gone:           {Status: http.StatusGone},
		Redirects:      {Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"/elsewhere"}}},
		PutsOff:        retry(http.StatusTooManyRequests, "7"),
		PutsOffUntil:   retry(http.StatusTooManyRequests, now.Add(90*time.Second).UTC().Format(http.TimeFormat)),
		PutsOffForLong: retry(http.StatusTooManyRequests, "86400"),
		Unavailable:    retry(http.StatusServiceUnavailable, "7"),
		Busy:           {Status: http.StatusTooManyRequests},
		Fails:          {Status: http.StatusInternalServerError},
		FailsAtLength:  {Status: http.StatusBadGateway, Body: strings.Repeat("<p>Bad Gateway</p>\n", 1<<17)},
		Babbles:        {Raw: "220 mail.example.com ESMTP\r\n"},
		CutsBefore:     {Cut: CutBefore},
		CutsAfter:      {Cut: CutAfter},
		Dawdles:        {Delay: time.Hour},
	}
}

// repeat answers as some frameworks do, with the request itself.
func repeat(_ int, r *http.Request) Answer {
	var asked bytes.Buffer
	_ = r.Write(&asked) // writes to memory
	said := "Cannot POST " + r.URL.String() + "\n" + r.Header.Get("Authorization") + "\n" + asked.String()
	return Answer{Status: http.StatusInternalServerError, Body: said}
}
