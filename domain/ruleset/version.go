package ruleset

import (
	"context"
	"errors"
	"time"
)

// Version is a ruleset that was proposed, to decide once it is approved.
type Version struct {
	Number     int64     `json:"number"`
	Digest     string    `json:"digest"`
	Note       string    `json:"note,omitempty" doc:"What was changed, and why"`
	By         string    `json:"by" doc:"Who proposed it"`
	At         time.Time `json:"at"`
	ApprovedBy string    `json:"approvedBy,omitempty"`
	ApprovedAt time.Time `json:"approvedAt,omitzero" doc:"Absent as long as it is not approved"`
	Files      Files     `json:"files,omitempty" doc:"Absent in lists"`
}

// Approved reports whether the version was approved.
func (v Version) Approved() bool { return !v.ApprovedAt.IsZero() }

// Store keeps the versions of the ruleset. The approved one with the highest number decides.
type Store interface {
	// Propose keeps a version, and returns it with its number. It fails with ErrMayNotChange, as Approve does.
	Propose(ctx context.Context, v Version) (Version, error)
	// Approve fails with ErrNotFound, and with ErrApproved if the version or a later one is approved.
	Approve(ctx context.Context, number int64, by string, at time.Time) (Version, error)
	// Version returns a version with its files, or ErrNotFound.
	Version(ctx context.Context, number int64) (Version, error)
	// Versions returns the versions with lower numbers than before, the newest first, without their files.
	Versions(ctx context.Context, before int64, limit int) ([]Version, error)
	// Deciding returns the number of the approved version that is the newest, or 0 if none is approved.
	Deciding(ctx context.Context) (int64, error)
}

// Why a version is not approved.
var (
	ErrNotFound = errors.New("no such version of the ruleset")
	ErrApproved = errors.New("this version or a later one is approved already; to go back to it, propose it again")
)
