// Package strictyaml reads YAML into Go structures and refuses whatever may not be meant: unknown
// and doubled keys, values of another type, documents that grow without bounds.
//
// It promises that all that is wrong is found, each with file, line and column and the nearest known
// key; that text is taken as it is written; and that time and memory are bounded by the size of the
// file. It knows nothing of what the structures mean.
package strictyaml
