package api

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/ledger"
)

// writeCursor makes a cursor something that clients can hand back and need not understand.
func writeCursor(c ledger.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.StartTime.UTC().Format(time.RFC3339Nano) + "/" + c.TransactionID))
}

func readCursor(text string) (ledger.Cursor, error) {
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ledger.Cursor{}, err
	}
	at, id, _ := strings.Cut(string(plain), "/")
	start, timeErr := time.Parse(time.RFC3339Nano, at)
	_, idErr := uuid.Parse(id)
	return ledger.Cursor{StartTime: start, TransactionID: id}, errors.Join(timeErr, idErr)
}
