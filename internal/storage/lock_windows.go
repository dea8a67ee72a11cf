package storage

// AsItIs are no flags: Windows has no such pipes among its files, and lets few make links.
const AsItIs = 0
