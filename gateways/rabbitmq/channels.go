package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// confirmChannel is a channel in confirm mode with at most one message under way, so that every answer on it is about that
// message. After any error it must not be used again.
type confirmChannel struct {
	conn    *connection
	channel *amqp.Channel
	returns chan amqp.Return
	closed  chan *amqp.Error
}

func (c *connection) openConfirmChannel() (*confirmChannel, error) {
	l := &confirmChannel{conn: c}
	err := c.within(replyTimeout, func() (err error) {
		if l.channel, err = c.Channel(); err != nil {
			return err
		}
		l.returns = l.channel.NotifyReturn(make(chan amqp.Return, 1))
		l.closed = l.channel.NotifyClose(make(chan *amqp.Error, 1))
		return l.channel.Confirm(false)
	})
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	return l, nil
}

// send returns nil once the broker has taken charge of the message in at least one queue.
func (l *confirmChannel) send(ctx context.Context, exchange, key string, message amqp.Publishing) error {
	const mandatory, immediate = true, false
	confirm, err := l.channel.PublishWithDeferredConfirmWithContext(ctx, exchange, key, mandatory, immediate, message)
	if err != nil {
		return fmt.Errorf("write it to the broker: %w", err)
	}
	for {
		reason, changed := l.conn.blocked.get()
		if reason != "" {
			return blockedError(reason)
		}
		select {
		case <-confirm.Done():
			return l.verdict(confirm.Acked())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// verdict returns what the broker did with the message. RabbitMQ sends a return before the confirm, so it looks for one
// first.
func (l *confirmChannel) verdict(acked bool) error {
	select {
	case r, open := <-l.returns:
		if open {
			return fmt.Errorf("returned by the broker: %d %s: no queue is bound to exchange %q for %q",
				r.ReplyCode, r.ReplyText, r.Exchange, r.RoutingKey)
		}
	default:
	}
	if acked {
		return nil
	}
	select {
	case err, abnormal := <-l.closed:
		if abnormal {
			return fmt.Errorf("unconfirmed, and the channel is gone: %w", err)
		}
		return errors.New("unconfirmed, and the connection was closed")
	default:
		return errors.New("refused by the broker with a nack: a queue is full or has no leader")
	}
}

func blockedError(reason string) error {
	return fmt.Errorf("the broker takes no messages at present: %s", reason)
}

// retire closes a failed channel. While the broker reads nothing from us, it would not answer the request to close, and
// the timeout would close the whole connection; so retire waits until the broker reads again.
func (l *confirmChannel) retire() {
	for {
		reason, changed := l.conn.blocked.get()
		if reason == "" {
			break
		}
		select {
		case <-changed:
		case <-l.conn.alive.Done():
			return
		}
	}
	_ = l.conn.within(replyTimeout, l.channel.Close) // not used again either way
}

var errConnectionLost = errors.New("the connection to RabbitMQ was lost")

// channelPool is a pool of channels on one connection. It opens them when they are needed.
type channelPool struct {
	conn   *connection
	idle   chan *confirmChannel
	places chan struct{} // one for each channel that may still be opened
}

func newChannelPool(conn *connection, most int) *channelPool {
	ls := &channelPool{conn: conn, idle: make(chan *confirmChannel, most), places: make(chan struct{}, most)}
	for range most {
		ls.places <- struct{}{}
	}
	return ls
}

// take returns an idle or new channel, or waits for one. It fails at once while the broker reads nothing from us.
func (ls *channelPool) take(ctx context.Context) (*confirmChannel, error) {
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

func (ls *channelPool) open() (*confirmChannel, error) {
	l, err := ls.conn.openConfirmChannel()
	if err == nil {
		return l, nil
	}
	ls.places <- struct{}{}
	if ls.conn.IsClosed() {
		return nil, fmt.Errorf("%w: %w", errConnectionLost, err)
	}
	return nil, err
}

// giveBack returns a good channel to the pool. It closes a failed one, and only then makes room for another.
func (ls *channelPool) giveBack(l *confirmChannel, good bool) {
	if good {
		ls.idle <- l
		return
	}
	go func() {
		l.retire()
		ls.places <- struct{}{}
	}()
}
