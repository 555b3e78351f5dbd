package activities

import (
	"sync"
	"time"

	"dummyorders/domain/alert"
)

const (
	// promptly is how fast a target has to answer to be told within a workflow task the next time.
	promptly = time.Second
	// mostNow is how many messages are sent at once on a channel within workflow tasks, which wait for them. It is less than the
	// tasks that are worked on at once: a channel that suddenly hangs holds up few other alerts.
	mostNow = 10
)

// prompt remembers which targets answered promptly when this process last sent to them. Its zero value knows none.
type prompt struct {
	mu      sync.Mutex
	targets map[alert.Target]bool
	now     map[string]int // messages under way within workflow tasks, by channel
}

func (p *prompt) note(target alert.Target, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.targets == nil {
		p.targets, p.now = map[alert.Target]bool{}, map[string]int{}
	}
	if answered {
		p.targets[target] = true
	} else {
		delete(p.targets, target)
	}
}

// enter reports whether a message may be sent within a workflow task. If so, the caller calls leave after it.
func (p *prompt) enter(target alert.Target) (leave func(), may bool) {
	channel, _ := target.Split()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.targets[target] || p.now[channel] >= mostNow {
		return nil, false
	}
	p.now[channel]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now[channel]--
	}, true
}
