package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// What huma cannot infer about the operations, for the OpenAPI document.

// describeBody says what the operation reads.
func describeBody[T any](document *huma.OpenAPI, operation *huma.Operation, body object[T], example string) {
	body.describe(document)
	operation.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: body.reference(), Example: json.RawMessage(example)},
	}}
}

// describeExample shows what a 200 answer may look like.
func describeExample(operation *huma.Operation, example string) {
	operation.Responses["200"].Content["application/json"].Example = json.RawMessage(example)
}

// describeAccepted adds a 202 answer that looks like the 200 one.
func describeAccepted(operation *huma.Operation, description string) {
	accepted := *operation.Responses["200"]
	accepted.Description = description
	operation.Responses["202"] = &accepted
}

// hideExplanations takes out of decisions what no answer holds: only a record has an explanation, and beside its decision.
func hideExplanations(document *huma.OpenAPI) {
	delete(document.Components.Schemas.Map()["Decision"].Properties, "explanation")
}

// describeHeaders says what comes with the problems: when to come back, and how to authenticate.
func describeHeaders(document *huma.OpenAPI) {
	headers := map[string]map[string]*huma.Header{
		"401": {"WWW-Authenticate": {Description: "Bearer", Schema: &huma.Schema{Type: huma.TypeString}}},
		"429": {"Retry-After": {Description: "Seconds", Schema: &huma.Schema{Type: huma.TypeString}}},
		"503": {"Retry-After": {Description: "Seconds", Schema: &huma.Schema{Type: huma.TypeString}}},
	}
	for _, path := range document.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post} {
			if operation == nil {
				continue
			}
			for status, response := range operation.Responses {
				if more := headers[status]; more != nil {
					response.Headers = more
				}
			}
		}
	}
}
