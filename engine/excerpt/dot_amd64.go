package excerpt

// dot is sum by SSE, to the same bits.
//
//go:noescape
func dot(a, b []float32) float32
