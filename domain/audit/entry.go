// Package audit is the audit trail: who did what, from where, on which object, and with which result. Its entries are
// chained by their digests, so that what was changed, removed or put in between later can be named.
package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/identity"
)

// Retention is how long entries are kept.
const Retention = 400 * 24 * time.Hour

// Entry says what a subject did.
type Entry struct {
	Time     time.Time     `json:"time"`
	Kind     identity.Kind `json:"kind,omitempty" doc:"What the subject is; absent if that is unknown"`
	Subject  string        `json:"subject,omitempty" doc:"The name of who did it"`
	Address  string        `json:"address,omitempty" doc:"The address that the subject called from; a command has none"`
	Merchant string        `json:"merchant,omitempty" doc:"The merchant that it is about; * if it is about all, absent if about none"`
	Action   string        `json:"action" doc:"An operation of the API, such as reviewTransaction, or a command, such as keys new"`
	Object   string        `json:"object,omitempty" doc:"What it was done to, such as the id of a transaction"`
	Before   string        `json:"before,omitempty" doc:"What the object was before; the digest of it if it is long"`
	After    string        `json:"after,omitempty" doc:"What the object is after, or what was shown; the digest of it if it is long"`
	Result   string        `json:"result" doc:"An HTTP status, begun, done or failed. A write is begun, and ends with an entry that says how"`
	Ends     int64         `json:"ends,omitempty" doc:"The number of the entry that said begun about the same"`
	Times    int           `json:"times" doc:"How often it happened, if one entry stands for several refusals"`
}

// The results beside HTTP statuses.
const (
	// Begun is the result of an entry that is kept before its action. If the action fails, or has more to say than what
	// was asked for, a second entry follows with the result.
	Begun  = "begun"
	Done   = "done"
	Failed = "failed"
)

// By sets the subject.
func (e Entry) By(s identity.Subject) Entry {
	e.Kind, e.Subject = s.Kind, s.Name
	return e
}

// largest bounds texts, in bytes. Of a larger one, the digest is kept.
const largest = 500

// clean returns the entry as it is kept: with times that every database keeps, and texts that none refuses.
func (e Entry) clean() Entry {
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	e.Times = max(1, e.Times)
	for _, text := range []*string{&e.Subject, &e.Merchant, &e.Object, &e.Before, &e.After} {
		*text = card.Conceal(*text)
	}
	for _, text := range []*string{&e.Subject, &e.Address, &e.Merchant, &e.Action, &e.Object, &e.Before, &e.After, &e.Result} {
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
		if len(*text) > largest {
			*text = Digest(*text)
		}
	}
	return e
}

// Digest returns the digest by which the trail names a text.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Token names a token in the trail by the beginning of its digest.
func Token(token string) string {
	return "token " + Digest(token)[:len("sha256:")+16]
}

// Link is an end of the chain: the last entry that is kept, or the last that was deleted because of its age. It is zero
// before the first entry.
type Link struct {
	Number int64  `json:"number" doc:"The entry's number; 0 before the first"`
	Day    string `json:"day" doc:"The day whose chain the entry belongs to, in UTC; empty before the first"`
	Digest Sum    `json:"digest" doc:"The entry's digest, in hexadecimal"`
}

// Sum is the digest of an entry with all entries before it.
type Sum [sha256.Size]byte

// String returns the digest in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText writes the digest in hexadecimal.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (s *Sum) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(s)) {
		return fmt.Errorf("a digest has %d characters, and not %d", hex.EncodedLen(len(s)), len(text))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// Kept is an entry in its place. Numbers go on from day to day without a gap. The chain of a day, in UTC, begins with the
// digest of the last entry of the day before.
type Kept struct {
	Number int64  `json:"number" doc:"The entry's place in the trail, without a gap"`
	Day    string `json:"day" doc:"The day whose chain the entry belongs to, in UTC"`
	Entry
	Previous Sum `json:"previous" doc:"The digest of the entry before it, in hexadecimal"`
	Digest   Sum `json:"digest" doc:"The SHA-256 digest of the entry with that of the entry before it, in hexadecimal"`
}

// Link returns the end of a chain that ends with this entry.
func (k Kept) Link() Link { return Link{Number: k.Number, Day: k.Day, Digest: k.Digest} }

// Next returns an entry in its place after the end of the chain. An entry that comes late, from before midnight or from a
// clock that is behind, is of the chain's last day: the chain of a day that is over does not grow any more.
func (l Link) Next(e Entry) Kept {
	e = e.clean()
	k := Kept{Number: l.Number + 1, Day: max(l.Day, e.Time.Format(time.DateOnly)), Entry: e, Previous: l.Digest}
	k.Digest = k.sum(k.Number)
	return k
}

// sum returns the digest that the entry has in a place. Each text is preceded by its length, so that no two entries are
// the same bytes.
func (k Kept) sum(number int64) Sum {
	var all []byte
	text := func(s string) { all = append(binary.BigEndian.AppendUint32(all, uint32(len(s))), s...) } //nolint:gosec // texts are short
	for _, n := range []int64{number, k.Time.UnixMicro(), k.Ends, int64(k.Times)} {
		all = binary.BigEndian.AppendUint64(all, uint64(n)) //nolint:gosec // the same bits
	}
	all = append(all, k.Previous[:]...)
	for _, s := range []string{k.Day, string(k.Kind), k.Subject, k.Address, k.Merchant, k.Action, k.Object, k.Before, k.After, k.Result} {
		text(s)
	}
	return sha256.Sum256(all)
}

// Trail keeps entries.
type Trail interface {
	// Append keeps an entry at the end of the chain, and returns it as it is kept. It survives a power failure.
	Append(ctx context.Context, e Entry) (Kept, error)
}

// Query selects entries. A field other than Merchants excludes none with its zero value.
type Query struct {
	// Merchants are those about which the reader may know. All of them have also the entries that are about none, or about several.
	Merchants identity.Merchants

	Since    time.Time // entries of that time or later
	Until    time.Time // entries from before that time
	Subject  string    // its name, or its kind and name as identity.Subject.String returns them
	Merchant string
	Action   string
	Object   string
	Result   string
	Before   int64 // entries with a smaller number
	After    int64 // entries with a greater number
	// Last is how many entries there are at most, the last ones, the newest first. Zero means all, the oldest first.
	Last int
}

// Place is an entry's number and time.
type Place struct {
	Number int64
	Time   time.Time
}

// ErrMayNotRead means that the database lets this process add to the trail, and not read it.
var ErrMayNotRead = errors.New("this process may not read the audit trail")

// Reader reads the trail. It fails with ErrMayNotRead if that is so.
type Reader interface {
	// Audit returns the entries that a query chooses, in the query's order. An error is the last that it returns. Since and Until
	// find all entries if the clocks of those who made them differ by less than ten minutes, and by less than it takes to add 1,000.
	Audit(ctx context.Context, q Query) iter.Seq2[Kept, error]
	// ReachAudit returns the place of the last entry that a search for the newest may look at, if it looks at most at this many. It
	// is zero if the search may look at all: an index leads to what is searched for, or there are fewer entries.
	ReachAudit(ctx context.Context, q Query, entries int) (Place, error)
	// VerifyAudit checks the whole chain, as it is when its end is read.
	VerifyAudit(ctx context.Context) (Report, error)
}

// Pruner deletes old entries.
type Pruner interface {
	// PruneAudit deletes at most limit entries of days before that of a time, from the beginning of the chain, and returns
	// how many it has deleted.
	PruneAudit(ctx context.Context, before time.Time, limit int) (int, error)
}

// Stream returns a trail that also writes each kept entry to out, as a line of JSON.
func Stream(trail Trail, out io.Writer) Trail {
	return &stream{trail: trail, out: out}
}

type stream struct {
	trail Trail
	out   io.Writer

	mu sync.Mutex
}

func (s *stream) Append(ctx context.Context, e Entry) (Kept, error) {
	kept, err := s.trail.Append(ctx, e)
	if err != nil {
		return kept, err
	}
	line, err := json.Marshal(kept)
	if err != nil {
		return kept, fmt.Errorf("write entry %d of the audit trail as JSON: %w", kept.Number, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.out.Write(append(line, '\n')); err != nil {
		return kept, fmt.Errorf("write entry %d of the audit trail to the stream: %w", kept.Number, err)
	}
	return kept, nil
}

// Report is the result of a verification.
type Report struct {
	Entries int     `json:"entries" doc:"How many entries were checked"`
	Last    Link    `json:"last" doc:"The last entry that is as it was kept. Noted elsewhere, it shows later that nothing before it has changed"`
	Broken  *Broken `json:"broken,omitempty" doc:"The first entry that is not as it was; absent if the whole trail is"`
}

// Broken says where a chain is broken first.
type Broken struct {
	Number int64  `json:"number"`
	Day    string `json:"day" doc:"The day of the entry, or of the one before it if it was removed; empty if there is none"`
	How    Damage `json:"how" enum:"changed,removed,put in between" doc:"What was done to it"`
}

// Damage says what was done to an entry.
type Damage string

// The kinds of damage.
const (
	Changed Damage = "changed"
	Removed Damage = "removed"
	Added   Damage = "put in between"
)

// String returns the damage in words.
func (b Broken) String() string {
	return fmt.Sprintf("entry %d, of %s, was %s", b.Number, cmp.Or(b.Day, "the first day"), b.How)
}

// Verify checks the entries between the two ends of a chain: first is the last entry that was deleted because of its age. The iterator
// may update last before it yields more, because others append meanwhile.
func Verify(first Link, last *Link, now time.Time, entries iter.Seq2[Kept, error]) (Report, error) {
	at, report := first, Report{Last: first}
	if first.Number > 0 && first.Day >= now.UTC().Add(-Retention).Format(time.DateOnly) {
		report.Broken = &Broken{first.Number, first.Day, Removed} // before its time
		return report, nil
	}
	for k, err := range entries {
		if err != nil {
			return report, err
		}
		report.Broken = at.breach(k, report.Entries > 0)
		if report.Broken != nil && at == *last {
			report.Broken = &Broken{k.Number, k.Day, Added}
		}
		if report.Broken != nil {
			return report, nil
		}
		at = k.Link()
		report.Entries++
		report.Last = at
	}
	switch {
	case at.Number < last.Number:
		report.Broken = &Broken{at.Number + 1, at.Day, Removed}
	case at.Number > last.Number:
		report.Broken = &Broken{last.Number + 1, at.Day, Added}
	case at != *last:
		report.Broken = &Broken{at.Number, at.Day, Changed}
	}
	return report, nil
}

// breach returns what is wrong with the entry that follows a link, or with the link's own entry if that is there.
func (l Link) breach(k Kept, there bool) *Broken {
	follows, whole, next := k.Previous == l.Digest, k.Digest == k.sum(k.Number), l.Number+1
	switch {
	case k.Number > next:
		return &Broken{next, l.Day, Removed}
	case k.Number < next:
		return &Broken{k.Number, k.Day, Added}
	case follows && whole && k.Day >= l.Day:
		return nil
	case !whole && k.Digest == k.sum(k.Number+1): // it took the number of one that is gone
		return &Broken{k.Number, l.Day, Removed}
	case k.Digest == l.Digest && k.Previous != l.Digest: // it is a copy
		return &Broken{k.Number, k.Day, Added}
	case !whole && k.Digest == k.sum(k.Number-1) && there: // it made room for the one before it
		return &Broken{l.Number, l.Day, Added}
	case whole && !follows && there: // it is as it was, and the one before it is not what it follows
		return &Broken{l.Number, l.Day, Changed}
	default:
		return &Broken{k.Number, k.Day, Changed}
	}
}
