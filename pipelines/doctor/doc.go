// Package doctor looks at what runs depend on: hyperd, spool, memory, staging, output, sources, the
// plan, the server.
//
// It promises an answer for each within seconds, in words without secrets, and to leave nothing
// behind.
package doctor
