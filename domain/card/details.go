package card

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Details holds all that is kept of a card once its number is gone.
type Details struct {
	FirstSix    string `json:"firstSix"`
	LastFour    string `json:"lastFour"`
	Length      int    `json:"length"`
	Brand       string `json:"brand"`
	CoBrand     string `json:"coBrand,omitempty"` // the other brand of a card with two, such as dankort and visa
	LuhnValid   bool   `json:"luhnValid"`
	Fingerprint string `json:"fingerprint"`
}

// Masked returns the card as people may see it: "123456******4321", or "" if no card is known.
func (d Details) Masked() string {
	return d.FirstSix + strings.Repeat("*", max(0, d.Length-10)) + d.LastFour
}

// Describer turns numbers into details. Its key decides the fingerprints: the same card has the same fingerprint under the
// same key, and without the key a number cannot be found by trying all of them.
type Describer struct {
	key []byte
}

// NewDescriber returns a Describer with a fingerprint key, which should hold at least 32 bytes of randomness.
func NewDescriber(key []byte) Describer {
	return Describer{key: key}
}

// Format prints only the type's name and never the key, whatever the verb.
func (d Describer) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "card.Describer")
}

// Describe returns a number's details. No later code sees the number. The number must be one that ParseNumber returned.
func (d Describer) Describe(n Number) Details {
	digits := *n.digits
	brand, coBrand := brands(digits)
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(digits))
	return Details{
		FirstSix:    digits[:6],
		LastFour:    digits[len(digits)-4:],
		Length:      len(digits),
		Brand:       brand,
		CoBrand:     coBrand,
		LuhnValid:   luhnValid(digits),
		Fingerprint: hex.EncodeToString(mac.Sum(nil)),
	}
}

// Digest returns a keyed digest of a text that may hold card numbers: without the key, a number in it cannot be found by
// trying all of them. The digest's key is derived from the fingerprints' key, so that no digest is ever a fingerprint.
func (d Describer) Digest(text []byte) string {
	derived := hmac.New(sha256.New, d.key)
	derived.Write([]byte("digest"))
	mac := hmac.New(sha256.New, derived.Sum(nil))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// MaskID returns an id of at most so many characters in which whatever could be a card number is masked. Eight letters at its
// end keep ids apart that look alike then; the digits cannot be found from them without the key.
func (d Describer) MaskID(id string, most int) string {
	letters := []byte(d.Digest([]byte("id " + id))[:8])
	for i, digit := range letters {
		if '0' <= digit && digit <= '9' {
			letters[i] = digit - '0' + 'g' // no digits, which would count as part of a number
		}
	}
	masked := []rune(Redact(id))
	return string(masked[:min(len(masked), most-len(letters)-1)]) + "-" + string(letters)
}

// luhnValid reports whether digits pass the check digit formula of ISO/IEC 7812-1, annex B.
func luhnValid(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
