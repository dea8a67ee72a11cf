package hyperd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIsAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked, announced string
		want             bool
	}{
		{"tab.domain:///a/b/domain/hyper", "tab.domain:///a/b/domain/hyper", true},
		{"tab.domain:///a/b/domain/hyper", "tab.domain:///a/c/domain/hyper", false},
		{"tab.domain:///a/b/domain/hyper", "tab.tcp://127.0.0.1:4711", false},
		{"tab.tcp://127.0.0.1:0", "tab.tcp://127.0.0.1:4711", true},
		{"tab.tcp://127.0.0.1:0", "tab.tcp://127.0.0.1:", false},
		{"tab.tcp://127.0.0.1:0", "tab.tcp://127.0.0.1:4711.example.org:1", false},
		{"tab.tcp://127.0.0.1:0", "tab.tcp://192.0.2.1:4711", false},
		{"tab.tcp://127.0.0.1:4711", "tab.tcp://127.0.0.1:4711", true},
		{"tab.tcp://127.0.0.1:4711", "tab.tcp://127.0.0.1:4712", false},
	} {
		assert.Equal(t, test.want, isAsked(test.asked, test.announced), "%s, %s", test.asked, test.announced)
	}
}
