package rules

import "dummyorders/domain/fraud"

func (r *reader) readMain() error {
	d, err := r.document(mainFile)
	if err != nil || d == nil {
		return err
	}
	root := d.root
	r.set.ruleset = fraud.Ruleset{
		ID:      matching(root.required("id"), setID, "small letters, digits, - and _, a letter first"),
		Version: root.required("version").whole(1, 1<<31-1),
	}
	r.readThresholds(root.required("thresholds"))
	err = r.readLists(root.optional("lists"))
	root.refuseUnknown()
	r.done(d)
	return err
}

func (r *reader) readThresholds(v *value) {
	if !v.mapping() {
		return
	}
	before := len(v.doc.faults)
	review, decline := v.required("review"), v.required("decline")
	r.set.thresholds = Thresholds{Review: review.whole(1, fraud.MaxScore), Decline: decline.whole(1, fraud.MaxScore)}
	v.refuseUnknown()
	if len(v.doc.faults) > before {
		return
	}
	if t := r.set.thresholds; t.Review >= t.Decline {
		review.fault("nothing can be for review: the threshold of review, %d, must be below that of decline, %d", t.Review, t.Decline)
		return
	}
	r.thresholds = v
}
