package hyperd

import "hyperlake/internal/guard"

// terminateGroup ends the process: Windows has no milder way for one without a console.
func terminateGroup(pid int) error { return guard.KillGroup(pid) }
