package api

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A preference that makes no sense is not applied.
func TestPrefer(t *testing.T) {
	for header, want := range map[string]preference{
		"":                         {wait: defaultWait},
		"respond-async":            {applied: "respond-async"},
		"Respond-Async":            {applied: "respond-async"},
		"wait=3":                   {wait: 3 * time.Second, applied: "wait=3"},
		` wait="3" ; x=y`:          {wait: 3 * time.Second, applied: "wait=3"},
		"respond-async, wait=3":    {wait: 3 * time.Second, applied: "wait=3"},
		"wait=0":                   {applied: "wait=0"},
		"wait=3, wait=9":           {wait: 3 * time.Second, applied: "wait=3"}, // the first one counts, RFC 7240 §2
		"wait=3600":                {wait: maxWait, applied: "wait=60"},
		"wait=99999999999999999":   {wait: defaultWait},
		"wait=-1":                  {wait: defaultWait},
		"wait=soon":                {wait: defaultWait},
		"handling=lenient, wait=2": {wait: 2 * time.Second, applied: "wait=2"},
	} {
		assert.Equal(t, want, readPrefer(header), header)
	}
}
