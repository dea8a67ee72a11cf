package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// checksums writes SHA256SUMS, as sha256sum does and checks it.
func (r *release) checksums() error {
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	return create(filepath.Join(r.out, "SHA256SUMS"), func(w io.Writer) error {
		for _, file := range files {
			sum := sha256.New()
			if err := copyFile(sum, filepath.Join(r.out, file.Name())); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%x  %s\n", sum.Sum(nil), file.Name()); err != nil {
				return err
			}
		}
		return nil
	})
}
