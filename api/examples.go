package api

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

const jsonType = "application/json"

// examples holds one answer for each status of each operation, as OPERATION.STATUS.json, and one problem for each status.
// They are answers of a running stack: go test ./internal/e2e -run TestExamples -update-examples records them again.
//
//go:embed examples/*.json
var examples embed.FS

func example(name string) json.RawMessage {
	text, err := examples.ReadFile("examples/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("the OpenAPI document needs an example: %v", err))
	}
	return text
}

// describeAnswers gives every JSON answer its example, and moves the problems, which are the same for all operations, to
// the document's components.
func describeAnswers(document *huma.OpenAPI) {
	document.Components.Responses = map[string]*huma.Response{}
	for _, operation := range operations(document) {
		for status, response := range operation.Responses {
			if body := response.Content[jsonType]; body != nil {
				body.Example = example(operation.OperationID + "." + status)
			}
			if body := response.Content[problemType]; body != nil {
				body.Example = example("problem." + status)
				operation.Responses[status] = share(document, status, response)
			}
		}
	}
}

// share returns a reference to the shared answer of a status. An answer that can also be a page is not shared: it may be to who has
// come by a signed link.
func share(document *huma.OpenAPI, status string, response *huma.Response) *huma.Response {
	response.Description = problemDescriptions[status]
	if len(response.Content) > 1 {
		if status == "403" {
			response.Description += ", or that the signed link has expired or its signature is wrong"
		}
		return response
	}
	name := "Problem" + status
	document.Components.Responses[name] = response
	return &huma.Response{Ref: "#/components/responses/" + name}
}
