package rules

import (
	"context"
	"io/fs"
	"log/slog"
	"os"

	"dummyorders/domain/fraud"
	"dummyorders/internal/reload"
	"dummyorders/internal/timezone"
)

// Source is a ruleset in a folder that may change: see [reload.Source]. Faults in cases, and thresholds that no score
// reaches, do not prevent a ruleset from deciding here: they are logged.
type Source struct {
	*reload.Source[reading]
}

// NewSource reads the folder's ruleset. It fails like Load, except that it accepts faults in cases.
func NewSource(folder string, log *slog.Logger) (*Source, error) {
	source, err := reload.NewSource(&watched{folder: folder, log: log})
	if err != nil {
		return nil, err
	}
	return &Source{source}, nil
}

// Current returns the current ruleset. Call it once for each decision, so that the whole decision is of one ruleset.
func (s *Source) Current() fraud.Evaluator {
	return s.Source.Current().set
}

// watched is the folder of a ruleset.
type watched struct {
	folder string
	log    *slog.Logger
	lists  []string // the files of the lists, as of the last reading
	doubt  string   // the digest and faults that warn logged last
}

// State implements [reload.Files].
func (w *watched) State() string {
	root, err := os.OpenRoot(w.folder)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = root.Close() }()
	files := append([]string{mainFile}, w.lists...)
	for _, folder := range []string{rulesFolder, casesFolder} {
		found, _ := fs.Glob(root.FS(), folder+"/[^.#]*.y*ml")
		files = append(files, found...)
	}
	return reload.State(root.FS(), maxFile, files...)
}

// Read implements [reload.Files].
func (w *watched) Read() (*reading, error) {
	read, err := load(w.folder)
	w.lists = read.lists
	return &read, err
}

// Taken implements [reload.Files].
func (w *watched) Taken(ctx context.Context, is, was *reading) bool {
	w.warn(ctx, is)
	if was == nil || was.set.ruleset == is.set.ruleset {
		return false
	}
	now, old := is.set.ruleset, was.set.ruleset
	w.log.InfoContext(ctx, "A changed ruleset decides from now on", "folder", w.folder, "ruleset", now.ID,
		"version", now.Version, "digest", now.Digest, "oldVersion", old.Version, "oldDigest", old.Digest,
		"rules", len(is.set.rules), "features", len(is.set.features))
	return true
}

// warn logs, once for each ruleset, the faults that should be fixed but do not prevent it from deciding.
func (w *watched) warn(ctx context.Context, read *reading) {
	faults := read.harmless()
	doubt := read.set.ruleset.Digest + faults.Error()
	if len(faults) == 0 || doubt == w.doubt {
		return
	}
	w.doubt = doubt
	w.log.WarnContext(ctx, "A ruleset is used in spite of faults: they change no decision", "folder", w.folder,
		"faults", faults.Error(), "ruleset", read.set.ruleset.ID, "version", read.set.ruleset.Version, "digest", read.set.ruleset.Digest)
}

// Refused implements [reload.Files].
func (w *watched) Refused(ctx context.Context, why error, stays *reading) {
	deciding := stays.set.ruleset
	w.log.ErrorContext(ctx, "A changed ruleset cannot be used: the old one goes on deciding", "folder", w.folder,
		"faults", why.Error(), "ruleset", deciding.ID, "version", deciding.Version, "digest", deciding.Digest)
}

// Restored implements [reload.Files].
func (w *watched) Restored(ctx context.Context, stays *reading) {
	deciding := stays.set.ruleset
	w.log.InfoContext(ctx, "The folder has the deciding ruleset again", "folder", w.folder,
		"ruleset", deciding.ID, "version", deciding.Version, "digest", deciding.Digest)
}

// engine is part of every digest, as is the version of the time zones. Change it whenever the same files would lead to
// other decisions.
const engine = "orders rules engine 2"

// newDigest returns the digest of a ruleset without files.
func newDigest() reload.Digest { return reload.NewDigest(engine, timezone.Version()) }
