package guard

// asItIs is storage.AsItIs, which stands above this package.
const asItIs = 0
