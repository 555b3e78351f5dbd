package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An admin makes a key, calls the API with it and revokes it; it is refused within five seconds, and all of that is in the audit
// trail, which is whole.
func deskPeople(t *testing.T, w *deskWorld) {
	address := freeAddress(t)
	keyed := w.startAs(apiProcess, "the api with keys", map[string]string{"HTTP_ADDRESS": address, "OIDC_ISSUER": "", "OIDC_ROLES": "", "API_KEYS_IN_LEDGER": "true"})
	require.NoError(t, keyed.WaitHealthy(t.Context(), "http://"+address+"/readyz"))
	called := func(key string) int {
		t.Helper()
		got, err := call(t.Context(), http.MethodGet, "http://"+address+"/transactions?limit=1", "", "Authorization", "Bearer "+key)
		require.NoError(t, err)
		return got.status
	}

	b := w.signIn(t, "ada", "/people", "admin")
	b.do(chromedp.SetValue(chromedp.CSS(`#client`), "shop"), chromedp.Click(chromedp.CSS(`input[name=scope][value=read]`)))
	b.click(`form[action="/people/keys"] button`)
	secret, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(`#secret`)))
	require.NoError(t, err)
	secret = strings.TrimSpace(secret)
	require.Regexp(t, `^ordkey_[a-z2-7]{8}_[a-z2-7]{59}$`, secret)
	name := secret[len("ordkey_"):][:8]
	assert.Equal(t, 200, called(secret))
	b.looksRight()

	b.open("/people")
	assert.Contains(t, b.text(), name)
	assert.NotContains(t, b.text(), secret)
	revoke := fmt.Sprintf(`form[action="/people/keys/%s/revoke"]`, name)
	b.run(fmt.Sprintf(`document.querySelector('%s').closest("details").open = true`, revoke))
	b.do(chromedp.Click(chromedp.CSS(revoke + ` input[name=sure]`)))
	revoked := time.Now()
	b.click(revoke + ` button`)
	assert.Contains(t, b.text(), "Key "+name+" is revoked")
	eventually(t, func() error {
		if status := called(secret); status != 401 {
			return fmt.Errorf("the key is answered %d", status)
		}
		return nil
	})
	assert.Less(t, time.Since(revoked), 5*time.Second)

	b.open("/audit?object=key+" + name)
	for _, action := range []string{"makeKey", "revokeKey", "person ada@localhost"} {
		assert.Contains(t, b.text(), action)
	}
	b.open("/audit?subject=client+shop")
	assert.Contains(t, b.text(), "listTransactions")
	b.click(`a[href="/audit/verification"]`)
	assert.Contains(t, b.text(), "The trail is whole")

	b.do(chromedp.EmulateViewport(390, 844))
	for _, page := range []string{"/people", "/audit", "/audit/verification", "/you"} {
		b.open(page)
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		require.NoError(t, err)
		assert.LessOrEqual(t, wide, 390, page)
	}
}
