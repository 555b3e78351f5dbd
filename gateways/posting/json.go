package posting

import (
	"bytes"
	"encoding/json"
)

// JSON writes a body. "<" and "&" stay as they are: the body is for no web page.
func JSON(v any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}
