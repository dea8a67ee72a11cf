//go:build postgres

package ingest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/ingest/postgrestest"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	return authority{certificate, key}
}

// file is a file with the certificate of the authority.
func (a authority) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.crt")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}), 0o600))
	return path
}

// sign gives a server at 127.0.0.1 a certificate, until then.
func (a authority) sign(t *testing.T, until time.Time) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	require.NoError(t, err)
	encoded, err := x509.MarshalECPrivateKey(own)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

// TestPostgresCertificates reads by TLS, as libpq does, and refuses a server for its certificate with what to do. It has a server of its own:
// others are to have none.
func TestPostgresCertificates(t *testing.T) {
	server := postgrestest.Start(t)
	database := server.Database(t, "")
	trusted, other := newAuthority(t), newAuthority(t)
	url := func(host, options string) string {
		return fmt.Sprintf("postgres://postgres@%s:%d/%s?%s", host, server.Port, database.Name, options)
	}
	read := func(url string) error {
		t.Setenv("PGPASSWORD", postgrestest.Password)
		return readPostgres(t, url, ingest.PostgresOptions{Query: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"}, &postgresSink{})
	}
	certificate, key := trusted.sign(t, time.Now().Add(time.Hour))
	server.Certify(t, certificate, key)
	for _, c := range []struct{ url, says string }{
		{url("127.0.0.1", "sslmode=require"), ""},
		{url("localhost", "sslmode=verify-ca&sslrootcert="+trusted.file(t)), ""},
		{url("127.0.0.1", "sslmode=verify-full&sslrootcert="+trusted.file(t)), ""},
		{url("127.0.0.1", "sslmode=verify-full&sslrootcert="+other.file(t)), "certificate signed by unknown authority"},
		{url("127.0.0.1", "sslmode=verify-ca&sslrootcert="+other.file(t)), "certificate signed by unknown authority"},
		{url("127.0.0.1", "sslmode=verify-full"), "certificate signed by unknown authority"},
		{url("localhost", "sslmode=verify-full&sslrootcert="+trusted.file(t)), "localhost"},
	} {
		requireTrust(t, read(c.url), c.url, c.says)
	}
	certificate, key = trusted.sign(t, time.Now().Add(-time.Hour))
	server.Certify(t, certificate, key)
	requireTrust(t, read(url("127.0.0.1", "sslmode=verify-full&sslrootcert="+trusted.file(t))), "expired", "certificate has expired")
}

// requireTrust wants no error, or one about a certificate.
func requireTrust(t *testing.T, err error, what, says string) {
	t.Helper()
	if says == "" {
		require.NoError(t, err, what)
		return
	}
	failed := requireKind(t, err, failure.Source)
	require.ErrorContains(t, err, says, what)
	assert.True(t, failed.Early, what)
	assert.False(t, failed.Retry, what)
	assert.Contains(t, failed.Hint, "sslrootcert", what)
	assert.NotContains(t, failed.Sentence(), postgrestest.Password)
}

// testPostgresSkewed splits by columns whose values are no help: nearly all the same, among extremes; and by more connections than there
// are rows.
func testPostgresSkewed(t *testing.T, server *postgrestest.Server) {
	database := server.Database(t, "", `CREATE TABLE skewed AS SELECT CASE WHEN g % 100 = 0 THEN -g WHEN g = 7 THEN 9223372036854775807 WHEN g = 8 THEN
		-9223372036854775808 WHEN g % 1000 = 1 THEN NULL ELSE 42 END::bigint AS k, g AS n FROM generate_series(1, 100000) g`,
		"CREATE TABLE few AS SELECT g AS k, g AS n FROM generate_series(1, 3) g")
	for table, rows := range map[string]int{"skewed": 100_000, "few": 3} {
		sink := &postgresSink{}
		require.NoError(t, readPostgres(t, database.URL(), ingest.PostgresOptions{Query: "TABLE " + table, SplitBy: "k", Parallel: 8}, sink))
		seen := map[string]bool{}
		for _, row := range sink.rows {
			seen[row[1]] = true
		}
		assert.Len(t, seen, rows, table)
		assert.Len(t, sink.rows, rows, table)
	}
}
