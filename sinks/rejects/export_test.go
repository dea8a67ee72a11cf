package rejects

import (
	"context"

	"hyperlake/internal/batch"
)

// WriteFn is the DoFn of Write, for tests that play the runner.
type WriteFn = writeFn

// WriteLimited writes rejects of one table with other limits than users get.
func WriteLimited(
	ctx context.Context, staging string, table Keep, groupRows, groupBytes, fileRows, fileBytes int64, all []batch.Rejects,
) (Account, error) {
	w := tableWriter{limits: limits{groupRows, groupBytes, fileRows, fileBytes}, table: table, staging: staging}
	for _, r := range all {
		if err := w.add(ctx, r); err != nil {
			return Account{}, err
		}
	}
	return w.finish(ctx)
}
