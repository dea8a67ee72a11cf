package storage

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every round is noticed soon after its beginning, and what is none never is.
func TestPagesThatComeAgain(t *testing.T) {
	for before := range 20 {
		for round := 1; round < 20; round++ {
			var seen pages
			page, turns := 0, 0
			for err := error(nil); err == nil; turns++ {
				if page++; page >= before+round {
					page = before
				}
				err = seen.turn(fmt.Sprint(page))
			}
			assert.LessOrEqual(t, turns, 3*(before+round)+3)
		}
	}
	var seen pages
	for page := range 100_000 {
		require.NoError(t, seen.turn(fmt.Sprint(page)))
	}
}
