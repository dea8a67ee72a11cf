// Package options declares what a configuration says of the engines that run Beam pipelines, once:
// keys, defaults and checks. The configuration reads them, and the package runners follows them.
//
// It promises that what a Check lets pass is wrong only if the engine says so. It starts nothing, and
// does not import Beam.
package options

// The runners that a configuration may name.
const (
	RunnerDirect   = "direct"   // this process
	RunnerFlink    = "flink"    // a Flink cluster, through Beam's job server
	RunnerDataflow = "dataflow" // Google Cloud Dataflow
)

// Section is the configuration that options stand in. Keys are whole, such as runner.flink.image.
type Section interface {
	// Problem is the error of a key.
	Problem(key, format string, args ...any) error

	// Written says whether a key is there.
	Written(key string) bool

	// IsSound says whether nothing is known to be wrong with keys, so that what is said of their values does not follow from it.
	IsSound(keys ...string) bool

	// CheckPath refuses a path that cannot be meant, CheckLocalPath also one that is not local.
	CheckPath(key, path string) error
	CheckLocalPath(key, path string) error
}
