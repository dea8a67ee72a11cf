package pipelines

import (
	"hyperlake/internal/storage"
	"hyperlake/transforms/repartition"
)

// spillPart is the part of the free space of a local staging that spills may take: room
// must be left for the partials and the extract.
const spillPart = 2

// repartitionParams says where rows of every table go, with spills on staging.
func repartitionParams(p *Plan, moves []repartition.Table, staging *staging) (repartition.Params, error) {
	params := repartition.Params{Staging: staging.path, Tables: moves}
	if path, local := storage.LocalPath(staging.path); local && p.moves() {
		free, err := storage.FreeBytes(path)
		if err != nil {
			return params, stagingFailure(path, err)
		}
		params.MaxBytes = int64(max(free/spillPart, 1))
	}
	return params, nil
}
