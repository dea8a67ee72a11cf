package htmlreport_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// void are the elements that have no end tag.
var void = map[string]bool{"meta": true, "br": true, "img": true, "link": true, "input": true}

// TestWellFormed checks that every element is closed where it should be, whatever the
// names in a report, and that the page has only elements and attributes of its own.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for _, name := range reports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var open []string
			tokens := html.NewTokenizer(strings.NewReader(render(t, name)))
			for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
				token := tokens.Token()
				switch kind {
				case html.StartTagToken:
					checkElement(t, token)
					if !void[token.Data] {
						open = append(open, token.Data)
					}
				case html.EndTagToken:
					require.NotEmpty(t, open, "</%s> closes nothing", token.Data)
					require.Equal(t, open[len(open)-1], token.Data)
					open = open[:len(open)-1]
				}
			}
			assert.Empty(t, open)
		})
	}
}

// checkElement refuses what runs code or reaches out of the page.
func checkElement(t *testing.T, token html.Token) {
	t.Helper()
	assert.NotContains(t, []string{"script", "img", "link", "iframe", "object", "embed", "base", "form", "foreignobject", "image", "use", "animate"}, token.Data)
	for _, attribute := range token.Attr {
		assert.False(t, strings.HasPrefix(attribute.Key, "on"), "%s", token)
		assert.NotContains(t, []string{"src", "srcset", "action", "data", "xlink:href"}, attribute.Key)
		assert.NotContains(t, attribute.Val, "url(")
		if attribute.Key == "href" {
			assert.Regexp(t, `^#table-\d+$`, attribute.Val)
		}
		if attribute.Key == "style" {
			assert.Regexp(t, `^(left:[\d.]+%;?)?(width:[\d.]+%)?$`, attribute.Val)
		}
	}
}

func TestNothingExternal(t *testing.T) {
	t.Parallel()
	for _, name := range reports {
		page := render(t, name)
		style := page[strings.Index(page, "<style>"):strings.Index(page, "</style>")]
		assert.NotRegexp(t, `(?i)@import|url\(|expression\(|//`, style, name)
		assert.Contains(t, page, `content="default-src 'none'; style-src 'unsafe-inline'"`, name)
	}
}

// TestHostileNames checks that names are shown as they are, and cannot turn the text.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	page := render(t, "hostile")
	shown := textOf(t, page)
	for _, name := range []string{
		`<script>alert('x')</script>"><img src=x onerror=alert(1)>`, "</style><style>*{display:none}", "{{.Name}}", "🧾 receipts 👩‍👩‍👧‍👦", "日本語の列",
		"عمود المبيعات اليومية \ufffdevil", "javascript:alert(1)/", "9,223,372,036,854,775,807", "metric_199", "200 columns, as loaded", "line\nbreak",
	} {
		assert.Contains(t, shown, name)
	}
	assert.NotRegexp(t, "[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", page)
	assert.NotContains(t, page, strings.Repeat("x", 201), "long values are cut")
}

// textOf is what a page shows, without its style sheet.
func textOf(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	var text strings.Builder
	for node := range root.Descendants() {
		if node.Type == html.TextNode && node.Parent.Data != "style" {
			text.WriteString(node.Data)
		}
	}
	return text.String()
}

// TestTables checks that every header of a table says what it heads, and that rows are as
// wide as their header.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, name := range reports {
		root, err := html.Parse(strings.NewReader(render(t, name)))
		require.NoError(t, err)
		for node := range root.Descendants() {
			switch {
			case node.Data == "th":
				assert.Contains(t, []string{"row", "col"}, attribute(node, "scope"), name)
			case node.Data == "table" && attribute(node, "class") != "cells":
				checkWidth(t, node)
			}
		}
	}
}

func checkWidth(t *testing.T, table *html.Node) {
	t.Helper()
	width := 0
	for row := range table.Descendants() {
		if row.Data != "tr" || row.Parent.Parent != table || attribute(row, "class") == "more" {
			continue
		}
		cells := 0
		for cell := range row.ChildNodes() {
			if cell.Type == html.ElementNode {
				cells++
			}
		}
		if width == 0 {
			width = cells
		}
		assert.Equal(t, width, cells)
	}
	assert.NotZero(t, width)
}

func attribute(node *html.Node, key string) string {
	for _, attribute := range node.Attr {
		if attribute.Key == key {
			return attribute.Val
		}
	}
	return ""
}

// TestSamplesWithoutReasons checks that a report without values has no column for them.
func TestSamplesWithoutReasons(t *testing.T) {
	t.Parallel()
	assert.Contains(t, render(t, "full"), "Reason")
	assert.NotContains(t, render(t, "rejected"), "Reason")
}

// TestContrast checks that every color of text differs enough from both backgrounds
// (WCAG 2, level AA), in light and in dark.
func TestContrast(t *testing.T) {
	t.Parallel()
	style, err := os.ReadFile(filepath.Join("page", "style.css"))
	require.NoError(t, err)
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), -1)
	require.Len(t, schemes, 2)
	for i, scheme := range schemes {
		colors := map[string]float64{}
		for _, match := range regexp.MustCompile(`--(\w+): #(\w{6});`).FindAllStringSubmatch(scheme[1], -1) {
			colors[match[1]] = luminance(t, match[2])
		}
		for _, text := range []string{"text", "muted", "link", "good", "bad", "doubt", "neutral"} {
			for _, background := range []string{"page", "raised"} {
				assert.GreaterOrEqual(t, contrast(colors[text], colors[background]), 4.5, "scheme %d, %s on %s", i, text, background)
			}
		}
		for _, bar := range []string{"kept", "broken"} {
			assert.GreaterOrEqual(t, contrast(colors[bar], colors["page"]), 3.0, "scheme %d, %s", i, bar)
		}
	}
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// luminance is the relative luminance of a color, from 0 to 1.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	color, err := strconv.ParseUint(hex, 16, 32)
	require.NoError(t, err)
	linear := func(shift int) float64 {
		c := float64(color>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}
