//go:build stores

package main

import (
	"bytes"
	"testing"

	"hyperlake/internal/storage/storagetest"
)

// TestSecretsOfS3AreNeverWritten looks for secret keys and session tokens in everything that runs wrote, here and into the bucket: both
// streams at level debug, and every file.
func TestSecretsOfS3AreNeverWritten(t *testing.T) {
	server := storagetest.StartS3(t)
	const wrongKey, token = "another secret key of the same kind", "FwoGZXIvYXdzEHsession-token-of-nobody"
	folder := t.TempDir()
	storedConfig(t, folder, server.Bucket, server.Bucket+"/stage")
	var written bytes.Buffer
	for _, step := range []struct {
		name        string
		environment []string
		fault       storagetest.Fault
		code        int
	}{
		{"a key", nil, storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2}, 0},
		{"a key and cut requests", nil, storagetest.Fault{On: storagetest.Write, Cut: true, Times: 2}, 0},
		{"a key that may not write", nil, storagetest.Fault{On: storagetest.Write, Status: 403}, 1},
		{"a wrong key", []string{"AWS_SECRET_ACCESS_KEY=" + wrongKey}, storagetest.Fault{}, 1},
		{"a token that has ended", []string{"AWS_SESSION_TOKEN=" + token},
			storagetest.Fault{On: storagetest.List, Status: 400, Code: "ExpiredToken"}, 1},
	} {
		server.Heal()
		if step.fault.On != "" {
			server.Inject(step.fault)
		}
		runStored(t, folder, step.name, append(server.Environment(), step.environment...), step.code, &written)
	}
	written.Write(server.Contents())
	requireHidden(t, folder, server.Bucket, &written, map[string]string{
		"the key": storagetest.S3SecretKey, "another key": wrongKey, "the token": token,
	})
}
