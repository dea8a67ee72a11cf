package runtest

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is to be hidden is found in every form in which programs write it by accident.
func TestHiddenTextIsFound(t *testing.T) {
	const secret = "the+value/of <an> app's & secret=="
	once := "ab" + secret + "c"
	twice := base64.StdEncoding.EncodeToString([]byte("x" + base64.StdEncoding.EncodeToString([]byte(once))))
	escaped := "key=the%2Bvalue%2Fof+%3Can%3E+app%27s+%26+secret%3D%3D"
	for _, written := range []string{once, base64.StdEncoding.EncodeToString([]byte(once)), twice, escaped} {
		assert.True(t, isIn([]byte(written), secret), written)
	}
	assert.False(t, isIn([]byte("another secret"), secret))
}
