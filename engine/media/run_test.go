//go:build !cuda

package media

import "testing"

func runTests(m *testing.M) int { return m.Run() }
