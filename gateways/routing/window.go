package routing

import (
	"fmt"
	"time"
)

// window is a span of each of some days, by the clock on a wall: the hour that daylight saving time leaves out is in no
// window, and the one that it repeats is twice in it.
type window struct {
	name string
	zone *time.Location
	days map[time.Weekday]bool
	// from and to are minutes since midnight. Where from is not before to, the window goes on after midnight, and the
	// part there belongs to the day on which it began.
	from, to int
}

const minutesOfADay = 24 * 60

// has says whether a time is in the window.
func (w window) has(at time.Time) bool {
	local := at.In(w.zone)
	now, today := local.Hour()*60+local.Minute(), local.Weekday()
	if w.from < w.to {
		return w.days[today] && w.from <= now && now < w.to
	}
	yesterday := (today + 6) % 7
	return w.days[today] && now >= w.from || w.days[yesterday] && now < w.to
}

// clock is the time where the window is, for people.
func (w window) clock(at time.Time) string {
	return fmt.Sprintf("%s in %s", at.In(w.zone).Format("Mon 15:04"), w.zone)
}
