package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Check warns of a channel that is not set up.
func TestCheckWarnsOfMissingChannel(t *testing.T) {
	file := routesWith(t, `mail: jo@example.com, sms: "+4915112345678"`)
	for _, c := range []struct {
		vars    map[string]string
		missing string // empty if nothing is missing
	}{
		{nil, "SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, SMS_FROM"},
		{map[string]string{"SMS_ACCOUNT_SID": "AC01", "SMS_FROM": "+4930123456"}, "SMS_AUTH_TOKEN"},
		{map[string]string{"SMS_ACCOUNT_SID": "AC01", "SMS_AUTH_TOKEN": "token", "SMS_FROM": "+4930123456"}, ""},
	} {
		setEnvironment(t, c.vars)
		out, err := printed(t, inContext(t, checkAlertmanCommand{File: file}.check))
		require.NoError(t, err)
		if c.missing == "" {
			require.NotContains(t, out, "warning")
			continue
		}
		require.Contains(t, out, "warning: "+file+":2:59: sms cannot be used: alertman must be started with "+c.missing+"\n1 receiver, 1 route, 0 mutes")
	}
}
