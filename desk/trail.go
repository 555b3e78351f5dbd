package desk

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dummyorders/domain/audit"
)

// trail is the page of the audit trail.
type trail struct {
	Asked      url.Values
	Entries    []audit.Kept
	Next, File string
	// SearchedTo is how far back this page has looked, if more may be found before that time.
	SearchedTo time.Time
	Fault      *Problem
}

// entriesPage is a page of the API's list.
type entriesPage struct {
	Entries    []audit.Kept `json:"entries"`
	Next       string       `json:"next"`
	SearchedTo time.Time    `json:"searchedTo"`
}

func (d *desk) showTrail(v *visit) (any, error) {
	asked := v.URL.Query()
	t := trail{Asked: shownAs(asked)}
	var page entriesPage
	if err := v.get("/audit", searched(asked), &page); err != nil {
		if t.Fault = refusal(err, http.StatusUnprocessableEntity); t.Fault != nil {
			return t, nil
		}
		return nil, err
	}
	t.Entries, t.SearchedTo = page.Entries, page.SearchedTo
	asked.Del("cursor")
	t.File = "/audit.jsonl?" + asked.Encode()
	if page.Next != "" {
		asked.Set("cursor", page.Next)
		t.Next = "/audit?" + asked.Encode()
	}
	return t, nil
}

func (d *desk) verifyTrail(v *visit) (any, error) {
	var report audit.Report
	err := v.get("/audit/verification", nil, &report)
	return report, err
}

// mostEntries bounds a file, in entries of the audit trail.
const mostEntries = 10_000

// trailFile writes the entries that were asked for as lines of JSON, the newest first. If a later page cannot be read, or the search takes
// as long as a file may, the connection is cut, so that the browser does not take a part for the whole.
func (d *desk) trailFile(w http.ResponseWriter, r *http.Request) {
	v, begun := d.visit(r), d.Now()
	query := searched(r.URL.Query())
	query.Set("limit", "200")
	lines := json.NewEncoder(w)
	for written := 0; written < mostEntries; {
		var page entriesPage
		err := v.get("/audit", query, &page)
		switch {
		case err != nil && written == 0:
			d.show(w, v, "fault", d.problem(v, err))
			return
		case err != nil:
			d.Log.WarnContext(r.Context(), "File of the audit trail cut off", "error", err)
			panic(http.ErrAbortHandler)
		case d.Now().Sub(begun) >= fileWithin && page.Next != "":
			d.Log.WarnContext(r.Context(), "File of the audit trail cut off: the search takes too long", "searchedTo", page.SearchedTo)
			panic(http.ErrAbortHandler)
		case written == 0:
			w.Header().Set("Content-Type", "application/jsonl")
			w.Header().Set("Content-Disposition", `attachment; filename="`+strings.Trim(r.URL.Path, "/")+`"`)
		}
		for _, entry := range page.Entries {
			if lines.Encode(entry) != nil { // the browser is gone
				return
			}
			written++
		}
		if page.Next == "" {
			return
		}
		query.Set("cursor", page.Next)
	}
}
