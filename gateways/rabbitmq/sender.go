package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"
)

// sender sends messages with confirms over a supervised connection of its own.
type sender struct {
	*supervisor[*lanes]
}

func newSender(cfg Config, log *slog.Logger) sender {
	return sender{newSupervisor[*lanes](cfg, log)}
}

func (s sender) run(ctx context.Context) {
	s.supervisor.run(ctx,
		func(conn *connection) (*lanes, error) { return newLanes(conn, s.cfg.Channels), nil },
		func(ctx context.Context, _ *lanes) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
}

// send waits up to ConfirmTimeout for a lane, and then as long for the confirm. After an error the message may have
// arrived all the same.
func (s sender) send(ctx context.Context, exchange, key string, message amqp.Publishing) error {
	from, lane, err := s.lane(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.ConfirmTimeout, fmt.Errorf("no confirm within %s", s.cfg.ConfirmTimeout))
	defer cancel()
	err = lane.send(ctx, exchange, key, message)
	from.giveBack(lane, err == nil)
	return err
}

func (s sender) lane(ctx context.Context) (*lanes, *lane, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.ConfirmTimeout, fmt.Errorf("no channel free within %s", s.cfg.ConfirmTimeout))
	defer cancel()
	for {
		now, changed := s.state.get()
		if now.over {
			return nil, nil, now.why
		}
		if now.up {
			lane, err := now.service.take(ctx)
			if err == nil || !errors.Is(err, errConnectionLost) {
				return now.service, lane, err
			}
			now.why = err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %w", context.Cause(ctx), now.why)
		}
	}
}

func (s sender) ready() error {
	now, _ := s.state.get()
	if !now.up {
		return now.why
	}
	if reason, _ := now.service.conn.blocked.get(); reason != "" {
		return blockedError(reason)
	}
	return nil
}
