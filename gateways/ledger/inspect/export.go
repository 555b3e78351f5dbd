package inspect

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/payment"
	"dummyorders/internal/safetext"
)

// Format is the file format of an export.
type Format string

// These are the formats. CSV has a header, a line for each transaction, and the columns that people look at in
// spreadsheets. JSONLines has the whole record of a transaction on each line.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Export writes the records that a query chooses, the newest first, and returns how many it has written. Card numbers, which
// no record should hold, are masked. It holds one
// page of them in memory at a time. Even if it fails, it has written only whole lines to out.
func Export(ctx context.Context, from ledger.Reader, q ledger.Query, format Format, out io.Writer) (written int, err error) {
	return export(recordsOf(ledger.Entries(ctx, from, q)), columns, format, out)
}

func recordsOf(entries iter.Seq2[ledger.Entry, error]) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for e, err := range entries {
			if !yield(e.Record, err) {
				return
			}
		}
	}
}

func export[T any](all iter.Seq2[T, error], columns []column[T], format Format, out io.Writer) (written int, err error) {
	buffer := bufio.NewWriterSize(out, 64<<10)
	write, flush := jsonLines[T](buffer)
	if format == CSV {
		write, flush = csvLines(buffer, columns)
	}
	written, err = writeAll(all, write)
	if flushErr := flush(); err == nil && flushErr != nil {
		err = fmt.Errorf("write the last lines: %w", flushErr)
	}
	return written, err
}

func writeAll[T any](all iter.Seq2[T, error], write func(T) error) (written int, err error) {
	for one, err := range all {
		if err != nil {
			return written, err
		}
		if err := write(one); err != nil {
			return written, fmt.Errorf("write line %d: %w", written+1, err)
		}
		written++
	}
	return written, nil
}

func jsonLines[T any](out *bufio.Writer) (write func(T) error, flush func() error) {
	write = func(one T) error {
		line, err := json.Marshal(one)
		if err == nil {
			_, err = out.Write(append(card.ConcealJSON(line), '\n'))
		}
		return err
	}
	return write, out.Flush
}

func csvLines[T any](out *bufio.Writer, columns []column[T]) (write func(T) error, flush func() error) {
	lines := csv.NewWriter(out)
	headed := false
	head := func() error {
		if headed {
			return nil
		}
		headed = true
		return lines.Write(header(columns))
	}
	write = func(one T) error {
		if err := head(); err != nil {
			return err
		}
		return lines.Write(cells(columns, one))
	}
	flush = func() error {
		if err := head(); err != nil { // an empty list has a header, too
			return err
		}
		lines.Flush()
		if err := lines.Error(); err != nil {
			return err
		}
		return out.Flush()
	}
	return write, flush
}

// column is a column of the CSV. Programs find it by name and spreadsheets by position, so new columns go to the end.
type column[T any] struct {
	name string
	cell func(T) string
}

var columns = []column[ledger.Record]{
	{"transactionID", func(r ledger.Record) string { return r.TransactionID }},
	{"startTime", func(r ledger.Record) string { return timestamp(&r.StartTime) }},
	{"endTime", func(r ledger.Record) string { return timestamp(r.EndTime) }},
	{"code", func(r ledger.Record) string { return strconv.Itoa(int(r.TransactionStatus.Code)) }},
	{"status", func(r ledger.Record) string { return r.TransactionStatus.Status }},
	{"fraudStatus", func(r ledger.Record) string { return strconv.FormatBool(r.TransactionStatus.FraudStatus) }},
	{"message", func(r ledger.Record) string { return r.Message }},
	{"orderID", func(r ledger.Record) string { return r.Order.ID }},
	{"orderName", func(r ledger.Record) string { return r.Order.Name }},
	{"orderCost", func(r ledger.Record) string { return r.Order.Cost.String() }},
	{"orderCurrency", func(r ledger.Record) string { return r.Order.Currency }},
	{"customerID", func(r ledger.Record) string { return r.CustomerID }},
	{"paymentMethod", func(r ledger.Record) string { return r.PaymentMethod }},
	{"paymentType", func(r ledger.Record) string { return r.Payment.Type }},
	{"card", func(r ledger.Record) string { return r.Payment.Card }},
	{"brand", func(r ledger.Record) string { return r.Payment.Brand }},
	{"amount", func(r ledger.Record) string { return r.Payment.Amount.String() }},
	{"currency", func(r ledger.Record) string { return r.Payment.Currency }},
	{"authorizationID", func(r ledger.Record) string { return r.Payment.AuthorizationID }},
	{"captureID", func(r ledger.Record) string { return r.Payment.CaptureID }},
	{"voidedAt", func(r ledger.Record) string { return timestamp(r.Payment.VoidedAt) }},
	{"refundID", func(r ledger.Record) string { return r.Payment.RefundID }},
	{"paymentError", func(r ledger.Record) string { return r.Payment.Error }},
	{"stillHeld", func(r ledger.Record) string { return r.Payment.StillHeld }},
	{"outcome", decided(func(r ledger.Record) string { return string(r.Decision.Outcome) })},
	{"score", decided(func(r ledger.Record) string { return strconv.Itoa(r.Decision.Score) })},
	{"riskLevel", decided(func(r ledger.Record) string { return string(r.Decision.RiskLevel) })},
	{"reasons", decided(reasons)},
	{"ruleset", decided(func(r ledger.Record) string {
		return r.Decision.Ruleset.ID + " " + strconv.Itoa(r.Decision.Ruleset.Version)
	})},
	{"reviewDeadline", reviewed(func(r ledger.Record) string { return timestamp(&r.Review.Deadline) })},
	{"reviewVerdict", reviewed(func(r ledger.Record) string { return string(r.Review.Verdict) })},
	{"reviewer", reviewed(func(r ledger.Record) string { return r.Review.Reviewer })},
	{"reviewedAt", reviewed(func(r ledger.Record) string { return timestamp(r.Review.DecidedAt) })},
	{"reviewExpired", reviewed(func(r ledger.Record) string { return strconv.FormatBool(r.Review.Expired) })},
	{"reviewNote", reviewed(func(r ledger.Record) string { return r.Review.Note })},
	{"labels", labels},
	{"gateway", func(r ledger.Record) string { return r.Payment.Gateway }},
	{"declineCode", declined(func(d payment.Decline) string { return string(d.Code) })},
	{"retryable", declined(func(d payment.Decline) string { return strconv.FormatBool(d.Retryable) })},
	{"merchant", func(r ledger.Record) string { return identity.MerchantOf(r.Merchant) }},
}

func header[T any](columns []column[T]) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

func cells[T any](columns []column[T], one T) []string {
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = safetext.Cell(card.Conceal(c.cell(one)))
	}
	return line
}

// decided returns a cell that is empty if there is no decision.
func decided(cell func(ledger.Record) string) func(ledger.Record) string {
	return func(r ledger.Record) string {
		if r.Decision == nil {
			return ""
		}
		return cell(r)
	}
}

// declined returns a cell that is empty if the payment was not declined: money was taken, or has not been yet.
func declined(cell func(payment.Decline) string) func(ledger.Record) string {
	return func(r ledger.Record) string {
		if r.Payment.Decline == nil {
			return ""
		}
		return cell(*r.Payment.Decline)
	}
}

// reviewed returns a cell that is empty if there was no review.
func reviewed(cell func(ledger.Record) string) func(ledger.Record) string {
	return func(r ledger.Record) string {
		if r.Review == nil {
			return ""
		}
		return cell(r)
	}
}

func reasons(r ledger.Record) string {
	codes := make([]string, len(r.Decision.Reasons))
	for i, reason := range r.Decision.Reasons {
		codes[i] = reason.Code
	}
	return strings.Join(codes, " ")
}

func labels(r ledger.Record) string {
	all := make([]string, len(r.Labels))
	for i, label := range r.Labels {
		all[i] = label.Label + " (" + label.Source + ")"
	}
	return strings.Join(all, ", ")
}

func timestamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
