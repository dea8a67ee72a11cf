package doctor

import (
	"cmp"
	"context"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/notify"
)

// checkNotify looks at who is told how runs end: whether the variables hold addresses, and the programs are there. Nobody is told
// anything.
func (d doctor) checkNotify(context.Context) (string, error) {
	var all, wrong []string
	hint := ""
	for _, target := range d.cfg.Notify {
		found, err := notify.Check(target)
		if err != nil {
			failed := failure.Of(err, failure.Config)
			wrong, hint = append(wrong, failed.Message), cmp.Or(hint, failed.Hint)
			continue
		}
		all = append(all, found)
	}
	if len(wrong) > 0 {
		return "", failure.New(failure.Config, "%s", strings.Join(wrong, "; ")).WithHint("%s", hint)
	}
	return strings.Join(all, ", ") + "; `hyperlake notify` sends a test", nil
}
