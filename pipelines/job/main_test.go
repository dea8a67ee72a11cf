package job_test

import (
	"testing"

	"hyperlake/internal/hyperd/hyperdtest"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }
