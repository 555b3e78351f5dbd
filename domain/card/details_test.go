package card_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/card"
)

var describer = card.NewDescriber([]byte("0123456789abcdef0123456789abcdef"))

// These details are all that is kept of a card.
func TestDescribe(t *testing.T) {
	want := card.Details{
		FirstSix: "411111", LastFour: "1111", Length: 16, Brand: "visa", LuhnValid: true,
		// printf 4111111111111111 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
		Fingerprint: "7b7e6cb2715c7b1c37110f035123abd3fe93c04fa302da2946c4bd9342d2fd2c",
	}
	assert.Empty(t, cmp.Diff(want, describer.Describe(parse(t, "4111111111111111"))), "details (-want +got)")
}

func TestDetailsHideDigits(t *testing.T) {
	details := describer.Describe(parse(t, canary))
	text, err := json.Marshal(details)
	require.NoError(t, err)
	assert.False(t, shows(string(text)), "the details tell the number: %s", text)
	assert.False(t, shows(fmt.Sprintf("%+v", details)), "the details tell the number: %s", text)
}

func TestDetailsJSON(t *testing.T) {
	want := describer.Describe(parse(t, canary))
	text, err := json.Marshal(want)
	require.NoError(t, err)
	var got card.Details
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Empty(t, cmp.Diff(want, got), "details read back (-want +got)")
}

// Details show the same mask as their number.
func TestDetailsMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{12,19}`).Draw(t, "digits")
		number := parse(t, digits)
		got := describer.Describe(number).Masked()
		require.Equal(t, card.Mask(digits), got)
		require.Equal(t, fmt.Sprint(number), got)
	})
}

// A card has one fingerprint under a key.
func TestFingerprintIsStable(t *testing.T) {
	want := describer.Describe(parse(t, "4111111111111111")).Fingerprint
	assert.True(t, regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(want), "the fingerprint %q is no SHA-256 in hexadecimal", want)
	for _, text := range []string{"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"} {
		again := card.NewDescriber([]byte("0123456789abcdef0123456789abcdef"))
		assert.Equal(t, want, again.Describe(parse(t, text)).Fingerprint, text)
	}
}

// Other cards and other keys have other fingerprints.
func TestFingerprintsDiffer(t *testing.T) {
	numbers := map[string]string{}
	for _, key := range []string{"0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef", ""} {
		for _, text := range []string{"4111111111111111", "4111111111111112", "04111111111111111", "411111111111111"} {
			what := fmt.Sprintf("%s under the key %q", text, key)
			fingerprint := card.NewDescriber([]byte(key)).Describe(parse(t, text)).Fingerprint
			other, taken := numbers[fingerprint]
			assert.False(t, taken, "%s has the fingerprint of %s", what, other)
			numbers[fingerprint] = what
		}
	}
}

// One check digit in ten is valid.
func TestLuhnCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.StringMatching(`[0-9]{11,18}`).Draw(t, "head")
		valid := 0
		for check := range 10 {
			if describer.Describe(parse(t, fmt.Sprint(head, check))).LuhnValid {
				valid++
			}
		}
		require.Equal(t, 1, valid, head)
	})
}

// A mistyped digit fails the Luhn check.
func TestLuhnMistypedDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom(testNumbers).Draw(t, "number")
		digits := []byte(number.digits)
		at := rapid.IntRange(0, len(digits)-1).Draw(t, "at")
		digits[at] = '0' + (digits[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		require.False(t, describer.Describe(parse(t, string(digits))).LuhnValid, "%s passes the Luhn check", digits)
	})
}

// A digest is the same under the same key and never a fingerprint.
func TestDigest(t *testing.T) {
	text := []byte("4929186730458126")
	number, err := card.ParseNumber(string(text))
	require.NoError(t, err)
	one, other := card.NewDescriber([]byte("one key")), card.NewDescriber([]byte("another key"))
	digest := one.Digest(text)
	assert.Equal(t, digest, card.NewDescriber([]byte("one key")).Digest(text), "the same text")
	for what, not := range map[string]string{
		"another key's": other.Digest(text), "another text's": one.Digest([]byte("4929186730458127")),
		"the card's fingerprint": one.Describe(number).Fingerprint,
	} {
		assert.NotEqual(t, not, digest, what)
	}
}
