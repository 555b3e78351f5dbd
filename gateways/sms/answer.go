package sms

import (
	"encoding/json"
	"fmt"
	"net/http"

	"dummyorders/gateways/posting"
)

// reply is Twilio's answer: a message, or what was wrong with the request.
type reply struct {
	SID       string `json:"sid"`
	Status    any    `json:"status"` // a word for a message; the HTTP status for an error
	ErrorCode int    `json:"error_code"`
	ErrorText string `json:"error_message"`

	Code    int    `json:"code"`
	Message string `json:"message"`
}

// queueFull is Twilio's error code for too many waiting messages of the sender. It is temporary.
const queueFull = 21611

// interpret interprets the answer. It relies on the HTTP status, because Twilio changes its codes; the rest is for people, and
// for the few cases that the status does not distinguish.
func interpret(answer posting.Answer) (string, error) {
	var r reply
	_ = json.Unmarshal(answer.Body, &r) // if the form differs, r holds what could be read
	if !answer.Taken() {
		return "", failure(answer, r)
	}
	status, _ := r.Status.(string)
	words := answer.Quote(fmt.Sprintf("%d %s %s", answer.Status, r.SID, status))
	switch {
	case status == "failed", status == "undelivered", status == "canceled":
		return "", answer.Refused(fmt.Sprintf("%s, error %d: %s", words, r.ErrorCode, answer.Quote(r.ErrorText)))
	case r.SID == "" && answer.Status != http.StatusCreated:
		return "", answer.Again(answer.String() + "; that is not how this API says that it took a message")
	}
	return words, nil
}

// failure returns the error for a message that was not taken. A wrong token, or an account that is closed or does not exist,
// is a fault on this side, which an operator may fix: it does not make a message undeliverable.
func failure(answer posting.Answer, r reply) error {
	words := answer.String()
	if r.Message != "" {
		words = fmt.Sprintf("%d %s, error %d: %s",
			answer.Status, http.StatusText(answer.Status), r.Code, answer.Quote(r.Message))
	}
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return answer.Again(words)
	}
	if r.Code == queueFull {
		return answer.Again(words)
	}
	return answer.Failure(words)
}
