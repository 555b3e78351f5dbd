package rules

import (
	"dummyorders/domain/fraud"
	"dummyorders/internal/yamlfile"
)

func (r *reader) readMain() error {
	d, err := r.document(mainFile)
	if err != nil || d == nil {
		return err
	}
	root := d.Root
	r.set.ruleset = fraud.Ruleset{
		ID:      matching(root.Required("id"), setID, "small letters, digits, - and _, a letter first"),
		Version: root.Required("version").Whole(1, 1<<31-1),
	}
	r.readThresholds(root.Required("thresholds"))
	err = r.readLists(root.Optional("lists"))
	root.RefuseUnknown()
	r.done(d)
	return err
}

func (r *reader) readThresholds(v *yamlfile.Value) {
	if !v.Mapping() {
		return
	}
	before := len(v.Document().Faults)
	review, decline := v.Required("review"), v.Required("decline")
	r.set.thresholds = Thresholds{Review: review.Whole(1, fraud.MaxScore), Decline: decline.Whole(1, fraud.MaxScore)}
	v.RefuseUnknown()
	if len(v.Document().Faults) > before {
		return
	}
	if t := r.set.thresholds; t.Review >= t.Decline {
		review.Fault("nothing can be for review: the threshold of review, %d, must be below that of decline, %d", t.Review, t.Decline)
		return
	}
	r.thresholds = v
}
