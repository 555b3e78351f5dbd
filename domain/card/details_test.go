package card_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	if diff := cmp.Diff(want, describer.Describe(parse(t, "4111111111111111"))); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestDetailsHideDigits(t *testing.T) {
	details := describer.Describe(parse(t, canary))
	text, err := json.Marshal(details)
	if err != nil {
		t.Fatal(err)
	}
	if shows(string(text)) || shows(fmt.Sprintf("%+v", details)) {
		t.Errorf("the details tell the number: %s", text)
	}
}

func TestDetailsJSON(t *testing.T) {
	want := describer.Describe(parse(t, canary))
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got card.Details
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("details read back (-want +got):\n%s", diff)
	}
}

// Details show the same mask as their number.
func TestDetailsMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{12,19}`).Draw(t, "digits")
		number := parse(t, digits)
		got := describer.Describe(number).Masked()
		if got != card.Mask(digits) || got != fmt.Sprint(number) {
			t.Fatalf("the details of %s are masked as %s, its mask is %s, and it prints %s",
				digits, got, card.Mask(digits), number)
		}
	})
}

// A card has one fingerprint under a key.
func TestFingerprintIsStable(t *testing.T) {
	want := describer.Describe(parse(t, "4111111111111111")).Fingerprint
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(want) {
		t.Errorf("the fingerprint %q is no SHA-256 in hexadecimal", want)
	}
	for _, text := range []string{"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"} {
		again := card.NewDescriber([]byte("0123456789abcdef0123456789abcdef"))
		if got := again.Describe(parse(t, text)).Fingerprint; got != want {
			t.Errorf("%q has the fingerprint %s under the same key, want %s", text, got, want)
		}
	}
}

// Other cards and other keys have other fingerprints.
func TestFingerprintsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef", ""} {
		for _, text := range []string{"4111111111111111", "4111111111111112", "04111111111111111", "411111111111111"} {
			what := fmt.Sprintf("%s under the key %q", text, key)
			fingerprint := card.NewDescriber([]byte(key)).Describe(parse(t, text)).Fingerprint
			if other, taken := seen[fingerprint]; taken {
				t.Errorf("%s has the fingerprint of %s", what, other)
			}
			seen[fingerprint] = what
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
		if valid != 1 {
			t.Fatalf("%s has %d valid check digits", head, valid)
		}
	})
}

// A mistyped digit fails the Luhn check.
func TestLuhnMistypedDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom(testNumbers).Draw(t, "number")
		digits := []byte(number.digits)
		at := rapid.IntRange(0, len(digits)-1).Draw(t, "at")
		digits[at] = '0' + (digits[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if describer.Describe(parse(t, string(digits))).LuhnValid {
			t.Fatalf("%s passes the Luhn check", digits)
		}
	})
}

// A digest is the same under the same key and never a fingerprint.
func TestDigest(t *testing.T) {
	text := []byte("4929186730458126")
	number, err := card.ParseNumber(string(text))
	if err != nil {
		t.Fatal(err)
	}
	one, other := card.NewDescriber([]byte("one key")), card.NewDescriber([]byte("another key"))
	digest := one.Digest(text)
	if again := card.NewDescriber([]byte("one key")).Digest(text); again != digest {
		t.Errorf("the same text has the digests %s and %s", digest, again)
	}
	for what, not := range map[string]string{
		"another key's": other.Digest(text), "another text's": one.Digest([]byte("4929186730458127")),
		"the card's fingerprint": one.Describe(number).Fingerprint,
	} {
		if digest == not {
			t.Errorf("the digest is %s as well", what)
		}
	}
}
