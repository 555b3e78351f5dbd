package workflows

import (
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/ledger"
)

// scribe keeps the ledger up with the record: one entry at a time, and always the newest.
type scribe struct {
	writing, behind bool
	written         int
}

func (s *scribe) idle() bool {
	return !s.writing
}

// save has the record as it is now kept in the ledger, without waiting for it: a ledger that is away holds up no
// payment. The workflow does not end before its last entry is kept.
func (p *process) save(ctx workflow.Context) {
	p.scribe.behind = true
	if p.scribe.writing {
		return
	}
	p.scribe.writing = true
	workflow.GoNamed(detached(ctx), "ledger", func(ctx workflow.Context) {
		defer func() { p.scribe.writing = false }()
		for p.scribe.behind {
			p.scribe.behind = false
			if err := p.write(ctx); err != nil {
				p.fail(err)
				return
			}
		}
	})
}

// write costs one event in the history while the ledger is there: a local activity runs within the workflow task that
// is under way anyway. When the ledger does not answer, a regular activity takes over, whose retries are the server's
// and hold up no workflow task.
func (p *process) write(ctx workflow.Context) error {
	p.scribe.written++
	entry := ledger.Entry{
		Record:      p.record.Clone(),
		Transaction: p.transaction,
		Mark:        ledger.Mark{At: workflow.Now(ctx), Number: p.scribe.written},
	}
	summary := "keep in the ledger: " + p.record.Status().String()
	if workflow.ExecuteLocalActivity(quickSave(ctx, summary), books.Save, entry).Get(ctx, nil) == nil {
		return nil
	}
	return workflow.ExecuteActivity(patientSave(ctx, summary), books.Save, entry).Get(ctx, nil)
}
