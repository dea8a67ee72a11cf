package main

// Rates are how fast things go: bytes a second and seconds. Those of this program were
// measured, see -measure; the others are assumptions.
type Rates struct {
	// Measured.
	Hash    float64 `json:"hash_bytes_per_second"`    // SHA-256 of a file
	Insert  float64 `json:"insert_bytes_per_second"`  // INSERT … SELECT of partials into the base
	Attach  float64 `json:"attach_seconds"`           // to open and close a partial
	Content float64 `json:"content_bytes_per_second"` // to read every row of an extract for the ledger
	Append  float64 `json:"append_seconds"`           // of the client for each append: requests, the ledger, waiting for the server's clock

	// Assumed: the network.
	Storage float64 `json:"storage_bytes_per_second"` // between a machine and the staging, each way
	Request float64 `json:"request_seconds"`          // to copy an object within the storage
	Upload  float64 `json:"upload_bytes_per_second"`  // to Tableau

	// Assumed: Tableau's side.
	ServerLoad    float64 `json:"server_load_bytes_per_second"`    // to take in a file
	ServerAppend  float64 `json:"server_append_seconds"`           // for each append, whatever its size
	ServerRewrite float64 `json:"server_rewrite_bytes_per_second"` // of what is there already, with each append; 0: nothing is
}

func defaultRates() Rates {
	return Rates{
		Hash: 500e6, Insert: 98e6, Attach: 0.03, Content: 94e6, Append: 1.6,
		Storage: 200e6, Request: 0.2, Upload: 50e6,
		ServerLoad: 100e6, ServerAppend: 5,
	}
}

// Prices are in dollars.
type Prices struct {
	Machine  float64 `json:"machine_hour"`      // a machine of 4 cores that does nothing else meanwhile
	Disk     float64 `json:"disk_gb_month"`     // of that machine
	Egress   float64 `json:"egress_gb"`         // from the cloud to Tableau
	Requests float64 `json:"thousand_requests"` // that write to the storage
}

// defaultPrices are round figures of the order of public price lists in November 2026.
func defaultPrices() Prices {
	return Prices{Machine: 0.20, Disk: 0.10, Egress: 0.10, Requests: 0.005}
}

const (
	hour  = 3600.0
	month = 730 * hour
	gb    = 1e9
)
