//go:build stores

package pipelines_test

import "hyperlake/internal/storage/storagetest"

func init() { stores["s3"] = storagetest.FakeS3 }
