package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// bill writes what a program is built of, its software bill of materials, as CycloneDX: each module that Go recorded in it, with
// its version and its licences, and Go's own library.
func (r *release) bill(ctx context.Context, target system, program string, known *licences) error {
	built, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	modules := make([]*debug.Module, len(built.Deps))
	for i, module := range built.Deps {
		modules[i] = module
		if module.Replace != nil {
			modules[i] = module.Replace
		}
	}
	found, err := known.ofModules(ctx, modules)
	if err != nil {
		return err
	}
	components := []cyclonedx.Component{library("std", strings.TrimPrefix(built.GoVersion, "go"), []string{"BSD-3-Clause"})}
	for _, module := range modules {
		components = append(components, library(module.Path, module.Version, found[module.Path]))
	}
	name := fmt.Sprintf("hyperlake_%s_%s_%s.cdx.json", r.version, target.os, target.arch)
	return create(filepath.Join(r.out, name), func(w io.Writer) error {
		encoder := cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON).SetPretty(true)
		return encoder.EncodeVersion(r.document(name, components), cyclonedx.SpecVersion1_6)
	})
}

// document is a bill with its components. Its serial number is made of its name and commit, so that it is the same whenever it is made.
func (r *release) document(name string, components []cyclonedx.Component) *cyclonedx.BOM {
	bill := cyclonedx.NewBOM()
	bill.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, []byte(name+" "+r.commit)).URN()
	main := cyclonedx.Component{
		BOMRef: "hyperlake", Type: cyclonedx.ComponentTypeApplication, Name: "hyperlake", Version: r.version,
		Licenses:   choices([]string{"Apache-2.0"}),
		Properties: &[]cyclonedx.Property{{Name: "commit", Value: r.commit}},
	}
	bill.Metadata = &cyclonedx.Metadata{Timestamp: r.time.Format(time.RFC3339), Component: &main}
	refs := make([]string, len(components))
	for i, component := range components {
		refs[i] = component.BOMRef
	}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	return bill
}

func library(path, version string, licences []string) cyclonedx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cyclonedx.Component{
		BOMRef: url, PackageURL: url, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, Licenses: choices(licences),
	}
}

// choices are licences as CycloneDX has them: those of SPDX by their identifiers, others by their names.
func choices(licences []string) *cyclonedx.Licenses {
	list := make(cyclonedx.Licenses, len(licences))
	for i, name := range licences {
		switch {
		case name == "GNU-All-permissive-Copying-License":
			list[i].License = &cyclonedx.License{ID: "FSFAP"}
		case strings.HasPrefix(name, "LicenseRef-"):
			list[i].License = &cyclonedx.License{Name: strings.TrimPrefix(name, "LicenseRef-")}
		default:
			list[i].License = &cyclonedx.License{ID: name}
		}
	}
	return &list
}
