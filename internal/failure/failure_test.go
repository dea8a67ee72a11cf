package failure_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

func TestOfKeepsKindAndHintUnderContext(t *testing.T) {
	inner := failure.New(failure.Source, "file a.parquet: %w", fs.ErrNotExist).WithHint("restore it").BeforeData()
	got := failure.Of(fmt.Errorf("table Extract.Extract: %w", inner), failure.Engine)

	assert.Equal(t, failure.Source, got.Kind)
	assert.Equal(t, "table Extract.Extract: file a.parquet: file does not exist", got.Error())
	assert.Equal(t, "restore it", got.Hint)
	assert.True(t, got.Early)
	assert.ErrorIs(t, got, fs.ErrNotExist)
}

func TestOfGivesOthersTheFallback(t *testing.T) {
	assert.Equal(t, failure.Hyperd, failure.Of(errors.New("boom"), failure.Hyperd).Kind)
	assert.Nil(t, failure.Of(nil, failure.Hyperd))
}

func TestDecodeFindsWhatEncodeCarriedThroughText(t *testing.T) {
	for _, message := range []string{"plain", "with \"quotes\" and \\ and\nnew lines", "čárka ✓ \x00", ""} {
		sent := failure.New(failure.Hyperd, "%s", message).WithHint("try %q", "this").Retryable()
		text := fmt.Sprintf("job failed:\n\tbundle 7: %v\n\tcaused by \"other\" text", failure.Encode(sent, failure.Engine))

		got, ok := failure.Decode(text)
		require.True(t, ok, message)
		assert.Equal(t, sent.Message, got.Message)
		assert.Equal(t, sent.Hint, got.Hint)
		assert.Equal(t, sent.Kind, got.Kind)
		assert.True(t, got.Retry)
		assert.False(t, got.Early)
	}
}

// passing is an error that says of itself whether it may pass.
type passing bool

func (p passing) Error() string   { return "passing" }
func (p passing) Transient() bool { return bool(p) }

func TestATransientCauseMakesAFailureRetryable(t *testing.T) {
	for _, may := range []bool{true, false} {
		cause := fmt.Errorf("upload: %w", passing(may))
		made := failure.New(failure.Storage, "stage it: %w", cause)
		assert.Equal(t, may, made.Retry)
		assert.Equal(t, may, failure.Of(cause, failure.Storage).Retry)
		assert.Equal(t, may, failure.New(failure.Engine, "the job failed: %w", made).Retry)
	}
	assert.False(t, failure.New(failure.Data, "row 7 is odd").Retry)
}

func TestDecodeRefusesOtherText(t *testing.T) {
	for _, text := range []string{"", "job failed", `hyperlake-failure:"{"`, `hyperlake-failure:"unended`} {
		_, ok := failure.Decode(text)
		assert.False(t, ok, text)
	}
	assert.NoError(t, failure.Encode(nil, failure.Engine))
}

func TestWhatIsWrongWithACommandIsKnownEarly(t *testing.T) {
	t.Parallel()
	assert.True(t, failure.New(failure.Usage, "a").Early)
	assert.True(t, failure.Of(errors.New("a"), failure.Config).Early)
	assert.False(t, failure.New(failure.Source, "a").Early)
	assert.True(t, failure.New(failure.Source, "a").BeforeData().Early)
}

func TestJoinTellsAll(t *testing.T) {
	t.Parallel()
	assert.NoError(t, failure.Join(failure.Config))
	assert.NoError(t, failure.Join(failure.Config, nil, nil))
	a := failure.New(failure.Config, "a").WithHint("mend a")
	bc := failure.Join(failure.Engine, failure.New(failure.Source, "b").BeforeData(), nil, errors.New("c"))
	joined := failure.Of(failure.Join(failure.Config, nil, a, bc), failure.Engine)
	assert.Equal(t, "a; mend a", joined.Sentence())
	require.Len(t, joined.More, 2)
	assert.Equal(t, failure.Source, joined.More[0].Kind)
	assert.Equal(t, "c", joined.More[1].Sentence())
	assert.Empty(t, joined.More[0].More)
	assert.False(t, joined.Early, "c is not known early")
	assert.Empty(t, a.More, "what was joined stays as it was")

	wrapped := failure.Of(fmt.Errorf("table t: %w", joined), failure.Engine)
	assert.Equal(t, "table t: a", wrapped.Message)
	assert.Len(t, wrapped.More, 2)
}

// lacking is an error that says of itself whether it is about the environment of the process.
type lacking bool

func (l lacking) Error() string       { return "lacking" }
func (l lacking) OfEnvironment() bool { return bool(l) }

func TestWhatTheEnvironmentLacksIsKnownElsewhere(t *testing.T) {
	for _, lacks := range []bool{true, false} {
		made := failure.New(failure.Source, "file a: %w", fmt.Errorf("read: %w", lacking(lacks)))
		assert.Equal(t, lacks, made.Environment)
		assert.Equal(t, lacks, failure.New(failure.Engine, "the job failed: %w", made).Environment)
		arrived, ok := failure.Decode(failure.Encode(made, failure.Engine).Error())
		require.True(t, ok)
		assert.Equal(t, lacks, arrived.Environment)
	}
}

func TestAFullDiskDoesNotPass(t *testing.T) {
	for name, made := range map[string]*failure.Error{
		"by its cause":    failure.New(failure.Storage, "write a: %w", syscall.ENOSPC).Retryable(),
		"as it was found": failure.Of(fmt.Errorf("write a: %w", syscall.ENOSPC), failure.Storage).Retryable(),
		"by its words":    failure.New(failure.Hyperd, "hyperd is gone").Retryable().OnFullDisk().Retryable(),
		"with more words": failure.New(failure.Engine, "the job failed: %w", failure.New(failure.Hyperd, "hyperd is gone").OnFullDisk()).Retryable(),
	} {
		assert.True(t, made.Full, name)
		assert.False(t, made.Retry, name)
		assert.True(t, failure.IsFull(fmt.Errorf("more: %w", made)), name)
		arrived, ok := failure.Decode(failure.Encode(made, failure.Engine).Error())
		require.True(t, ok)
		assert.True(t, arrived.Full, name)
	}
	assert.False(t, failure.IsFull(failure.New(failure.Storage, "write a: %w", fs.ErrPermission)))
}
