package repartition

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"hyperlake/internal/storage"
)

// removeSpills removes files that nobody needs any more. One that resists does no harm: it
// goes with the staging of the run.
func removeSpills(ctx context.Context, uris map[string]bool) {
	for uri := range uris {
		store, err := storage.For(uri)
		if err == nil {
			err = store.RemoveAll(ctx, uri)
		}
		if err != nil {
			log.Warnf(ctx, "remove spill %s: %v", uri, err)
		}
	}
}
