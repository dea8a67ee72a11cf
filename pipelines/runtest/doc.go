// Package runtest is what tests of whole runs share: configurations and lakes, running them on the
// engine in this process, looking into extracts and rejects, and a fake Tableau server to publish to.
package runtest
