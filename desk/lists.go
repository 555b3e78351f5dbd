package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/ruleset"
)

// listPage is the page of a list of the ruleset.
type listPage struct {
	List    ruleset.List
	Entries []ruleset.ListEntry
	Next    string // the path of the next page
	Asked   url.Values
	Now     time.Time
	Fault   *Problem // why entries cannot be searched so
}

func showList(v *visit) (any, error) {
	asked := searched(v.URL.Query())
	page := listPage{Now: v.desk.Now()}
	err := v.get(entriesPath(v), asked, &page)
	if page.Fault = refusal(err, http.StatusUnprocessableEntity); page.Fault != nil {
		asked = url.Values{}
		err = v.get(entriesPath(v), asked, &page)
	}
	page.Asked = v.URL.Query()
	if page.Next != "" {
		asked.Set("cursor", page.Next)
		page.Next = listPath(v) + "?" + asked.Encode()
	}
	return page, err
}

func listPath(v *visit) string {
	return "/rules/lists/" + pathOf(v, "name")
}

func entriesPath(v *visit) string { return listPath(v) + "/entries" }

// toList is the page that puts a transaction's card, customer or address on a list.
type toList struct {
	ID    string
	Lists []ruleset.List
}

func listsToAdd(v *visit) (any, error) {
	var used ruleset.InUse
	if err := v.get("/rules", nil, &used); err != nil {
		return nil, err
	}
	inFiles := func(l ruleset.List) bool { return !l.InDatabase() }
	return toList{param(v, "id"), slices.DeleteFunc(used.Deciding.Lists, inFiles)}, nil
}

// listTransaction adds what a list looks up for a transaction.
func listTransaction(v *visit) (to, done string, err error) {
	id, list := param(v, "id"), v.PostFormValue("list")
	asked := map[string]string{"transaction": id, "reason": strings.TrimSpace(v.PostFormValue("reason"))}
	err = v.send(http.MethodPost, "/rules/lists/"+url.PathEscape(list)+"/entries", asked, nil)
	return "/transactions/" + url.PathEscape(id), "On the list " + list + ": it counts within five seconds.", err
}

func addEntry(v *visit) (to, done string, err error) {
	asked := map[string]any{}
	for _, name := range []string{"value", "transaction", "reason", "expires"} {
		if text := strings.TrimSpace(v.PostFormValue(name)); text != "" {
			asked[name] = text
		}
	}
	return listPath(v), "Added: it counts within five seconds.", v.send(http.MethodPost, entriesPath(v), asked, nil)
}

func removeEntry(v *visit) (to, done string, err error) {
	query := url.Values{"reason": {strings.TrimSpace(v.PostFormValue("why"))}}
	err = v.send(http.MethodDelete, entriesPath(v)+"/"+pathOf(v, "entry")+"?"+query.Encode(), nil, nil)
	return listPath(v), "Removed: it counts no longer, within five seconds.", err
}
