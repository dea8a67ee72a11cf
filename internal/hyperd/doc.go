// Package hyperd runs Tableau's database server and talks to it.
//
// It finds or installs the hyperd binary, starts it with a private domain socket, and
// keeps one per process: callers take a [Lease] with [Acquire], open connections on it,
// and release it. hyperd stops when it was idle for a while, when [Shutdown] is called,
// and whenever this process ends, in whichever way: it watches a callback connection
// that the kernel closes for us.
//
// A worker on a machine without hyperd installs the one that the driver put on staging
// ([Stage]), once for all workers of the machine.
//
// Where no memory limit is configured, the hyperds of the workers of a machine get equal
// parts of half its memory. A limit stays for as long as its hyperd runs: one that starts
// before other workers come keeps its larger part until nobody uses it; the next lease
// then starts it anew, with its fair part. Workers that start within a second of each
// other know of each other from the beginning.
//
// Every error of a dead or refusing hyperd says what hyperd itself said last.
package hyperd
