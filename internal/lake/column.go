package lake

import "github.com/apache/arrow/go/v17/arrow"

// Field is the column in Arrow's terms.
func (c Column) Field() arrow.Field {
	return arrow.Field{Name: c.Name, Type: c.Type, Nullable: c.Nullable}
}

// MakeStruct makes it a structure of fields.
func (c *Column) MakeStruct(fields []Column) {
	inside := make([]arrow.Field, len(fields))
	for i, field := range fields {
		inside[i] = field.Field()
	}
	c.Fields, c.Type = fields, arrow.StructOf(inside...)
}

// MakeList makes it a list.
func (c *Column) MakeList(element Column) {
	c.Fields, c.Type = []Column{element}, arrow.ListOfField(element.Field())
}

// MakeMap makes it a map.
func (c *Column) MakeMap(key, value Column) {
	pairs := arrow.MapOf(key.Type, value.Type)
	pairs.SetItemNullable(value.Nullable)
	c.Fields, c.Type = []Column{key, value}, pairs
}
