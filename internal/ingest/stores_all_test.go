//go:build stores

package ingest_test

import "hyperlake/internal/storage/storagetest"

func init() { stores["s3"], stores["az"] = storagetest.FakeS3, storagetest.FakeAzure }
