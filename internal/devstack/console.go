package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// consolePage draws a dashboard by the script that comes with Prometheus (prometheus.io/docs/visualization/consoles).
//
//go:embed console.html.tmpl
var consolePage string

// panel is a panel of one of Grafana's dashboards, with its queries and what their lines are called.
type panel struct {
	Title   string
	Targets []struct{ Expr, LegendFormat string }
}

// Queries returns the panel's queries.
func (p panel) Queries() []string {
	var all []string
	for _, t := range p.Targets {
		all = append(all, t.Expr)
	}
	return all
}

// Names returns the lines' names in the form of the script, which says [[ label ]].
func (p panel) Names() []string {
	var all []string
	for _, t := range p.Targets {
		all = append(all, strings.NewReplacer("{{", "[[ ", "}}", " ]]").Replace(t.LegendFormat))
	}
	return all
}

// writeConsoles writes a page for each of Grafana's dashboards in a folder, for Prometheus to serve.
func writeConsoles(dashboards, dir string) error {
	page, err := template.New("console").Parse(consolePage)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dashboards, "*.json"))
	if err == nil && len(files) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("find dashboards in %s: %w", dashboards, err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	var pages []string
	for _, file := range files {
		pages = append(pages, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var board struct {
			Title  string
			Panels []panel
		}
		if err := json.Unmarshal(text, &board); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		var html strings.Builder
		err = page.Execute(&html, struct {
			Title  string
			Pages  []string
			Panels []panel
		}{board.Title, pages, board.Panels})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, pages[i]+".html"), []byte(html.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}
