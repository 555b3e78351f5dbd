package routing

import (
	"context"
	"log/slog"

	"dummyorders/internal/reload"
	"dummyorders/internal/yamlfile"
)

// Source holds the configuration of a file that may change, and of all files that it names: see [reload.Source].
type Source = reload.Source[Config]

// NewSource reads the file. It fails as Load does. Later changes are rejected if they need a channel in lacking, as
// Config.Needs reports. The first reading is not rejected for that: the caller checks Config.Needs at its start, and
// reports its faults together with all others.
func NewSource(file string, lacking map[string]string, log *slog.Logger) (*Source, error) {
	w := &watched{file: file, log: log, secrets: true}
	source, err := reload.NewSource(w)
	w.lacking = lacking
	return source, err
}

// NewSourceToShow is NewSource for a process that shows the configuration and delivers nothing: it does not read the files
// that hold secrets.
func NewSourceToShow(file string, log *slog.Logger) (*Source, error) {
	return reload.NewSource(&watched{file: file, log: log})
}

// watched is the file of a configuration.
type watched struct {
	file    string
	lacking map[string]string // channels that are not set up
	log     *slog.Logger
	secrets bool     // whether files with secrets are read
	files   []string // looked for by the last reading
}

// State implements [reload.Files].
func (w *watched) State() string {
	return reload.State(reload.Disk{}, maxFile, w.files...)
}

// Read implements [reload.Files].
func (w *watched) Read() (*Config, error) {
	read, err := load(w.file, w.secrets)
	w.files = read.files
	if err != nil {
		return nil, err
	}
	if faults := read.config.Needs(w.lacking); len(faults) > 0 {
		return nil, faults
	}
	return read.config, nil
}

// Taken implements [reload.Files].
func (w *watched) Taken(ctx context.Context, is, was *Config) bool {
	if was != nil && was.digest == is.digest {
		return false
	}
	if was != nil {
		w.log.InfoContext(ctx, "Changed routes of alerts are in force from now on", "file", w.file,
			"routes", is.Summary(), "old", was.Summary())
	}
	w.warn(ctx, is)
	return true
}

// warn logs the warnings of a configuration that is used nevertheless.
func (w *watched) warn(ctx context.Context, config *Config) {
	if warnings := config.Warnings(); len(warnings) > 0 {
		w.log.WarnContext(ctx, "The routes of alerts are used, but have warnings", "file", w.file,
			"warnings", yamlfile.Faults(warnings).Error())
	}
}

// Refused implements [reload.Files].
func (w *watched) Refused(ctx context.Context, why error, stays *Config) {
	w.log.ErrorContext(ctx, "Changed routes of alerts cannot be used: the old ones stay in force", "file", w.file,
		"faults", why.Error(), "routes", stays.Summary())
}

// Restored implements [reload.Files].
func (w *watched) Restored(ctx context.Context, stays *Config) {
	w.log.InfoContext(ctx, "The file has the routes of alerts in force again", "file", w.file, "routes", stays.Summary())
}
