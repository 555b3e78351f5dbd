package api

import (
	"slices"
	"time"

	"dummyorders/domain/alert"
)

// alertState is how an alert stands, all its deliveries together. The first that fits is it, in the order below.
type alertState string

const (
	delivering   alertState = "delivering"
	notDelivered alertState = "not_delivered"
	expired      alertState = "expired"
	delivered    alertState = "delivered"
	collected    alertState = "collected"
	muted        alertState = "muted"
)

var alertStates = []alertState{delivering, notDelivered, expired, delivered, collected, muted}

// alertAnswer is an alert's log with what only Temporal and the groups know. The fields here stand for those of the
// same name in the log.
type alertAnswer struct {
	alert.Log

	State  alertState   `json:"state" enum:"delivering,not_delivered,expired,delivered,collected,muted" doc:"delivering: a target is still to be told; not_delivered: a target refused for good, or the delivery was ended by force; expired: a target could not be told before the alert expired; delivered: all were told; collected: a digest tells it, see group; muted: nobody is told"`
	Chains []alertChain `json:"chains" nullable:"false" doc:"A receiver that was chosen, with whom it escalates to"`

	running bool
}

type alertChain struct {
	alert.ChainLog

	Steps []alertStep `json:"steps" nullable:"false"`
	Group *alertGroup `json:"group,omitempty" doc:"Of a collected alert; absent where the group cannot be asked"`
}

type alertStep struct {
	alert.StepLog

	Deliveries []alertDelivery `json:"deliveries" nullable:"false"`
}

type alertDelivery struct {
	alert.Delivery

	Attempts []alert.Attempt `json:"attempts" nullable:"false" doc:"The first and the last ones, where there were many"`
	NextTry  *time.Time      `json:"nextTry,omitempty" doc:"When it is tried again"`
}

// alertGroup is where a collected alert went.
type alertGroup struct {
	Name     string     `json:"name" doc:"What the alerts in the group have in common"`
	DigestID string     `json:"digestID,omitempty" doc:"The digest that tells the alert: look at it like at an alert"`
	Waiting  int        `json:"waiting,omitempty" doc:"While there is no digest: how many alerts wait for it"`
	Until    *time.Time `json:"until,omitempty" doc:"While there is no digest: when there will be"`
}

// answerAlert makes an answer of a report.
func answerAlert(r *alert.Report) *alertAnswer {
	log := r.Log
	a := &alertAnswer{Log: log, Chains: make([]alertChain, len(log.Chains)), running: r.Running}
	states := map[alertState]bool{}
	for i, chain := range log.Chains {
		a.Chains[i] = alertChain{ChainLog: chain, Steps: make([]alertStep, len(chain.Steps)), Group: (*alertGroup)(r.Groups[i])}
		for j, step := range chain.Steps {
			a.Chains[i].Steps[j] = answerStep(j, step, r)
		}
		for _, state := range statesOf(chain, r.Running) {
			states[state] = true
		}
	}
	a.State = delivering // an alert that was only just taken
	if first := slices.IndexFunc(alertStates, func(state alertState) bool { return states[state] }); first >= 0 {
		a.State = alertStates[first]
	} else if !r.Running {
		a.State = notDelivered
	}
	return a
}

// asks says whether somebody is still asked to acknowledge the alert.
func (a *alertAnswer) asks(now time.Time) bool {
	if !a.running || a.Acknowledgement != nil {
		return false
	}
	return slices.ContainsFunc(a.Log.Chains, func(c alert.ChainLog) bool {
		if c.Unacknowledged || len(c.Steps) == 0 {
			return false
		}
		until := c.Steps[len(c.Steps)-1].AskedUntil
		return until != nil && now.Before(*until)
	})
}

func answerStep(number int, step alert.StepLog, r *alert.Report) alertStep {
	answer := alertStep{StepLog: step, Deliveries: make([]alertDelivery, len(step.Deliveries))}
	for i, d := range step.Deliveries {
		answer.Deliveries[i] = alertDelivery{Delivery: d, Attempts: d.Attempts}
		if d.State == alert.Pending {
			if tries, known := r.UnderWay[alert.DeliveryKey{Receiver: step.Receiver, Step: number, Target: d.Target}]; known {
				answer.Deliveries[i].Attempts, answer.Deliveries[i].NextTry = tries.Attempts, tries.Next
			}
		}
		if answer.Deliveries[i].Attempts == nil {
			answer.Deliveries[i].Attempts = []alert.Attempt{}
		}
	}
	return answer
}

// statesOf are how the parts of a chain stand.
func statesOf(chain alert.ChainLog, running bool) []alertState {
	switch {
	case chain.Muted != "":
		return []alertState{muted}
	case chain.Collected != nil:
		return []alertState{collected}
	}
	open := notDelivered
	if running {
		open = delivering
	}
	if len(chain.Steps) == 0 {
		return []alertState{open}
	}
	known := map[alert.State]alertState{
		alert.Pending: open, alert.Refused: notDelivered, alert.Expired: expired, alert.Delivered: delivered,
	}
	var states []alertState
	for _, step := range chain.Steps {
		for _, d := range step.Deliveries {
			states = append(states, known[d.State])
		}
	}
	return states
}
