// Package schedule writes what has a platform run a command every night: systemd, cron, launchd, the
// Task Scheduler of Windows, Kubernetes, Airflow or GitHub Actions.
//
// It promises text that the platform takes as it is, and that runs exactly the arguments it was given,
// whatever characters are in them; those that nobody sees, such as line breaks, are refused. Nights never
// overlap, one that was missed is made up for where the platform can, nothing is tried again by the platform,
// and no secret is in the text: it says where the platform keeps them. The same night gives the same text.
//
// It knows nothing of configurations, writes no files and starts nothing.
package schedule
