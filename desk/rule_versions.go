package desk

import (
	"net/http"
	"net/url"
	"strconv"

	"dummyorders/domain/ruleset"
)

// versions is the page of all versions of the ruleset.
type versions struct {
	Versions []ruleset.Version
	Deciding int64
	Next     int64  // the number before which the next page begins, or 0
	None     string // why there can be no versions
}

func showVersions(v *visit) (any, error) {
	var all versions
	query := url.Values{}
	if before := v.URL.Query().Get("before"); before != "" {
		query.Set("before", before)
	}
	err := v.get("/rules/versions", query, &all)
	if p := refusal(err, http.StatusConflict); p != nil {
		return versions{None: p.Detail}, nil
	}
	if n := len(all.Versions); n > 0 && all.Versions[n-1].Number > 1 {
		all.Next = all.Versions[n-1].Number
	}
	return all, err
}

// version is a version of the ruleset beside the one that decides.
type version struct {
	ruleset.Version

	Deciding int64  // the number of the version that decides, or 0
	Patch    string // what the version changes in the ruleset that decides
	NoPatch  string // why that is not known
	Own      bool   // the person has proposed it
}

// Decides reports whether it is the version that decides.
func (v version) Decides() bool { return v.Number == v.Deciding }

func showVersion(v *visit) (any, error) {
	var of version
	if err := v.get(versionPath(v), nil, &of.Version); err != nil {
		return nil, err
	}
	if err := v.get("/rules/versions", nil, &of); err != nil {
		return nil, err
	}
	of.Own = of.By == v.Person.Name
	var now struct{ Files ruleset.Files }
	err := v.get("/rules/files", nil, &now)
	if p := refusal(err, http.StatusConflict); p != nil {
		of.NoPatch = p.Detail
		return of, nil
	}
	of.Patch = patchOf(now.Files, of.Files)
	return of, err
}

func versionPath(v *visit) string {
	return "/rules/versions/" + pathOf(v, "number")
}

func approve(v *visit) (to, done string, err error) {
	return versionPath(v), "Approved: it decides within five seconds.", v.send(http.MethodPost, versionPath(v)+"/approve", nil, nil)
}

// again proposes a version's files as a new version, to go back to it.
func again(v *visit) (to, done string, err error) {
	var old, proposed ruleset.Version
	if err := v.get(versionPath(v), nil, &old); err != nil {
		return "", "", err
	}
	body := map[string]any{"files": old.Files, "note": "number " + strconv.FormatInt(old.Number, 10) + " again"}
	err = v.send(http.MethodPost, "/rules/versions", body, &proposed)
	return "/rules/versions/" + strconv.FormatInt(proposed.Number, 10), "Proposed. It decides once it is approved.", err
}

// propose leads to the page of the version that was proposed. The workbench then begins anew.
func propose(v *visit, files ruleset.Files) (to string, err error) {
	var proposed ruleset.Version
	err = v.send(http.MethodPost, "/rules/versions", map[string]any{"files": files, "note": v.PostForm.Get("note")}, &proposed)
	if err == nil {
		v.desk.sessions.Remove(v.Context(), draftValue)
	}
	return "/rules/versions/" + strconv.FormatInt(proposed.Number, 10), err
}
