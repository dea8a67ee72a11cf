//go:build stores

package pipelines_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/staging"
)

// Uploads of runs that were killed are in no listing of files. What others upload stays.
func TestCleanAbortsUploads(t *testing.T) {
	bucket, _ := storagetest.FakeS3(t)
	ours := []string{
		"out/orders.hyper", "bad/2026 +č/part-1.parquet", "stage/20261120T020000Z-5be3a91c/shards/1.hyper",
	}
	others := []string{"out/orders.hyper.copy", "out/other.hyper", "bad-2/part-1.parquet", "stage/loose.hyper", "stage/others/1.hyper"}
	for _, name := range append(ours, others...) {
		store, err := storage.For(bucket)
		require.NoError(t, err)
		w, err := store.Create(t.Context(), bucket+"/"+name, storage.Any())
		require.NoError(t, err)
		t.Cleanup(w.Abort)
		_, err = w.Write(make([]byte, 9<<20))
		require.NoError(t, err)
	}
	cfg := &config.Config{Staging: bucket + "/stage", Tables: make([]config.TableConfig, 1)}
	cfg.Output.Path = bucket + "/out/orders.hyper"
	cfg.Tables[0].Rejects.Path = bucket + "/bad"
	clean := func(options staging.CleanOptions) map[string]staging.CleanOutcome {
		cleaned, err := staging.Clean(t.Context(), cfg, options)
		require.NoError(t, err)
		outcomes := map[string]staging.CleanOutcome{}
		for _, c := range cleaned {
			assert.True(t, c.Upload)
			outcomes[c.Path] = c.Outcome
		}
		return outcomes
	}
	want := func(outcome staging.CleanOutcome) map[string]staging.CleanOutcome {
		outcomes := map[string]staging.CleanOutcome{}
		for _, name := range ours {
			outcomes[bucket+"/"+name] = outcome
		}
		return outcomes
	}
	uploads := func() (names []string) {
		found, err := storage.FindUnfinished(t.Context(), bucket+"/")
		require.NoError(t, err)
		for _, upload := range found {
			names = append(names, strings.TrimPrefix(upload.URI, bucket+"/"))
		}
		return names
	}
	all := len(ours) + len(others)
	assert.Equal(t, want(staging.CleanYoung), clean(staging.CleanOptions{OlderThan: time.Hour}))
	assert.Equal(t, want(staging.CleanWouldRemove), clean(staging.CleanOptions{OlderThan: 1, DryRun: true}))
	assert.Len(t, uploads(), all)
	assert.Equal(t, want(staging.CleanRemoved), clean(staging.CleanOptions{OlderThan: 1}))
	assert.ElementsMatch(t, others, uploads())
	assert.Empty(t, clean(staging.CleanOptions{OlderThan: 1}))
}

// Of a configuration that makes several extracts, uploads of any of them are found, wherever the output is in its bucket.
func TestCleanAbortsUploadsOfSeveralExtracts(t *testing.T) {
	bucket, _ := storagetest.FakeS3(t)
	named := []string{"orders-EU č+%20.hyper", "orders-2026-11-30.hyper", "orders-7.hyper"}
	others := []string{"orders-.hyper", "orders-7.hyper.copy", "orders-EU/7.hyper", "other-EU.hyper", "ordersEU.hyper"}
	split := config.RepartitionConfig{SplitBy: "region"}
	for name, c := range map[string]struct {
		folder string
		merge  config.MergeChoice
		repart config.RepartitionConfig
		ours   []string
	}{
		"by values":             {"/out [1]/", config.MergeAuto, split, named},
		"by values, at the top": {"/", config.MergeAuto, split, named},
		"partials":              {"/parts/", config.MergeNone, config.RepartitionConfig{}, named[2:]},
		"one":                   {"/one/", config.MergeAuto, config.RepartitionConfig{}, nil},
	} {
		all := append([]string{"orders.hyper"}, append(named, others...)...)
		for _, file := range all {
			store, err := storage.For(bucket)
			require.NoError(t, err)
			w, err := store.Create(t.Context(), bucket+c.folder+file, storage.Any())
			require.NoError(t, err)
			t.Cleanup(w.Abort)
			_, err = w.Write(make([]byte, 9<<20))
			require.NoError(t, err)
		}
		cfg := &config.Config{Tables: []config.TableConfig{{Repartition: c.repart}}}
		cfg.Output.Path, cfg.Output.Merge = bucket+c.folder+"orders.hyper", c.merge
		cleaned, err := staging.Clean(t.Context(), cfg, staging.CleanOptions{OlderThan: 1})
		require.NoError(t, err)
		var aborted []string
		for _, one := range cleaned {
			assert.Equal(t, staging.CleanRemoved, one.Outcome)
			aborted = append(aborted, strings.TrimPrefix(one.Path, bucket+c.folder))
		}
		assert.ElementsMatch(t, append([]string{"orders.hyper"}, c.ours...), aborted, name)
		left, err := storage.FindUnfinished(t.Context(), strings.TrimSuffix(bucket+c.folder, "/"))
		require.NoError(t, err)
		assert.Len(t, left, len(all)-1-len(c.ours), name)
		for _, upload := range left {
			require.NoError(t, upload.Abort(t.Context()))
		}
	}
}
