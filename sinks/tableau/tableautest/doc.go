// Package tableautest is a Tableau Server that is none: it speaks the part of the REST API
// that publishing and updating extracts need, keeps what was published, and fails on demand.
//
// It is stateful: sites, projects, data sources with their actual bytes, upload sessions,
// jobs. An append really appends and a data update really changes the stored .hyper file,
// through hyperd. Memory does not grow with what is sent: everything goes to files.
//
// [Start] needs no test: it also serves people who want to try publishing without a server.
// [Fault] says which requests go wrong, and how.
package tableautest
