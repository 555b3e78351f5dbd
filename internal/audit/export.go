package audit

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"dummyorders/domain/ledger"
)

// Format is how an export is written.
type Format string

// The formats. CSV has a header, a line for each transaction, and columns for what people look at in spreadsheets;
// JSONLines has the whole record of a transaction on each line.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Export writes the records that a query chooses, the newest first, and says how many it has written. It holds a page
// of them in memory at a time. However it ends, out has got whole lines only.
func Export(ctx context.Context, from ledger.Reader, q ledger.Query, format Format, out io.Writer) (written int, err error) {
	buffer := bufio.NewWriterSize(out, 64<<10)
	write, flush := jsonLines(buffer)
	if format == CSV {
		write, flush = csvLines(buffer)
	}
	err = entries(ctx, from, q, func(e ledger.Entry) error {
		if err := write(e.Record); err != nil {
			return fmt.Errorf("write transaction %s: %w", e.Record.TransactionID, err)
		}
		written++
		return nil
	})
	if flushErr := flush(); err == nil && flushErr != nil {
		err = fmt.Errorf("write the last transactions: %w", flushErr)
	}
	return written, err
}

func jsonLines(out *bufio.Writer) (write func(ledger.Record) error, flush func() error) {
	encoder := json.NewEncoder(out)
	return func(r ledger.Record) error { return encoder.Encode(r) }, out.Flush
}

func csvLines(out *bufio.Writer) (write func(ledger.Record) error, flush func() error) {
	lines := csv.NewWriter(out)
	headed := false
	head := func() error {
		if headed {
			return nil
		}
		headed = true
		return lines.Write(header())
	}
	write = func(r ledger.Record) error {
		if err := head(); err != nil {
			return err
		}
		return lines.Write(cells(r))
	}
	flush = func() error {
		if err := head(); err != nil { // a list of nothing has a header, too
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
