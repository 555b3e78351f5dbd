package sms

import (
	"encoding/json"
	"fmt"
	"net/http"

	"dummyorders/gateways/posting"
)

// reply is what Twilio answers with: a message, or what was wrong with the request.
type reply struct {
	SID       string `json:"sid"`
	Status    any    `json:"status"` // a message's, in a word; of an error, the HTTP status
	ErrorCode int    `json:"error_code"`
	ErrorText string `json:"error_message"`

	Code    int    `json:"code"`
	Message string `json:"message"`
}

// queueFull is Twilio's error that too many messages of the sender wait. It passes by itself.
const queueFull = 21611

// judge says what the answer means. What stands in it beside the status is for people, and for the few cases where the
// status does not tell: Twilio changes its codes.
func judge(answer posting.Answer) (string, error) {
	var r reply
	_ = json.Unmarshal(answer.Body, &r) // what could be read, where it is of another form
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

// failure is that the message was not taken. A wrong token, an account that is closed or is not there are faults on this
// side, which somebody may mend: they do not make a message undeliverable.
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
