package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// secretPrefix marks a text as a webhook's secret.
const secretPrefix = "whsec_"

// The least and greatest length of a secret, in bytes, from the specification.
const (
	minSecret = 24
	maxSecret = 64
)

// CheckSecret returns what is wrong with a secret. The error does not show the secret.
func CheckSecret(secret string) error {
	text, prefixed := strings.CutPrefix(secret, secretPrefix)
	if !prefixed {
		return errors.New("must begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return errors.New("must be " + secretPrefix + " and base64, as by: echo " + secretPrefix + "$(openssl rand -base64 32)")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return fmt.Errorf("must be of %d to %d bytes in base64, not %d", minSecret, maxSecret, len(key))
	}
	return nil
}
