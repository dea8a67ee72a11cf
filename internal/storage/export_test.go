package storage

var WithoutGroup = withoutGroup

// WithPages has a store of Azure ask for that many blobs in one answer.
func WithPages(store *Objects, most int32) *Objects {
	store.service.(*azure).mostListed = &most
	return store
}
