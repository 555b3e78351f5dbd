package identity

import "time"

// Session is a person's session at the desk, as people and programs are shown it. Nothing of it opens the session.
type Session struct {
	ID     string    `json:"id" doc:"By which it is ended"`
	Person string    `json:"person" doc:"Who is signed in"`
	From   string    `json:"from" doc:"The address that the person signed in from"`
	Since  time.Time `json:"since" doc:"When the person signed in"`
	Until  time.Time `json:"until" doc:"When it ends at the latest"`
	Own    bool      `json:"own" doc:"Whether it is the session that asks. It is false if a token or a key asks"`
}

// String describes the session in the audit trail.
func (s Session) String() string {
	return "session of " + s.Person + " from " + s.From + " since " + s.Since.Format(time.RFC3339)
}
