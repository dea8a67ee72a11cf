package storage

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// waiting sends a request again that met what may pass. It is not the library's policy, which counts tries and does not know of time.
type waiting struct{ retry Retry }

// aliveKey is that of a function in a context, which is called at each answer that asks to wait.
type aliveKey struct{}

// Do implements policy.Policy.
func (w waiting) Do(request *policy.Request) (*http.Response, error) {
	ctx := request.Raw().Context()
	alive, reads := ctx.Value(aliveKey{}).(func())
	return w.retry.waitOut(ctx, alive, func() (*http.Response, error) {
		if err := request.RewindBody(); err != nil {
			return nil, err
		}
		return w.try(request, reads)
	})
}

// try sends a request once. What is answered at once must not be silent for long; who reads or writes much looks after that himself.
func (w waiting) try(request *policy.Request, reads bool) (*http.Response, error) {
	send := func(ctx context.Context) (*http.Response, error) {
		response, err := request.Clone(ctx).Next()
		return response, withoutURL(err)
	}
	if ctx := request.Raw().Context(); reads || request.Raw().Method == http.MethodPut {
		return send(ctx)
	}
	return w.retry.unlessSilent(request.Raw().Context(), send)
}
