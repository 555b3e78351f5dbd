package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
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

// ShownMerchant is a merchant as people and programs are shown it.
type ShownMerchant struct {
	Merchant   string     `json:"merchant" doc:"Its name"`
	AddedAt    time.Time  `json:"addedAt"`
	DisabledAt *time.Time `json:"disabledAt,omitempty" doc:"Since when the keys of its clients are refused; absent if they are not"`
}

// Shown returns the merchant as it is shown.
func (m Merchant) Shown() ShownMerchant {
	return ShownMerchant{m.Name, m.AddedAt.UTC(), Optional(m.DisabledAt)}
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

// ErrNotFound means that a merchant or a key does not exist, or that a session has ended.
var ErrNotFound = errors.New("it does not exist")

// ErrMayNotManage means that the database does not let this process change merchants and keys.
var ErrMayNotManage = errors.New("this process may not change merchants and keys")

// ConflictError means that a change cannot be made of what is there. Why says so, and Command what to run first, if that helps.
type ConflictError struct {
	Why, Command string
}

// Error implements error.
func (e *ConflictError) Error() string {
	if e.Command == "" {
		return e.Why
	}
	return e.Why + ": " + e.Command
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

// String describes the key in the audit trail: whose it is, what it may do, and until when.
func (k Key) String() string {
	return fmt.Sprintf("key %s of client %s, for %s, expires %s, revoked %s",
		k.Name, ClientName(k.Merchant, k.Client), JoinScopes(k.Scopes), ShortTime(k.ExpiresAt), ShortTime(k.RevokedAt))
}

// ShortTime returns a time to the minute, or a dash for none.
func ShortTime(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02T15:04Z")
}

// ShownKey is a key as people and programs are shown it: all but its digest.
type ShownKey struct {
	Key        string     `json:"key" doc:"Its name, which is the second part of the secret and is not secret itself"`
	Client     string     `json:"client" doc:"The client that it is of"`
	Merchant   string     `json:"merchant" doc:"The merchant that the client acts for"`
	Scopes     []Scope    `json:"scopes" nullable:"false" doc:"What it may do"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty" doc:"When it expires; absent if it does not"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty" doc:"When it was revoked; absent if it was not"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty" doc:"When it was used last, to the hour; absent if it never was"`
	State      KeyState   `json:"state" enum:"live,expired,revoked,disabled" doc:"Only a live key opens anything; disabled is one whose merchant is"`
}

// Shown returns the key as it is shown at a time.
func (k Key) Shown(now time.Time) ShownKey {
	return ShownKey{
		k.Name, k.Client, k.Merchant, k.Scopes, k.CreatedAt.UTC(), Optional(k.ExpiresAt), Optional(k.RevokedAt), Optional(k.LastUsedAt), k.State(now),
	}
}

// MadeKey is a new key as it is shown, this once with its secret.
type MadeKey struct {
	Secret string `json:"secret" doc:"The key itself, as its client sends it. It is shown this once, and kept nowhere"`
	ShownKey

	Previous *ShownKey `json:"previous,omitempty" doc:"The key that it was rolled from, which goes on until its expiresAt"`
}

// Optional returns a time in UTC, or nil for the zero time.
func Optional(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
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

// NewKey makes a key, and returns what is kept of it.
func NewKey(merchant, client string, scopes []Scope, now, expires time.Time) (Secret, Key) {
	secret := NewSecret()
	return secret, Key{
		Name: secret.Name(), Digest: secret.Digest(), Merchant: merchant, Client: client, Scopes: scopes, CreatedAt: now, ExpiresAt: expires,
	}
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
