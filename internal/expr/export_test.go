package expr

// RowForRow is the program evaluated by the definition of its operators, one row after
// the other, without any kernel.
func (p *Program) RowForRow() *Program {
	return &Program{root: p.root, columns: p.columns, perRow: true}
}
