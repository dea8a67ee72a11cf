// Package hyperd runs Tableau's database server and talks to it.
//
// It finds or installs the hyperd binary, starts it with a private domain socket, and
// keeps one per process: callers take a [Lease] with [Acquire], open connections on it,
// and release it. hyperd stops when it was idle for a while, when [Shutdown] is called,
// and whenever this process ends, in whichever way: it watches a callback connection
// that the kernel closes for us.
//
// Every error of a dead or refusing hyperd says what hyperd itself said last.
package hyperd
