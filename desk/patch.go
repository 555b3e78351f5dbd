package desk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dummyorders/domain/ruleset"
)

// around is how many unchanged lines a patch has around each change.
const around = 3

// patchOf returns the difference between two rulesets' files as a patch: git apply and patch -p1 read it.
func patchOf(before, after ruleset.Files) string {
	var text strings.Builder
	names := slices.Collect(maps.Keys(before))
	for name := range after {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		was, had := before[name]
		is, has := after[name]
		if was == is {
			continue
		}
		from, to := "a/"+name, "b/"+name
		if !had {
			from = "/dev/null"
		}
		if !has {
			to = "/dev/null"
		}
		fmt.Fprintf(&text, "--- %s\n+++ %s\n", from, to)
		writeHunks(&text, changes(linesOf(was), linesOf(is)))
	}
	return text.String()
}

// linesOf returns the lines of a text, each with its end.
func linesOf(text string) []string {
	return slices.Collect(strings.Lines(text))
}

// change is a line that both texts have (' '), the first only ('-') or the second only ('+').
type change struct {
	kind byte
	line string
}

// changes finds a longest common sequence of lines. What two texts begin and end with alike is left aside first, so that the table is
// as small as the change.
func changes(was, is []string) (all []change) {
	begin := 0
	for begin < min(len(was), len(is)) && was[begin] == is[begin] {
		begin++
	}
	end := 0
	for end < min(len(was), len(is))-begin && was[len(was)-1-end] == is[len(is)-1-end] {
		end++
	}
	for _, line := range was[:begin] {
		all = append(all, change{' ', line})
	}
	tail := was[len(was)-end:]
	was, is = was[begin:len(was)-end], is[begin:len(is)-end]
	common := commonLengths(was, is)
	for len(was) > 0 || len(is) > 0 {
		i, j := len(common)-1-len(was), len(common[0])-1-len(is)
		switch {
		case len(was) > 0 && len(is) > 0 && was[0] == is[0]:
			all = append(all, change{' ', was[0]})
			was, is = was[1:], is[1:]
		case len(is) == 0 || len(was) > 0 && common[i+1][j] >= common[i][j+1]:
			all = append(all, change{'-', was[0]})
			was = was[1:]
		default:
			all = append(all, change{'+', is[0]})
			is = is[1:]
		}
	}
	for _, line := range tail {
		all = append(all, change{' ', line})
	}
	return all
}

// maxTable bounds the table of commonLengths. Texts that differ in more are shown as removed and added as a whole.
const maxTable = 4 << 20

// commonLengths returns, for each pair of places, how many lines the texts from there on have in common at most.
func commonLengths(was, is []string) [][]int32 {
	table := make([][]int32, len(was)+1)
	for i := range table {
		table[i] = make([]int32, len(is)+1)
	}
	if len(was)*len(is) > maxTable {
		return table
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			table[i][j] = max(table[i+1][j], table[i][j+1])
			if was[i] == is[j] {
				table[i][j] = table[i+1][j+1] + 1
			}
		}
	}
	return table
}

// writeHunks writes the changes with the lines around them.
func writeHunks(to *strings.Builder, all []change) {
	before, after := 0, 0 // lines before the place
	for i := 0; i < len(all); {
		next := i
		for next < len(all) && all[next].kind == ' ' {
			next++
		}
		if next == len(all) {
			return
		}
		first := max(i, next-around)
		before, after = before+first-i, after+first-i
		last, same := next, 0
		for end := next; end < len(all) && same <= 2*around; end++ {
			same++
			if all[end].kind != ' ' {
				last, same = end, 0
			}
		}
		hunk := all[first:min(len(all), last+1+around)]
		writeHunk(to, hunk, &before, &after)
		i = first + len(hunk)
	}
}

func writeHunk(to *strings.Builder, hunk []change, before, after *int) {
	removed, added := 0, 0
	for _, c := range hunk {
		if c.kind != '+' {
			removed++
		}
		if c.kind != '-' {
			added++
		}
	}
	fmt.Fprintf(to, "@@ -%s +%s @@\n", span(*before, removed), span(*after, added))
	for _, c := range hunk {
		to.WriteByte(c.kind)
		to.WriteString(strings.TrimSuffix(c.line, "\n") + "\n")
		if !strings.HasSuffix(c.line, "\n") {
			to.WriteString("\\ No newline at end of file\n")
		}
	}
	*before, *after = *before+removed, *after+added
}

// span writes a hunk's place as patches do: the first line from 1 on, or the line before it if the hunk has no lines there.
func span(before, lines int) string {
	if lines > 0 {
		before++
	}
	return fmt.Sprintf("%d,%d", before, lines)
}
