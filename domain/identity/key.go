package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"time"
)

// names are what merchants and clients may be called.
var names = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// IsName reports whether a merchant or a client may have this name.
func IsName(name string) bool {
	return names.MatchString(name)
}

// Merchant is an owner of transactions.
type Merchant struct {
	Name       string
	AddedAt    time.Time
	DisabledAt time.Time // zero while its clients may call
}

// Key is what is kept of a client's API key: all but the secret.
type Key struct {
	Name             string // the part of the secret that names it
	Merchant, Client string
	Scopes           []Scope
	Digest           [sha256.Size]byte // of the whole secret
	CreatedAt        time.Time
	ExpiresAt        time.Time // zero if it does not expire
	RevokedAt        time.Time // zero if it was not revoked
	LastUsedAt       time.Time // to the hour; zero if it was never used
	MerchantDisabled bool
}

// KeyState says whether a key is good, and if not, why.
type KeyState string

// The states of keys. Only a live one opens anything.
const (
	KeyLive     KeyState = "live"
	KeyExpired  KeyState = "expired"
	KeyRevoked  KeyState = "revoked"
	KeyDisabled KeyState = "disabled" // with its merchant
)

// State returns the key's state at a time.
func (k Key) State(now time.Time) KeyState {
	switch {
	case !k.RevokedAt.IsZero():
		return KeyRevoked
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return KeyExpired
	case k.MerchantDisabled:
		return KeyDisabled
	}
	return KeyLive
}

// Opens reports whether the secret is this key's. The time that takes says nothing about the digest.
func (k Key) Opens(secret Secret) bool {
	presented := secret.Digest()
	return subtle.ConstantTimeCompare(presented[:], k.Digest[:]) == 1
}

// Subject returns who calls with the key.
func (k Key) Subject() Subject {
	return Subject{
		Kind: Client, Name: ClientName(k.Merchant, k.Client), Merchant: MerchantOf(k.Merchant),
		Grants: []Grant{{Scopes: k.Scopes, Merchants: OnlyMerchants(MerchantOf(k.Merchant))}},
	}
}

// A secret is keyPrefix, its name, an underscore, 256 random bits, and a checksum of all before it, such as
// ordkey_k3x7q2mz_ and 59 more characters. Scanners for secrets find it by the prefix and the checksum, which also tells a
// mistyped key without a look at any table; GitHub's tokens are made alike. The characters are those of base32 in lower
// case: a double click selects the whole, and none is easily taken for another.
const (
	keyPrefix      = "ordkey_"
	keyNameBytes   = 5
	keyRandomBytes = 32
)

var (
	keyEncoding   = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	keyNameLength = keyEncoding.EncodedLen(keyNameBytes)
	keySecret     = regexp.MustCompile(fmt.Sprintf(`^%s[a-z2-7]{%d}_[a-z2-7]{%d}$`,
		keyPrefix, keyNameLength, keyEncoding.EncodedLen(keyRandomBytes)+keyEncoding.EncodedLen(crc32.Size)))
)

// Secret is a key as its client sends it. It is shown once, when it is made, and kept nowhere here. Formatted or logged it
// shows its name only.
type Secret struct {
	text string
}

// NewSecret makes a secret.
func NewSecret() Secret {
	random := make([]byte, keyNameBytes+keyRandomBytes)
	_, _ = rand.Read(random) // it never fails
	text := keyPrefix + keyEncoding.EncodeToString(random[:keyNameBytes]) + "_" + keyEncoding.EncodeToString(random[keyNameBytes:])
	return Secret{text + checksum(text)}
}

// ParseSecret returns the secret that a text is, and false for anything that NewSecret cannot have made.
func ParseSecret(text string) (Secret, bool) {
	if !keySecret.MatchString(text) {
		return Secret{}, false
	}
	end := len(text) - keyEncoding.EncodedLen(crc32.Size)
	return Secret{text}, checksum(text[:end]) == text[end:]
}

func checksum(text string) string {
	return keyEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// KeyName returns the name of the key that a text names: by its name, by the name with the prefix, or by the whole secret.
func KeyName(text string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(text, keyPrefix), "_")
	return name
}

// Name returns the part that names the key. It is not secret.
func (s Secret) Name() string {
	return KeyName(s.text)
}

// Digest returns what is kept of a secret. SHA-256 is enough: a slow hash, as for passwords, protects what can be guessed,
// and 256 random bits cannot. It would only let callers with wrong keys use up this service's time.
func (s Secret) Digest() [sha256.Size]byte {
	return sha256.Sum256([]byte(s.text))
}

// Reveal returns the text itself, to be shown to who asked for the key.
func (s Secret) Reveal() string {
	return s.text
}

// Format hides the secret from all verbs of package fmt.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, keyPrefix, s.Name(), "_…")
}
