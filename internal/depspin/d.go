// Package depspin is temporary.
package depspin

import (
	_ "cel.dev/cel-go/cel"
	_ "cel.dev/cel-go/checker/decls"
	_ "cel.dev/cel-go/common/ast"
	_ "cel.dev/cel-go/common/decls"
	_ "cel.dev/cel-go/common/types"
	_ "cel.dev/cel-go/ext"
	_ "cel.dev/cel-go/interpreter"
	_ "cloud.google.com/go/storage"
	_ "github.com/fsouza/fake-gcs-server/fakestorage"
	_ "github.com/twpayne/go-geom/encoding/wkb"
	_ "github.com/twpayne/go-geom/encoding/wkt"
	_ "google.golang.org/api/iterator"
	_ "google.golang.org/api/option"
	_ "github.com/googleapis/gax-go/v2"
)
