package double

import (
	"math"
	"math/big"
	"testing"
)

var fractions = floats(0, math.Copysign(0, -1), 1, -1, 0.1, 2.5, -2.5, 3.5, 65504, 65520, 6e-8, 1e-40, 16777217,
	2147483648, -2147483648, 4294967296, 1e19, -1e19, 3.4e38, math.Inf(1), math.Inf(-1), math.NaN())

// clamp32 is how a GPU makes an integer of a float.
func clamp(v, low, high float64) float64 {
	if v != v {
		return 0
	}
	return min(max(v, low), high)
}

// nearestHalf is the half next to v, ties to even, by trying all of them.
func nearestHalf(v float32) uint16 {
	sign := uint16(0)
	if math.Signbit(float64(v)) {
		sign, v = 0x8000, -v
	}
	value := func(h uint16) float64 {
		e, m := int(h>>10), float64(h&1023)
		if e == 0 {
			return math.Ldexp(m, -24)
		}
		return math.Ldexp(m+1024, e-25)
	}
	switch {
	case v != v:
		return 0x7fff
	case float64(v) >= 65520:
		return sign | 0x7c00
	}
	h := uint16(0)
	for value(h+1) <= float64(v) {
		h++
	}
	low, high := float64(v)-value(h), value(h+1)-float64(v)
	if high < low || high == low && h&1 == 1 {
		h++
	}
	return sign | h
}

func TestFloats(t *testing.T) {
	checkAll(t, []operation{
		inF32("add", "add.rn.f32 %f20, %f10, %f11;", func(x, y, z float32) float32 { return x + y }),
		inF32("sub", "sub.rn.f32 %f20, %f10, %f11;", func(x, y, z float32) float32 { return x - y }),
		inF32("mul, then add, not contracted", "mul.rn.f32 %f13, %f10, %f11; add.rn.f32 %f20, %f13, %f12;",
			func(x, y, z float32) float32 { return float32(x*y) + z }),
		inF32("div", "div.rn.f32 %f20, %f10, %f11;", func(x, y, z float32) float32 { return x / y }),
		inF32("rcp", "rcp.rn.f32 %f20, %f10;", func(x, y, z float32) float32 { return 1 / x }),
		inF32("sqrt", "sqrt.rn.f32 %f20, %f10;", func(x, y, z float32) float32 { return float32(math.Sqrt(float64(x))) }),
		inF32("fma", "fma.rn.f32 %f20, %f10, %f11, %f12;", fma32),
		inF32("min", "min.f32 %f20, %f10, %f11;", func(x, y, z float32) float32 { return float32(lesser(float64(x), float64(y), math.Min)) }),
		inF32("max", "max.f32 %f20, %f10, %f11;", func(x, y, z float32) float32 { return float32(lesser(float64(x), float64(y), math.Max)) }),
		inF32("selp", "setp.gt.f32 %p2, %f10, %f11; selp.f32 %f20, %f10, 0f40490FDB, %p2;", func(x, y, z float32) float32 {
			if x > y {
				return x
			}
			return math.Pi
		}),
		in32("abs and neg", "abs.f32 %f13, %f10; neg.f32 %f20, %f13; mov.b32 %r20, %f20;", func(x, y, z uint32) uint32 { return x | 1<<31 }),
		in32("setp.ltu", "setp.ltu.f32 %p2, %f10, %f11; selp.u32 %r20, 1, 0, %p2;", func(x, y, z uint32) uint32 {
			return truth(!(math.Float32frombits(x) >= math.Float32frombits(y)))
		}),
		in32("setp.ne is false for a NaN", "setp.ne.f32 %p2, %f10, %f11; selp.u32 %r20, 1, 0, %p2;", func(x, y, z uint32) uint32 {
			a, b := math.Float32frombits(x), math.Float32frombits(y)
			return truth(a < b || a > b)
		}),
		in32("setp.nan", "setp.nan.f32 %p2, %f10, %f11; selp.u32 %r20, 1, 0, %p2;", func(x, y, z uint32) uint32 {
			a, b := math.Float32frombits(x), math.Float32frombits(y)
			return truth(a != a || b != b)
		}),
	}, fractions)
}

func fma32(x, y, z float32) float32 {
	exact := func(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
	if !exact(x) || !exact(y) || !exact(z) || x == 0 || y == 0 || z == 0 {
		return float32(math.FMA(float64(x), float64(y), float64(z))) // nothing to round
	}
	f := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	sum := new(big.Float).SetPrec(1000).Mul(f(x), f(y))
	v, _ := sum.Add(sum, f(z)).Float32()
	return v
}

// lesser is of two floats the one that f chooses; a NaN loses.
func lesser(x, y float64, f func(x, y float64) float64) float64 {
	switch {
	case x != x:
		return y
	case y != y:
		return x
	}
	return f(x, y)
}

func TestFloatConversions(t *testing.T) {
	float := func(f func(v float64) uint32) func(x, y, z uint32) uint32 {
		return func(x, y, z uint32) uint32 { return f(float64(math.Float32frombits(x))) }
	}
	checkAll(t, []operation{
		in32("rzi.s32", "cvt.rzi.s32.f32 %r20, %f10;", float(func(v float64) uint32 { return uint32(int32(clamp(v, math.MinInt32, math.MaxInt32))) })),
		in32("rni.u32", "cvt.rni.u32.f32 %r20, %f10;", float(func(v float64) uint32 { return uint32(math.RoundToEven(clamp(v, 0, math.MaxUint32))) })),
		in32("rmi.s32", "cvt.rmi.s32.f32 %r20, %f10;",
			float(func(v float64) uint32 { return uint32(int32(math.Floor(clamp(v, math.MinInt32, math.MaxInt32)))) })),
		in32("rpi.u8", "cvt.rpi.u8.f32 %r20, %f10;", float(func(v float64) uint32 { return uint32(math.Ceil(clamp(v, 0, 255))) })),
		in32("rn.f16 as a number tried out", "cvt.rn.f16.f32 %rs20, %f10; cvt.u32.u16 %r20, %rs20;",
			func(x, y, z uint32) uint32 { return uint32(nearestHalf(math.Float32frombits(x))) }),
		inF32("rzi.f32", "cvt.rzi.f32.f32 %f20, %f10;", func(x, y, z float32) float32 { return float32(math.Trunc(float64(x))) }),
		inF32("to double and back", "cvt.f64.f32 %fd20, %f10; mul.rn.f64 %fd21, %fd20, 0d3FF8000000000000; cvt.rn.f32.f64 %f20, %fd21;",
			func(x, y, z float32) float32 { return float32(float64(x) * 1.5) }),
	}, fractions)
	checkAll(t, []operation{
		in32("rn.f32.s32", "cvt.rn.f32.s32 %f20, %r10; mov.b32 %r20, %f20;",
			func(x, y, z uint32) uint32 { return math.Float32bits(float32(int32(x))) }),
		in32("rn.f32.u8", "cvt.rn.f32.u8 %f20, %r10; mov.b32 %r20, %f20;",
			func(x, y, z uint32) uint32 { return math.Float32bits(float32(uint8(x))) }),
		{"rn.f32.u64", "cvt.rn.f32.u64 %f20, %rd10; mov.b32 %r20, %f20; cvt.u64.u32 %rd20, %r20;", func(x, y, z uint64) uint64 {
			v, _ := new(big.Float).SetInt(new(big.Int).SetUint64(x)).Float32()
			return uint64(math.Float32bits(v))
		}},
		{"rn.f64.s64", "cvt.rn.f64.s64 %fd20, %rd10; mov.b64 %rd20, %fd20;",
			func(x, y, z uint64) uint64 { return math.Float64bits(float64(int64(x))) }},
	}, integers)
}
