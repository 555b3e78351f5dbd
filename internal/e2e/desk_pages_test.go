package e2e_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

var updateDesk = flag.Bool("update-desk", false, "take the pictures of the desk's screens in docs/desk anew")

// mostPages bounds how many pages below the menu are looked at.
const mostPages = 40

// deskPages looks at every screen of the desk's menu, and at one page of each kind that they link to.
func deskPages(t *testing.T, w *deskWorld) {
	w.post(body(small, goodCard), "Prefer", "wait=60")
	b := w.signIn(t, "ada", "/you", allRoles...)
	screens := b.links("header nav a")
	require.NotEmpty(t, screens)
	if *updateDesk {
		root, err := stack.Root()
		require.NoError(t, err)
		b.takePictures(filepath.Join(root, "docs", "desk"), screens)
	}
	pages := b.pagesBelow(screens)
	w.looksRight(t, pages...)
	w.goesByKeyboard(t, pages...)
}

var allRoles = []string{"reviewer", "analyst", "operator", "auditor", "admin"}

// still keeps a page that waits for something from loading itself again while it is looked at: desk.js runs later.
const still = `document.addEventListener("readystatechange", () => document.querySelector("[data-wait]")?.removeAttribute("data-wait"))`

// looks are how pages are looked at: contrast follows the scheme, and overflow the width.
var looks = map[string]int64{"light": 1280, "dark": 390}

// looksRight opens pages, and requires of each what looksRightIn requires, in each of the looks.
func (w *deskWorld) looksRight(t *testing.T, pages ...string) {
	t.Helper()
	for scheme, width := range looks {
		b := w.signIn(t, "ada", "/you", allRoles...) // a tab has its own deadline
		b.before(still)
		for _, path := range pages {
			b.open(path)
			b.looksRightIn(scheme, width)
		}
	}
}

// looksRight requires of the page that is shown what looksRightIn requires, in each of the looks.
func (b *tab) looksRight() {
	b.t.Helper()
	for scheme, width := range looks {
		b.looksRightIn(scheme, width)
	}
	b.looksLike("light", looks["light"])
}

// looksRightIn requires that axe finds nothing on the page that WCAG 2.2 AA forbids, and that it does not scroll sideways.
func (b *tab) looksRightIn(scheme string, width int64) {
	b.t.Helper()
	root, err := stack.Root()
	require.NoError(b.t, err)
	modules, err := stack.FindNPM(root)
	require.NoError(b.t, err)
	axe, err := os.ReadFile(filepath.Join(modules, "axe-core", "axe.min.js"))
	require.NoError(b.t, err)
	b.looksLike(scheme, width)
	b.run(string(axe))
	faults, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((found) =>
		found.violations.flatMap((v) => v.nodes.map((node) => v.id + ": " + node.html + ": " + node.failureSummary)))`, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, b.path())
	assert.Empty(b.t, faults, "%s, %s, %d pixels", b.path(), scheme, width)
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
	require.NoError(b.t, err, b.path())
	assert.LessOrEqual(b.t, wide, width, "%s scrolls sideways", b.path())
}

// tabStops has a page note what Tab leads to: of what people follow, press or fill in, tabStops keeps what is still ahead.
const tabStops = `
	var tabFaults = [], shown = (element) => element.outerHTML.slice(0, 200);
	var tabStops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
		.filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.matches(":disabled"));
	document.addEventListener("focusin", ({target}) => {
		tabStops = tabStops.filter((element) => element.isConnected); // Now replaces its numbers
		for (const passed of tabStops.splice(0, tabStops.indexOf(target) + 1).slice(0, -1)) tabFaults.push("passed by: " + shown(passed));
		if (getComputedStyle(target).outlineStyle === "none") tabFaults.push("without a focus ring: " + shown(target));
	})`

// goesByKeyboard opens pages, and requires of each that Tab leads from its top to all that people follow, press or fill in, one after the
// other, and that each is seen to have the focus.
func (w *deskWorld) goesByKeyboard(t *testing.T, pages ...string) {
	t.Helper()
	b := w.signIn(t, "ada", "/you", allRoles...)
	b.before(still)
	b.looksLike("light", looks["light"])
	for _, path := range pages {
		b.open(path)
		b.run(tabStops)
		for range 5 { // dates take several presses each, and tables that scroll one
			ahead, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`tabStops.length`))
			require.NoError(t, err, path)
			if ahead == 0 {
				break
			}
			b.do(chromedp.KeyEvent(strings.Repeat(kb.Tab, ahead+10)))
		}
		faults, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...tabFaults, ...tabStops.map((element) => "not reached: " + shown(element))]`))
		require.NoError(t, err, path)
		assert.Empty(t, faults, path)
	}
}

// before has the tab run a script before those of each page that it opens.
func (b *tab) before(script string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	require.NoError(b.t, err)
}

// looksLike has the tab's pages shown in a color scheme, and as wide as that.
func (b *tab) looksLike(scheme string, width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
}

// links returns the paths on the desk to which elements of the page link.
func (b *tab) links(selector string) []string {
	b.t.Helper()
	paths, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](fmt.Sprintf(
		`[...document.querySelectorAll(%q)].filter((a) => !a.download).map((a) => a.getAttribute("href")).filter((to) => to.startsWith("/"))`, selector)))
	require.NoError(b.t, err)
	return paths
}

var (
	partsOfPaths = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|/rule/\w+|[?#].*`)
	filePaths    = regexp.MustCompile(`\.(csv|jsonl)($|\?)`)
)

// pagesBelow returns the screens, and one page of each kind that they link to. Pages that differ by an id, a rule or a query are of
// one kind.
func (b *tab) pagesBelow(screens []string) []string {
	b.t.Helper()
	seen := map[string]bool{}
	var pages []string
	add := func(paths []string) {
		for _, path := range paths {
			kind := partsOfPaths.ReplaceAllString(path, "…")
			if !seen[kind] && !filePaths.MatchString(path) && len(pages) < mostPages {
				seen[kind] = true
				pages = append(pages, path)
			}
		}
	}
	add(screens)
	for _, screen := range screens {
		b.open(screen)
		add(b.links("main a[href]"))
	}
	return pages
}

// takePictures keeps a picture of each screen in a folder, under the name of its path, and takes away those of others.
func (b *tab) takePictures(folder string, screens []string) {
	b.t.Helper()
	require.NoError(b.t, os.MkdirAll(folder, 0o755))
	old, err := filepath.Glob(filepath.Join(folder, "*.png"))
	require.NoError(b.t, err)
	for _, file := range old {
		require.NoError(b.t, os.Remove(file))
	}
	b.looksLike("light", 1280)
	for _, screen := range screens {
		b.open(screen)
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		require.NoError(b.t, err)
		name := strings.ReplaceAll(strings.Trim(screen, "/"), "/", "-") + ".png"
		require.NoError(b.t, os.WriteFile(filepath.Join(folder, name), small256(b.t, shot), 0o644))
	}
}

// small256 returns a picture with its 256 most frequent colors only, which takes a third of the space.
func small256(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	require.NoError(t, err)
	counts := map[color.Color]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[full.At(x, y)]++
		}
	}
	palette := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	palette = palette[:min(len(palette), 256)]
	indexed := image.NewPaletted(bounds, palette)
	nearest := map[color.Color]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			at := full.At(x, y)
			index, known := nearest[at]
			if !known {
				index = uint8(indexed.Palette.Index(at))
				nearest[at] = index
			}
			indexed.SetColorIndex(x, y, index)
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(&out, indexed))
	return out.Bytes()
}
