package parquetread

import (
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/format"
)

// schemaCache lets the footers of files that are alike share what they say about columns.
// Its zero value is ready. It is safe for concurrent use.
type schemaCache struct {
	mutex sync.Mutex
	known map[string]sharedSchema // by the schema's text
}

// sharedSchema is the columns of files in the forms that footers hold.
type sharedSchema struct {
	schema   *arrow.Schema
	elements []format.SchemaElement
	root     node
	calendar calendar // which root has
	stored   []string
}

// intern replaces the schema of a footer, and the tree of its columns, by those that were
// seen first of the ones that equal them.
func (c *schemaCache) intern(footer *Footer) {
	text := footer.Schema.String()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	known, ok := c.known[text]
	if !ok {
		if c.known == nil {
			c.known = map[string]sharedSchema{}
		}
		c.known[text] = sharedSchema{footer.Schema, footer.contents.meta.Schema, footer.contents.root, footer.contents.calendar, footer.stored}
		return
	}
	if known.schema.Equal(footer.Schema) {
		footer.Schema = known.schema
	}
	if slices.Equal(known.stored, footer.stored) {
		footer.stored = known.stored
	}
	if slices.Equal(known.elements, footer.contents.meta.Schema) && known.calendar == footer.contents.calendar {
		footer.contents.meta.Schema, footer.contents.root = known.elements, known.root
	}
}
