package alert

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/card"
)

// Acknowledgement is that somebody has taken an alert upon himself: no further step is told.
type Acknowledgement struct {
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`
}

// The most characters that an acknowledgement may hold.
const (
	MaxBy   = 200
	MaxNote = 500
)

// Check says what is wrong with an acknowledgement.
func (a Acknowledgement) Check() error {
	switch {
	case strings.TrimSpace(a.By) == "":
		return errors.New("by: must say who acknowledges")
	case utf8.RuneCountInString(a.By) > MaxBy:
		return fmt.Errorf("by: must not be longer than %d characters", MaxBy)
	case utf8.RuneCountInString(a.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case strings.ContainsFunc(a.By, unicode.IsControl):
		return errors.New("by: must hold no control characters")
	case card.Redact(a.By) != a.By || card.Redact(a.Note) != a.Note:
		return errors.New("by and note: must hold nothing that could be a card number")
	}
	return nil
}
