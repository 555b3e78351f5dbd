package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// sink is the webhook of both sides: it takes everything at once, and notes when each alert was told first.
type sink struct {
	address  string
	server   *http.Server
	mu       sync.Mutex
	told     map[string]time.Time
	repeated int // alerts that were told again
	messages int
	failed   error
}

// bodies are what both sides send: the ids of our alert and of a digest's members, and the labels of Alertmanager's.
type bodies struct {
	Data struct {
		AlertID string `json:"alertID"`
		Digest  *struct {
			Members []struct {
				EventID string `json:"eventID"`
			} `json:"members"`
		} `json:"digest"`
	} `json:"data"`
	Alerts []struct {
		Labels struct {
			ID string `json:"id"`
		} `json:"labels"`
	} `json:"alerts"`
}

func (b bodies) ids() []string {
	var ids []string
	switch {
	case b.Data.Digest != nil:
		for _, m := range b.Data.Digest.Members {
			ids = append(ids, m.EventID)
		}
	case b.Data.AlertID != "":
		ids = append(ids, b.Data.AlertID)
	}
	for _, a := range b.Alerts {
		ids = append(ids, a.Labels.ID)
	}
	return ids
}

func startSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{address: listener.Addr().String(), told: map[string]time.Time{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

var errNoAlert = errors.New("it is about no alert")

// ServeHTTP takes one message.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	var b bodies
	if err == nil {
		err = json.Unmarshal(body, &b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages++
	ids := b.ids()
	if err == nil && len(ids) == 0 {
		err = errNoAlert
	}
	if err != nil {
		s.failed = fmt.Errorf("read a message: %w: %.200s", err, body)
	}
	for _, id := range ids {
		if _, before := s.told[id]; before {
			s.repeated++
			continue
		}
		s.told[id] = now
	}
	w.WriteHeader(http.StatusOK)
}

// tally is what has come of some alerts so far.
type tally struct {
	told            int
	first, last     time.Time
	times           []time.Time // in the order of the ids, zero where an alert was not told
	messages, again int
}

func (s *sink) tally(ids []string) tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := tally{messages: s.messages, again: s.repeated}
	for _, id := range ids {
		at, told := s.told[id]
		t.times = append(t.times, at)
		if !told {
			continue
		}
		t.told++
		if t.first.IsZero() || at.Before(t.first) {
			t.first = at
		}
		if at.After(t.last) {
			t.last = at
		}
	}
	return t
}

// await waits until all are told, or nothing has come for so long.
func (s *sink) await(ids []string, patience time.Duration) tally {
	deadline, seen := time.Now().Add(patience), -1
	for {
		t := s.tally(ids)
		if t.told == len(ids) || time.Now().After(deadline) {
			return t
		}
		if t.told > seen {
			seen, deadline = t.told, time.Now().Add(patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
