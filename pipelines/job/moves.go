package job

import (
	"hyperlake/internal/storage"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/staging"
	"hyperlake/transforms/repartition"
)

// spillPart is the part of the free space of a local staging that spills may take: room
// must be left for the partials and the extract.
const spillPart = 2

// repartitionParams says where rows of every table go, with spills on staging.
func repartitionParams(p *plan.Plan, moves []repartition.Moves, runFolder *staging.Folder) (repartition.Params, error) {
	params := repartition.Params{Staging: runFolder.URI, Tables: moves}
	if path, local := storage.LocalPath(runFolder.URI); local && p.MovesRows() {
		free, err := storage.FreeBytes(path)
		if err != nil {
			return params, staging.Failure(path, err)
		}
		params.MaxBytes = int64(max(free/spillPart, 1))
	}
	return params, nil
}
