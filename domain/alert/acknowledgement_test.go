package alert_test

import (
	"strings"
	"testing"

	"dummyorders/domain/alert"
)

// An acknowledgement says what is wrong with it.
func TestAcknowledgementFault(t *testing.T) {
	for _, c := range []struct {
		given alert.Acknowledgement
		want  string
	}{
		{alert.Acknowledgement{By: "ada", Note: "calling the buyer"}, ""},
		{alert.Acknowledgement{By: "till-20261130-0001"}, ""},
		{alert.Acknowledgement{By: " "}, "by: must say who"},
		{alert.Acknowledgement{By: strings.Repeat("é", alert.MaxBy+1)}, "by: must not be longer than 200"},
		{alert.Acknowledgement{By: "ada", Note: strings.Repeat("é", alert.MaxNote+1)}, "note: must not be longer than 500"},
		{alert.Acknowledgement{By: "ada\n"}, "by: must not contain control"},
		{alert.Acknowledgement{By: "ada", Note: "card 4111111111111111"}, "could be a card number"},
	} {
		err := c.given.Check()
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.given, err, c.want)
		}
	}
}
