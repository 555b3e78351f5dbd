package rules

import (
	"context"
	"time"
)

// Look looks at the folder once, as Run does every two seconds.
func (s *Source) Look(ctx context.Context, now time.Time) { s.look(ctx, now) }
