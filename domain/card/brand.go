package card

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// UnknownBrand is the brand of a number whose first digits belong to no scheme in the table. There are schemes that the
// table does not list, so an unknown brand says nothing against a card.
const UnknownBrand = "unknown"

// The table of card schemes: ranges of first digits, and how many digits the numbers have. The file names its source and
// date.
//
//go:generate node ../../internal/tools/card-brands.mjs brands.json
//go:embed brands.json
var brandsFile []byte

// scheme describes a part of a brand's numbers.
type scheme struct {
	Brand   string
	CoBrand string // the other brand of its cards, if they have two
	Lengths []int
	Ranges  []string // such as 4, or 2221-2229
}

// firstDigits is a range of a scheme. Both ends have the same number of digits.
type firstDigits struct {
	from, to string
	scheme   *scheme
}

// ranges returns the ranges of all schemes, in the order in which they are searched: the longest first, and among equally
// long ones the narrowest first, so that a scheme within another's range is found.
var ranges = sync.OnceValue(func() []firstDigits {
	var table struct{ Brands []*scheme }
	if err := json.Unmarshal(brandsFile, &table); err != nil {
		panic(fmt.Sprintf("read the table of card brands: %v", err)) // the file is part of the program
	}
	var all []firstDigits
	for _, s := range table.Brands {
		for _, text := range s.Ranges {
			from, to, several := strings.Cut(text, "-")
			if !several {
				to = from
			}
			all = append(all, firstDigits{from, to, s})
		}
	}
	slices.SortStableFunc(all, func(a, b firstDigits) int {
		if len(a.from) != len(b.from) {
			return len(b.from) - len(a.from)
		}
		return a.width() - b.width()
	})
	return all
})

func (f firstDigits) width() int {
	var from, to int
	_, _ = fmt.Sscan(f.from, &from)
	_, _ = fmt.Sscan(f.to, &to)
	return to - from
}

// schemeOf returns the scheme that a number's first digits belong to, or nil if the table has none.
func schemeOf(digits string) *scheme {
	for _, f := range ranges() {
		if f.hold(digits) {
			return f.scheme
		}
	}
	return nil
}

// hold reports whether a number's first digits are in the range.
func (f firstDigits) hold(digits string) bool {
	if len(digits) < len(f.from) {
		return false
	}
	lead := digits[:len(f.from)]
	return f.from <= lead && lead <= f.to
}

func brands(digits string) (brand, coBrand string) {
	if s := schemeOf(digits); s != nil {
		return s.Brand, s.CoBrand
	}
	return UnknownBrand, ""
}

// Brands returns the brands that Describe may return, sorted, including UnknownBrand.
func Brands() []string {
	names := []string{UnknownBrand}
	for _, f := range ranges() {
		names = append(names, f.scheme.Brand)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// WrongLength reports whether the card's brands certainly have no numbers of its length.
func (d Details) WrongLength() bool {
	known := false
	for _, f := range ranges() {
		if f.scheme.Brand == d.Brand || d.CoBrand != "" && f.scheme.Brand == d.CoBrand {
			if slices.Contains(f.scheme.Lengths, d.Length) {
				return false
			}
			known = true
		}
	}
	return known
}
