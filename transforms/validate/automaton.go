package validate

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// automaton looks for a pattern in ASCII text, by one look into a table for each byte. That
// takes a tenth of the time of package regexp on text as short as columns hold.
type automaton struct {
	next  []uint8 // by state<<7 + byte
	atEnd []bool  // by state: the text matches if it ends here
}

// The first states, which are the same in every automaton.
const (
	refusing uint8 = iota // whatever follows
	matching              // whatever follows
	starting
)

// match says whether the pattern matches somewhere in text. Of text that is not ASCII it
// may not know; without an automaton nothing is known.
func (a *automaton) match(text string) (matched, known bool) {
	if a == nil {
		return false, false
	}
	state := starting
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false, false
		}
		state = a.next[int(state)<<7|int(text[i])]
		if state <= matching {
			return state == matching, true
		}
	}
	return a.atEnd[state], true
}

// Bounds on what becomes an automaton. They keep its table in the processor's cache, and
// the time to make it to some milliseconds.
const (
	maxStates       = 256
	maxInstructions = 1000
)

// newAutomaton makes an automaton of a regular expression, or returns nil if that is wrong,
// or too complicated.
func newAutomaton(pattern string) *automaton {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxInstructions {
		return nil
	}
	b := automatonBuilder{program: program, numbers: map[string]uint8{}}
	for _, instruction := range program.Inst {
		if instruction.Op == syntax.InstEmptyWidth {
			b.conditions |= syntax.EmptyOp(instruction.Arg)
		}
	}
	return b.build()
}

// automatonBuilder makes states of sets of instructions of the program that package regexp
// runs: those that an attempt to match, begun at any place so far, may continue with.
type automatonBuilder struct {
	program    *syntax.Prog
	conditions syntax.EmptyOp // that the program asks of places in the text, such as \b
	states     []attempts
	numbers    map[string]uint8 // of states, by what they are
}

// attempts is a state: instructions in ascending order, and what stands before the place
// in the text, as one character for all of which the program sees no difference.
type attempts struct {
	instructions []uint32
	before       rune // -1 at the beginning
}

// build returns nil if there are too many states.
func (b *automatonBuilder) build() *automaton {
	b.states = []attempts{refusing: {}, matching: {}, starting: {[]uint32{uint32(b.program.Start)}, -1}}
	a := &automaton{next: make([]uint8, int(starting)<<7), atEnd: make([]bool, starting)}
	for number := int(starting); number < len(b.states); number++ {
		state := b.states[number]
		for c := range rune(utf8.RuneSelf) {
			next, ok := b.step(state, c)
			if !ok {
				return nil
			}
			a.next = append(a.next, next)
		}
		_, matched := b.follow(state, -1)
		a.atEnd = append(a.atEnd, matched)
	}
	return a
}

// step is the state after the character c, unless there are too many states.
func (b *automatonBuilder) step(from attempts, c rune) (state uint8, ok bool) {
	waiting, matched := b.follow(from, c)
	if matched {
		return matching, true
	}
	to := attempts{before: b.classOf(c)}
	for _, at := range waiting {
		if instruction := &b.program.Inst[at]; instruction.MatchRune(c) {
			to.instructions = append(to.instructions, instruction.Out)
		}
	}
	if b.program.StartCond()&syntax.EmptyBeginText == 0 {
		to.instructions = append(to.instructions, uint32(b.program.Start))
	}
	if len(to.instructions) == 0 {
		return refusing, true
	}
	slices.Sort(to.instructions)
	to.instructions = slices.Compact(to.instructions)
	return b.number(to)
}

// follow goes from the instructions of a state to those that wait for a character, past
// the conditions that hold before the character after, -1 for the end of the text. It says
// whether the pattern matched on the way.
func (b *automatonBuilder) follow(from attempts, after rune) (waiting []uint32, matched bool) {
	holding := syntax.EmptyOpContext(from.before, after)
	seen := make([]bool, len(b.program.Inst))
	for stack := slices.Clone(from.instructions); len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		switch instruction := b.program.Inst[at]; instruction.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, instruction.Out, instruction.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, instruction.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(instruction.Arg)&^holding == 0 {
				stack = append(stack, instruction.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			waiting = append(waiting, at)
		}
	}
	return waiting, matched
}

// classOf is one character for all that are the same to the program when they stand
// before a place.
func (b *automatonBuilder) classOf(c rune) rune {
	switch {
	case b.conditions&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 && syntax.IsWordChar(c):
		return 'a'
	case b.conditions&syntax.EmptyBeginLine != 0 && c == '\n':
		return '\n'
	default:
		return ' '
	}
}

func (b *automatonBuilder) number(state attempts) (number uint8, ok bool) {
	key := []byte{byte(state.before)}
	for _, at := range state.instructions {
		key = binary.AppendUvarint(key, uint64(at))
	}
	if number, ok := b.numbers[string(key)]; ok {
		return number, true
	}
	if len(b.states) == maxStates {
		return 0, false
	}
	number = uint8(len(b.states))
	b.numbers[string(key)] = number
	b.states = append(b.states, state)
	return number, true
}
