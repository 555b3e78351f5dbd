package paymenttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

// Run tests a gateway against the contract of payment.Gateway. start must return a provider that has moved nothing for each
// test.
func Run(t *testing.T, start func(*testing.T) Provider) {
	for name, test := range map[string]func(*testing.T, Provider){
		"an answer bears the gateway's name":                              answersBearTheName,
		"a decline has the gateway's word, also when it is repeated":      declines,
		"other keys are other holds":                                      otherKeys,
		"the same key does nothing twice":                                 sameKey,
		"the same key at the same time does nothing twice":                sameKeyAtOnce,
		"a capture of nothing held is declined":                           captureOfNothing,
		"a capture under another key takes nothing more":                  captureUnderAnotherKey,
		"a declined capture takes nothing, and its hold can be released":  declinedCapture,
		"a hold is released, and released again":                          voidTwice,
		"a capture after a void is declined":                              captureAfterVoid,
		"a void after a capture is refused, and the money stays taken":    voidAfterCapture,
		"a void of a hold that never was is declined":                     voidOfNothing,
		"what was taken is given back once, under any key":                refundTwice,
		"a refund of nothing taken is declined":                           refundOfNothing,
		"after a temporary failure the same key works":                    failsOnce,
		"a lost answer leaves it unknown, and the same key settles it":    lostAnswer,
		"a caller that gave up on a late answer gets it when asked again": lateAnswer,
		"a caller that had given up before it asked gets no decline":      gaveUpBefore,
		"the same key for another amount is refused":                      sameKeyOtherAmount,
	} {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
	if _, can := start(t).Gateway.(payment.Charger); can {
		for name, test := range charges {
			t.Run(name, func(t *testing.T) { test(t, start(t)) })
		}
	}
}

func answersBearTheName(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Good)
	require.NotEmpty(t, p.Gateway.Name())
	require.Equal(t, p.Gateway.Name(), s.held.Gateway)
	require.NotEmpty(t, s.held.ID)
}

func declines(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Declined)
	for range 2 {
		_, err := s.authorize(s.within(), "authorize")
		s.declined(err, p.Means.DeclinedCode)
		require.Equal(s.T, p.Means.Reason, payment.ReasonOf(err))
		s.moved(Movements{})
	}
}

func otherKeys(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Good)
	other := must(s.authorize(s.within(), "another"))(t)
	require.NotEqual(t, s.held.ID, other.ID)
	s.moved(Movements{HoldsOpen: 2})
}

func captureOfNothing(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	s.held.ID = p.NoSuchAuthorization
	_, err := s.capture(s.within(), "capture")
	s.declined(err)
}

func captureUnderAnotherKey(t *testing.T, p Provider) {
	s := beginTaken(t, p, p.Means.Good)
	if _, err := s.capture(s.within(), "another"); err != nil {
		s.declined(err)
	}
	s.moved(Movements{Taken: 1})
}

func declinedCapture(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Uncapturable)
	_, err := s.capture(s.within(), "capture")
	s.declined(err)
	s.moved(Movements{HoldsOpen: 1})
	require.NoError(t, s.void(s.within(), "void"))
	s.moved(Movements{})
}

func voidTwice(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Good)
	for _, key := range []string{"void", "void", "another"} {
		require.NoError(t, s.void(s.within(), key))
		s.moved(Movements{})
	}
}

func captureAfterVoid(t *testing.T, p Provider) {
	s := beginHeld(t, p, p.Means.Good)
	require.NoError(t, s.void(s.within(), "void"))
	_, err := s.capture(s.within(), "capture")
	s.declined(err)
	s.moved(Movements{})
}

func voidOfNothing(t *testing.T, p Provider) {
	s := begin(t, p, p.Means.Good)
	s.held.ID = p.NoSuchAuthorization
	s.declined(s.void(s.within(), "void"))
}
