package rabbitmq

import (
	"context"
	"errors"
	"fmt"
)

var errConnectionLost = errors.New("the connection to RabbitMQ was lost")

// lanes is a pool of lanes on one connection, opened when they are needed.
type lanes struct {
	conn   *connection
	idle   chan *lane
	places chan struct{} // one for each lane that may yet be opened
}

func newLanes(conn *connection, most int) *lanes {
	ls := &lanes{conn: conn, idle: make(chan *lane, most), places: make(chan struct{}, most)}
	for range most {
		ls.places <- struct{}{}
	}
	return ls
}

// take fails at once while the broker reads nothing from us.
func (ls *lanes) take(ctx context.Context) (*lane, error) {
	if err := ls.conn.lost(); err != nil {
		return nil, fmt.Errorf("%w: %w", errConnectionLost, err)
	}
	if reason, _ := ls.conn.blocked.get(); reason != "" {
		return nil, blockedError(reason)
	}
	select {
	case l := <-ls.idle:
		return l, nil
	default:
	}
	select {
	case l := <-ls.idle:
		return l, nil
	case <-ls.places:
		return ls.open()
	case <-ls.conn.alive.Done():
		return nil, fmt.Errorf("%w: %w", errConnectionLost, ls.conn.lost())
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (ls *lanes) open() (*lane, error) {
	l, err := ls.conn.openLane()
	if err == nil {
		return l, nil
	}
	ls.places <- struct{}{}
	if ls.conn.IsClosed() {
		return nil, fmt.Errorf("%w: %w", errConnectionLost, err)
	}
	return nil, err
}

// giveBack takes a lane in again, or closes a spent one and only then makes place for another.
func (ls *lanes) giveBack(l *lane, good bool) {
	if good {
		ls.idle <- l
		return
	}
	go func() {
		l.retire()
		ls.places <- struct{}{}
	}()
}
