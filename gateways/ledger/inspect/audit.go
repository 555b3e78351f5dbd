package inspect

import (
	"io"
	"iter"
	"strconv"

	"dummyorders/domain/audit"
)

// ExportAudit writes entries of the audit trail, and returns how many it has written. Even if it fails, it has written only
// whole lines to out.
func ExportAudit(entries iter.Seq2[audit.Kept, error], format Format, out io.Writer) (written int, err error) {
	return export(entries, auditColumns, format, out)
}

var auditColumns = []column[audit.Kept]{
	{"number", func(k audit.Kept) string { return strconv.FormatInt(k.Number, 10) }},
	{"day", func(k audit.Kept) string { return k.Day }},
	{"time", func(k audit.Kept) string { return timestamp(&k.Time) }},
	{"kind", func(k audit.Kept) string { return string(k.Kind) }},
	{"subject", func(k audit.Kept) string { return k.Subject }},
	{"address", func(k audit.Kept) string { return k.Address }},
	{"merchant", func(k audit.Kept) string { return k.Merchant }},
	{"action", func(k audit.Kept) string { return k.Action }},
	{"object", func(k audit.Kept) string { return k.Object }},
	{"before", func(k audit.Kept) string { return k.Before }},
	{"after", func(k audit.Kept) string { return k.After }},
	{"result", func(k audit.Kept) string { return k.Result }},
	{"ends", func(k audit.Kept) string { return strconv.FormatInt(k.Ends, 10) }},
	{"times", func(k audit.Kept) string { return strconv.Itoa(k.Times) }},
	{"previous", func(k audit.Kept) string { return k.Previous.String() }},
	{"digest", func(k audit.Kept) string { return k.Digest.String() }},
}
