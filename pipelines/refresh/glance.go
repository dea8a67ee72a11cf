package refresh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
)

// Glance is what a run saw before it opened any file, when the extract of a success was what it would make. As long as a run
// sees the same, it would make the same again.
type Glance struct {
	Version int           `json:"version"`
	RunID   string        `json:"run_id"`  // of the success
	Seen    string        `json:"seen"`    // see [Seen]
	Outline *plan.Outline `json:"outline"` // of the plan
}

// glanceName is the file of the last glance.
const glanceName = "glance.json"

// Seen stands for all that decides what a run makes: this program, the configuration but for where the extract is published,
// who is told of it, and what was brought into the lake first, the date as far as it may count, and what there is to read. It is empty
// where that is not known.
func Seen(cfg *config.Config, sight *plan.Sight, logValues bool) string {
	files, known := sight.Digest(), *cfg
	known.Publish, known.Notify, known.Metrics, known.Ingest = nil, nil, config.MetricsConfig{}, nil
	configured, err := json.Marshal(known)
	if files == "" || err != nil {
		return ""
	}
	var date time.Time
	if cfg.Refresh.Window != nil || strings.Contains(string(configured), "today") {
		date = cfg.Date
	}
	text := fmt.Sprint(builder, program(), string(configured), date, files, logValues)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// program tells this build of the program from others.
func program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.String()
}

// AtAGlance is the outline of the plan under which the extract of a success stays as it is; nil if only a plan can tell.
func (s *State) AtAGlance(ctx context.Context, cfg *config.Config, standing *Success, seen string) *plan.Outline {
	var found Glance
	err := storage.GetJSON(ctx, s.glanceURI(), &found)
	if err != nil || found.Version != stateVersion || found.Outline == nil || len(found.Outline.Tables) != len(cfg.Tables) {
		return nil // and what stands there will be written over
	}
	s.glance = found
	if found.Seen != seen || found.RunID != standing.RunID || isDue(cfg, standing) {
		return nil
	}
	return found.Outline
}

// KeepGlance remembers what a run saw, if it is known. Errors are of kind Storage.
func (s *State) KeepGlance(ctx context.Context, g Glance) error {
	if g.Seen == "" || g.Seen == s.glance.Seen && g.RunID == s.glance.RunID {
		return nil
	}
	g.Version = stateVersion
	if err := storage.PutJSON(ctx, s.glanceURI(), g); err != nil {
		return s.failure(err)
	}
	s.glance = g
	return nil
}

func (s *State) glanceURI() string { return storage.Join(s.folder, glanceName) }
