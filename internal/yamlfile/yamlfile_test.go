package yamlfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"dummyorders/internal/yamlfile"
)

// Every fault of a file is found at once and at its place.
func TestFaults(t *testing.T) {
	d := yamlfile.Parse("some.yaml", []byte(`name: " "
number: 11
span: 2d
when: noon
choice: blu
unknown: 1
list: {}
some: []
listed: [a]
blank: ' '
none:
`))
	d.Root.Required("name").Words()
	d.Root.Required("number").Whole(1, 10)
	d.Root.Required("span").Duration(time.Second, 24*time.Hour)
	d.Root.Required("when").Moment()
	d.Root.Required("choice").Choice("red", "blue")
	d.Root.Required("list").List()
	d.Root.Required("some").OneOrMore()
	d.Root.Required("missing").Text()
	d.Root.Required("listed").Moment()
	blank := d.Root.Required("blank").Words()
	d.Root.Required("none").Choice("red")
	d.Root.RefuseUnknown()
	want := strings.Join([]string{
		`some.yaml:1:1: "missing" is missing: it must be given`,
		`some.yaml:1:7: must not be empty`,
		`some.yaml:2:9: must be a whole number from 1 to 10`,
		`some.yaml:3:7: must be a duration from 1s to 24h, such as 90s, 15m or 2h`,
		`some.yaml:4:7: "noon" must be a time of RFC 3339, such as 2026-03-04T12:00:00Z`,
		`some.yaml:5:9: "blu" is not known here: did you mean "blue"?`,
		`some.yaml:6:1: the key "unknown" is not known here: it must be one of none, blank, name, number, some, …`,
		`some.yaml:7:7: must be a list`,
		`some.yaml:8:7: must name at least one: leave the key out if there is none`,
		`some.yaml:9:9: must be text`,
		`some.yaml:10:8: must not be empty`,
		`some.yaml:11:6: must be text`,
	}, "\n")
	assert.Empty(t, blank, "a caller would find another fault in it")
	assert.Empty(t, cmp.Diff(want, yamlfile.Faults(yamlfile.InOrder(d.Faults)).Error()))
}

// An absent value reads as nothing.
func TestAbsentValue(t *testing.T) {
	d := yamlfile.Parse("some.yaml", []byte("a: b\n"))
	none := d.Root.Optional("none")
	if none.Text() != "" || none.Words() != "" || none.Whole(1, 2) != 1 || none.Truth() || none.Number() != 0 || none.List() != nil ||
		none.OneOrMore() != nil || none.Keys() != nil || none.Mapping() || none.Required("x") != nil || !none.IsEmpty() || len(d.Faults) > 0 {
		t.Errorf("it reads as something, or is a fault: %v", d.Faults)
	}
}

// A single value stands for a list of one.
func TestItems(t *testing.T) {
	d := yamlfile.Parse("some.yaml", []byte("one: a\nmore: [a, b]\n"))
	var got []string
	for _, name := range []string{"one", "more"} {
		for _, item := range d.Root.Required(name).OneOrMore() {
			got = append(got, item.Text())
		}
	}
	if diff := cmp.Diff([]string{"a", "a", "b"}, got); diff != "" || len(d.Faults) > 0 {
		t.Error(diff, d.Faults)
	}
}
