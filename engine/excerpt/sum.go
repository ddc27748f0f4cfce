package excerpt

// sum is the sum of the products of a and b, in eight lanes. The conversions keep
// products and sums apart: a processor that fuses them would give other bits.
func sum(a, b []float32) float32 {
	var s [8]float32
	n := min(len(a), len(b))
	i := 0
	for ; i <= n-8; i += 8 {
		x, y := a[i:i+8:i+8], b[i:i+8:i+8]
		for k := range s {
			s[k] += float32(x[k] * y[k])
		}
	}
	for ; i < n; i++ {
		s[0] += float32(a[i] * b[i])
	}
	return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}
