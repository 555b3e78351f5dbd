package activities

import (
	"sync"
	"time"

	"dummyorders/domain/alert"
)

// promptly is how fast a target has to answer so that the next message to it may be sent within a workflow task.
const promptly = time.Second

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

// enter reports whether a message may be sent within a workflow task, beside fewer than most others of its channel. If so, the
// caller calls leave after it.
func (p *prompt) enter(target alert.Target, most int) (leave func(), may bool) {
	channel, _ := target.Split()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.targets[target] || p.now[channel] >= most {
		return nil, false
	}
	p.now[channel]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now[channel]--
	}, true
}
