package storage

var WithoutGroup = withoutGroup
