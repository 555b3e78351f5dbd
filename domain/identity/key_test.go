package identity_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
)

// A secret is unlike any other, and only itself is read as one.
func TestSecretForm(t *testing.T) {
	made := map[string]bool{}
	for range 2000 {
		secret := identity.NewSecret()
		text := secret.Reveal()
		require.Regexp(t, `^ordkey_[a-z2-7]{8}_[a-z2-7]{59}$`, text)
		made[secret.Name()], made[text[16:40]], made[text[40:68]] = true, true, true // two halves of the random bits
		again, is := identity.ParseSecret(text)
		require.True(t, is)
		require.Equal(t, secret, again)
		require.Equal(t, secret.Digest(), again.Digest())
	}
	require.Len(t, made, 3*2000)

	text := identity.NewSecret().Reveal()
	for i := range text {
		other := "a"
		if text[i] == 'a' {
			other = "b"
		}
		_, is := identity.ParseSecret(text[:i] + other + text[i+1:])
		require.False(t, is, "with another character at %d", i)
	}
	for _, wrong := range []string{"", "ordkey_", text[1:], text[:len(text)-1], text + "a", " " + text, text + "\n", strings.ToUpper(text)} {
		_, is := identity.ParseSecret(wrong)
		require.False(t, is, wrong)
	}
}

// Bits of secrets are as often one as zero, at each place.
func TestSecretBits(t *testing.T) {
	const secrets = 4000
	places := map[int]map[byte]int{}
	for range secrets {
		text := identity.NewSecret().Reveal()
		for i := 16; i < 16+51; i++ { // the 52nd character holds one bit only
			if places[i] == nil {
				places[i] = map[byte]int{}
			}
			places[i][text[i]]++
		}
	}
	for place, counts := range places {
		require.Len(t, counts, 32, "at %d", place)
		for character, n := range counts { // 125 are expected, with a deviation of 11
			require.InDelta(t, secrets/32, n, 80, "%c at %d", character, place)
		}
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	secret := identity.NewSecret()
	hidden := secret.Reveal()[16:]
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("Made", "secret", secret, "all", []identity.Secret{secret})
	}
	text, err := json.Marshal(map[string]any{"secret": secret})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		log.WriteString(fmt.Sprintf(verb, secret) + fmt.Sprintf(verb, []any{&secret, struct{ S identity.Secret }{secret}}))
	}
	assert.NotContains(t, log.String()+string(text), hidden[:8])
	assert.NotContains(t, log.String(), fmt.Sprintf("%x", hidden)[:16])
	assert.Equal(t, "ordkey_"+secret.Name()+"_…", fmt.Sprint(secret))
}

func TestKeyName(t *testing.T) {
	secret := identity.NewSecret()
	for _, text := range []string{secret.Name(), "ordkey_" + secret.Name(), secret.Reveal()} {
		assert.Equal(t, secret.Name(), identity.KeyName(text))
	}
}

func TestKeyOpens(t *testing.T) {
	mine, other := identity.NewSecret(), identity.NewSecret()
	key := identity.Key{Name: mine.Name(), Digest: mine.Digest()}
	assert.True(t, key.Opens(mine))
	assert.False(t, key.Opens(other))
	assert.False(t, identity.Key{}.Opens(identity.Secret{}))
}

func TestKeyState(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		key  identity.Key
		want identity.KeyState
	}{
		"live":                 {identity.Key{}, identity.KeyLive},
		"expires later":        {identity.Key{ExpiresAt: now.Add(time.Nanosecond)}, identity.KeyLive},
		"expires now":          {identity.Key{ExpiresAt: now}, identity.KeyExpired},
		"revoked":              {identity.Key{RevokedAt: now}, identity.KeyRevoked},
		"revoked, and expired": {identity.Key{RevokedAt: now, ExpiresAt: now.Add(-time.Hour)}, identity.KeyRevoked},
		"merchant disabled":    {identity.Key{MerchantDisabled: true}, identity.KeyDisabled},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, c.key.State(now)) })
	}
}

func TestKeySubject(t *testing.T) {
	shop := identity.Key{Merchant: "acme", Client: "shop", Scopes: []identity.Scope{identity.Transact, identity.Read}}.Subject()
	assert.Equal(t, "client acme/shop", shop.String())
	assert.Equal(t, "acme", shop.Merchant)
	assert.Equal(t, "acme", shop.For(identity.Read).String())
	assert.True(t, shop.For(identity.Review).None())
	assert.Equal(t, "client till", identity.Key{Merchant: "default", Client: "till"}.Subject().String())
}

func TestNames(t *testing.T) {
	for name, is := range map[string]bool{
		"acme": true, "Shop_2-b": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a/b": false, "a:b": false, "a,b": false, "a b": false, "ä": false, "a\n": false, "*": false,
	} {
		assert.Equal(t, is, identity.IsName(name), "%q", name)
	}
}
