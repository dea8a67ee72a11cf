package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hyperlake/internal/hyperd"
)

// askForWeek asks a finished extract of lineitem for a week of shipping, several times, and
// returns the median of the seconds.
func askForWeek(ctx context.Context, path string) (float64, error) {
	lease, err := hyperd.Acquire(ctx, hyperd.Config{})
	if err != nil {
		return 0, err
	}
	defer hyperd.Shutdown()
	defer lease.Release()
	conn, err := lease.Connect(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.AttachReadOnly(ctx, path, "x"); err != nil {
		return 0, err
	}
	var seconds []float64
	for week := range 20 {
		sql := fmt.Sprintf(`SELECT sum(l_extendedprice) FROM x."Extract"."Extract" `+
			`WHERE l_shipdate BETWEEN DATE '1993-01-01' + %d AND DATE '1993-01-01' + %d`, 70*week, 70*week+6)
		started := time.Now()
		if err := conn.Query(ctx, sql, func([]hyperd.Field, [][]byte) error { return nil }); err != nil {
			return 0, err
		}
		seconds = append(seconds, time.Since(started).Seconds())
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2], nil
}
