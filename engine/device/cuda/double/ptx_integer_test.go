package double

import (
	"math/bits"
	"testing"
)

var integers = []uint64{0, 1, 2, 7, 31, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff}

func truth(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func div32(x, y int32) int32 {
	switch {
	case y == 0:
		return -1
	case y == -1:
		return -x
	}
	return x / y
}

func shl32(x, n uint32) uint32 { return x << n } // Go gives 0 from 32 on, as PTX does

// field is bfe of 32 bits as the manual spells it.
func field(x, pos, length uint32, signed bool) uint32 {
	pos, length = pos&255, length&255
	var sign uint32
	if signed && length > 0 {
		sign = x >> min(pos+length-1, 31) & 1
	}
	var v uint32
	for i := range uint32(32) {
		bit := sign
		if i < length && pos+i <= 31 {
			bit = x >> (pos + i) & 1
		}
		v |= bit << i
	}
	return v
}

func TestIntegers(t *testing.T) {
	checkAll(t, []operation{
		in32("add", "add.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return x + y }),
		in32("sub", "sub.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return x - y }),
		in32("an immediate", "add.s32 %r20, %r10, -5;", func(x, y, z uint32) uint32 { return x - 5 }),
		in32("mul.lo", "mul.lo.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return x * y }),
		in32("mul.hi.s32", "mul.hi.s32 %r20, %r10, %r11;",
			func(x, y, z uint32) uint32 { return uint32(int64(int32(x)) * int64(int32(y)) >> 32) }),
		in32("mul.hi.u32", "mul.hi.u32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return uint32(uint64(x) * uint64(y) >> 32) }),
		in32("mad.lo", "mad.lo.s32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 { return x*y + z }),
		in32("div.s32", "div.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return uint32(div32(int32(x), int32(y))) }),
		in32("rem.u32", "setp.eq.s32 %p2, %r11, 0; mov.u32 %r20, 9; @!%p2 rem.u32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 {
			if y == 0 {
				return 9
			}
			return x % y
		}),
		in32("min.s32", "min.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return uint32(min(int32(x), int32(y))) }),
		in32("max.u32", "max.u32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return max(x, y) }),
		in32("abs", "abs.s32 %r20, %r10;", func(x, y, z uint32) uint32 { return uint32(max(int32(x), -int32(x))) }),
		in32("neg", "neg.s32 %r20, %r10;", func(x, y, z uint32) uint32 { return -x }),
		in32("logic", "and.b32 %r13, %r10, %r11; xor.b32 %r14, %r13, %r12; not.b32 %r15, %r14; or.b32 %r20, %r15, %r10;",
			func(x, y, z uint32) uint32 { return ^(x&y ^ z) | x }),
		in32("shl", "shl.b32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return shl32(x, y) }),
		in32("shr.u32", "shr.u32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return x >> y }),
		in32("shr.s32", "shr.s32 %r20, %r10, %r11;", func(x, y, z uint32) uint32 { return uint32(int32(x) >> y) }),
		in32("shf.l.wrap", "shf.l.wrap.b32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 {
			return uint32((uint64(y)<<32 | uint64(x)) << (z & 31) >> 32)
		}),
		in32("shf.r.clamp", "shf.r.clamp.b32 %r20, %r10, %r11, %r12;",
			func(x, y, z uint32) uint32 { return uint32((uint64(y)<<32 | uint64(x)) >> min(z, 32)) }),
		in32("bfe.u32", "bfe.u32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 { return field(x, y, z, false) }),
		in32("bfe.s32", "bfe.s32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 { return field(x, y, z, true) }),
		in32("bfi", "bfi.b32 %r20, %r10, %r11, 5, 9;", func(x, y, z uint32) uint32 { return y&^(511<<5) | x&511<<5 }),
		in32("prmt", "prmt.b32 %r20, %r10, %r11, 0x9247;", func(x, y, z uint32) uint32 {
			return y>>24 | y&255<<8 | x>>16&255<<16 | uint32(int32(x<<16)>>31)<<24
		}),
		in32("lop3", "lop3.b32 %r20, %r10, %r11, %r12, 0xca;", func(x, y, z uint32) uint32 { return x&y | ^x&z }),
		in32("popc", "popc.b32 %r20, %r10;", func(x, y, z uint32) uint32 { return uint32(bits.OnesCount32(x)) }),
		in32("clz", "clz.b32 %r20, %r10;", func(x, y, z uint32) uint32 { return uint32(bits.LeadingZeros32(x)) }),
		in32("brev", "brev.b32 %r20, %r10;", func(x, y, z uint32) uint32 { return bits.Reverse32(x) }),
		in32("bfind.s32", "bfind.s32 %r20, %r10;", func(x, y, z uint32) uint32 { return uint32(bits.Len32(x^uint32(int32(x)>>31)) - 1) }),
		in32("sad", "sad.s32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 {
			return z + uint32(max(int64(int32(x)), int64(int32(y)))-min(int64(int32(x)), int64(int32(y))))
		}),
		in32("dp4a.u32.s32", "dp4a.u32.s32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 {
			for k := 0; k < 32; k += 8 {
				z += uint32(int32(uint8(x>>k)) * int32(int8(y>>k)))
			}
			return z
		}),
		in32("vabsdiff4", "vabsdiff4.u32.u32.u32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) (v uint32) {
			for k := 0; k < 32; k += 8 {
				v |= uint32(max(uint8(x>>k), uint8(y>>k))-min(uint8(x>>k), uint8(y>>k))) << k
			}
			return v
		}),
		in32("16 bits", "mul.lo.s16 %rs20, %rs10, %rs11; shr.s16 %rs21, %rs20, 3; add.s16 %rs22, %rs21, %rs12; cvt.u32.u16 %r20, %rs22;",
			func(x, y, z uint32) uint32 {
				return uint32(uint16(int16(x)*int16(y)>>3 + int16(z)))
			}),
		{"64 bits", "mul.lo.s64 %rd13, %rd10, %rd11; sub.s64 %rd14, %rd13, %rd12; shr.s64 %rd20, %rd14, 3;",
			func(x, y, z uint64) uint64 { return uint64(int64(x*y-z) >> 3) }},
		{"mul.hi.u64", "mul.hi.u64 %rd20, %rd10, %rd11;", func(x, y, z uint64) uint64 { hi, _ := bits.Mul64(x, y); return hi }},
		{"div.u64", "div.u64 %rd20, %rd10, %rd11;", func(x, y, z uint64) uint64 {
			if y == 0 {
				return ^uint64(0)
			}
			return x / y
		}},
		{"mul.wide.s32", "mul.wide.s32 %rd20, %r10, %r11;", func(x, y, z uint64) uint64 { return uint64(int64(int32(x)) * int64(int32(y))) }},
		{"mad.wide.u32", "mad.wide.u32 %rd20, %r10, %r11, %rd12;",
			func(x, y, z uint64) uint64 { return uint64(uint32(x))*uint64(uint32(y)) + z }},
		{"pack and unpack", "mov.b64 {%r13, %r14}, %rd10; mov.b64 %rd20, {%r14, %r13};", func(x, y, z uint64) uint64 { return x>>32 | x<<32 }},
	}, integers)
}

func TestComparisons(t *testing.T) {
	checkAll(t, []operation{
		in32("setp.lt.s32", "setp.lt.s32 %p2, %r10, %r11; selp.u32 %r20, 1, 0, %p2;",
			func(x, y, z uint32) uint32 { return truth(int32(x) < int32(y)) }),
		in32("setp.hi.u32", "setp.hi.u32 %p2, %r10, %r11; selp.u32 %r20, 1, 0, %p2;", func(x, y, z uint32) uint32 { return truth(x > y) }),
		in32("setp with a boolean", "setp.eq.s32 %p2, %r12, 1; setp.ne.or.b32 %p3, %r10, %r11, !%p2; selp.u32 %r20, 1, 0, %p3;",
			func(x, y, z uint32) uint32 { return truth(x != y || z != 1) }),
		in32("setp with two results", `setp.le.u32 %p2|%p3, %r10, %r11; selp.u32 %r13, 1, 0, %p2; selp.u32 %r14, 2, 0, %p3;
			add.s32 %r20, %r13, %r14;`,
			func(x, y, z uint32) uint32 {
				return 2 - truth(x <= y)
			}),
		in32("predicates", `setp.gt.u32 %p2, %r10, %r11; setp.gt.u32 %p3, %r11, %r12; xor.pred %p4, %p2, %p3; not.pred %p5, %p4;
			and.pred %p6, %p5, %p2; or.pred %p7, %p6, %p3; selp.u32 %r20, 1, 0, %p7;`,
			func(x, y, z uint32) uint32 { return truth((x > y) == (y > z) && x > y || y > z) }),
		in32("mov.pred", "mov.pred %p2, 1; setp.gt.u32 %p3, %r10, %r11; @%p3 mov.pred %p2, 0; selp.u32 %r20, 1, 0, %p2;",
			func(x, y, z uint32) uint32 { return truth(x <= y) }),
		{"setp.ge.s64", "setp.ge.s64 %p2, %rd10, %rd11; selp.b64 %rd20, %rd12, 5, %p2;", func(x, y, z uint64) uint64 {
			if int64(x) >= int64(y) {
				return z
			}
			return 5
		}},
		in32("slct", "slct.u32.s32 %r20, %r10, %r11, %r12;", func(x, y, z uint32) uint32 {
			if int32(z) >= 0 {
				return x
			}
			return y
		}),
	}, integers)
}

func TestIntegerConversions(t *testing.T) {
	checkAll(t, []operation{
		{"s64 of s32", "cvt.s64.s32 %rd20, %r10;", func(x, y, z uint64) uint64 { return uint64(int64(int32(x))) }},
		{"u64 of u16", "cvt.u64.u16 %rd20, %rs10;", func(x, y, z uint64) uint64 { return uint64(uint16(x)) }},
		in32("s32 of s8", "cvt.s32.s8 %r20, %r10;", func(x, y, z uint32) uint32 { return uint32(int32(int8(x))) }),
		in32("s16 of s8 in a wider register", "cvt.s16.s8 %r20, %rs10;", func(x, y, z uint32) uint32 { return uint32(int32(int8(x))) }),
		in32("u8 of u64", "cvt.u8.u64 %r20, %rd10;", func(x, y, z uint32) uint32 { return x & 255 }),
		in32("u16 of u32 and back", "cvt.u16.u32 %rs20, %r10; cvt.s32.s16 %r20, %rs20;",
			func(x, y, z uint32) uint32 { return uint32(int32(int16(x))) }),
	}, integers)
}
