//go:build stores

package randomtest

import "hyperlake/internal/storage/storagetest"

// placed is how many configurations of a hundred have something on object storage, where that is drawn.
const placed = 100

func init() { stores["s3"], stores["az"] = storagetest.FakeS3, storagetest.FakeAzure }
