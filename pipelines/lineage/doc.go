// Package lineage tells a server of OpenLineage which datasets a command reads and writes, and what it knows of them, where the usual
// variables of the environment name one: OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT, OPENLINEAGE_API_KEY, OPENLINEAGE_NAMESPACE and
// OPENLINEAGE_DISABLED. Format: https://openlineage.io/spec/2-0-2/OpenLineage.json, names of datasets by
// https://openlineage.io/docs/spec/naming.
//
// It promises one START, and one COMPLETE, FAIL or ABORT, of each command; that telling waits five seconds at most and never changes
// what is told about; and that no value of a row, no secret, and nothing that a server answers is repeated. It knows the
// configuration and the report, and nothing of how that was made; of a database that is ingested from, the environment says which it is.
package lineage
