package checks

import (
	"fmt"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// Warnings say which thresholds and checks of a report are broken that only warn, and which checks could not be held against all that
// they name.
func Warnings(r *report.Report) []string {
	const warns = string(config.OnFailWarn)
	var warnings []string
	for i := range r.Tables {
		table := &r.Tables[i]
		if t := table.Thresholds; t != nil && !t.Passed && t.OnFail == warns {
			warnings = append(warnings, excessText(table)+" (on_fail: warn)")
		}
		for _, check := range table.Checks {
			name := fmt.Sprintf("check %q of table %s.%s", check.Name, table.Schema, table.Name)
			switch {
			case !check.Passed && check.OnFail == warns:
				warnings = append(warnings, fmt.Sprintf("%s does not pass: %s (on_fail: warn)", name, check.Message))
			case check.Passed && check.Message != "":
				warnings = append(warnings, fmt.Sprintf("%s passes, but %s", name, check.Message))
			}
		}
	}
	return warnings
}
