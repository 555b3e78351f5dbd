package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every page of the documentation can be read on a server that has the binary only.
func TestHelp(t *testing.T) {
	setEnvironment(t, nil)
	list, _ := said(t, 0, "help")
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range append(files, "../../env") {
		topic := strings.TrimSuffix(filepath.Base(file), ".md")
		if topic == "env" {
			topic = settingsTopic
		}
		t.Run(topic, func(t *testing.T) {
			page, _ := said(t, 0, "help", topic)
			assert.Equal(t, contents(t, file), page)
			assert.Regexp(t, `(?m)^`+topic+` +\S+`, list)
		})
	}
	assert.Regexp(t, `(?m)^audit +Who did what, from where, on which object, and with which result$`, list)
	assert.Regexp(t, `(?m)^settings +Every setting of the processes, with its default$`, list)
	_, fault := said(t, exitConfig, "help", "operatin")
	assert.Contains(t, fault, `"operatin" is not a topic: did you mean "operating"?; orders COMMAND --help is about a command`)
}
