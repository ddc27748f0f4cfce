package double

import (
	"slices"
	"testing"
)

func TestLoadsAndStores(t *testing.T) {
	checkAll(t, []operation{
		in32("ld.s8", "ld.global.s8 %r20, [%rd6+1];", func(x, y, z uint32) uint32 { return uint32(int32(int8(x >> 8))) }),
		in32("ld.u16", "ld.global.u16 %r20, [%rd6+2];", func(x, y, z uint32) uint32 { return x >> 16 }),
		in32("ld.b16 into 16 bits", "ld.global.b16 %rs20, [%rd6+8]; cvt.u32.u16 %r20, %rs20;", func(x, y, z uint32) uint32 { return y & 0xffff }),
		{"ld.s32 into 64 bits", "ld.global.s32 %rd20, [%rd6];", func(x, y, z uint64) uint64 { return uint64(int64(int32(x))) }},
		in32("ld without a space", "ld.u32 %r20, [%rd6];", func(x, y, z uint32) uint32 { return x }),
		in32("ld.nc", "ld.global.nc.u32 %r20, [%rd6+16];", func(x, y, z uint32) uint32 { return z }),
		{"v2", "add.s64 %rd13, %rd6, 8; ld.global.v2.u32 {%r13, %r14}, [%rd13]; mov.b64 %rd20, {%r14, %r13};",
			func(x, y, z uint64) uint64 { return y>>32 | y<<32 }},
		{"local memory", `
			.local .align 8 .b8 stack[32]; mov.u64 %rd13, stack; cvta.local.u64 %rd14, %rd13;
			st.local.u64 [%rd13+8], %rd10; st.v2.u32 [%rd14+16], {%r11, %r12}; st.u8 [%rd14+8], %r12;
			ld.u64 %rd15, [%rd14+16]; ld.local.u64 %rd16, [stack+8]; xor.b64 %rd20, %rd15, %rd16;`,
			func(x, y, z uint64) uint64 { return (y&0xffffffff | z<<32) ^ (x&^255 | z&255) }},
		{"shared memory", `
			.shared .align 8 .b8 all[768]; mov.u64 %rd13, all; mul.wide.u32 %rd14, %r3, 8; add.s64 %rd15, %rd13, %rd14;
			st.shared.u64 [%rd15], %rd10; ld.shared.u32 %r13, [%rd15+4]; cvt.u64.u32 %rd20, %r13;`,
			func(x, y, z uint64) uint64 { return x >> 32 }},
		{"st of the low byte of a wide register", "st.global.u64 [%rd6], %rd11; st.global.u8 [%rd6], %rd12; ld.global.u64 %rd20, [%rd6];",
			func(x, y, z uint64) uint64 { return y&^255 | z&255 }},
	}, integers)
}

func TestVariablesOfTheModule(t *testing.T) {
	ptx := header + `
.const .align 4 .u32 fixed[4] = {10, 20, 30, 40};
.visible .global .align 4 .u32 state = 7;
.visible .entry t(.param .u64 t_out)
{` + registers + `
	ld.param.u64 %rd1, [t_out];
	ld.const.u32 %r1, [fixed+8];
	mov.u64 %rd2, state;
	ld.global.u32 %r2, [%rd2];
	add.s32 %r3, %r1, %r2;
	st.global.u32 [state], %r3;
	ld.global.u32 %r4, [state];
	st.global.u32 [%rd1], %r4;
	ret;
}`
	g := openGPU(t)
	m, r, log := g.load(ptx)
	if r != 0 {
		t.Fatal(log)
	}
	var f, state, size uintptr
	g.do("cuModuleGetFunction", word(&f), m, word(&[]byte("t\x00")[0]))
	g.do("cuModuleGetGlobal_v2", word(&state), word(&size), m, word(&[]byte("state\x00")[0]))
	out := g.alloc(4)
	for _, want := range []uint32{37, 67} {
		if r := g.launch(f, shape{1, 1, 1}, shape{1, 1, 1}, 0, out); r != 0 {
			t.Fatal(r)
		}
		if got := download[uint32](g, out, 1)[0]; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
		if got := download[uint32](g, state, 1)[0]; got != want || size != 4 {
			t.Errorf("state of %d bytes is %d, want %d", size, got, want)
		}
	}
}

// Shared memory whose size the launch sets lies behind all other.
func TestSharedMemoryOfTheLaunch(t *testing.T) {
	ptx := header + `
.extern .shared .align 16 .b8 tail[];
.shared .align 4 .b8 fixed[20];
.visible .entry t(.param .u64 t_out)
{` + registers + `
	ld.param.u64 %rd1, [t_out];
	mov.u64 %rd2, fixed; mov.u64 %rd3, tail;
	st.shared.u32 [%rd2+16], 5;
	st.shared.u32 [%rd3+60], 6;
	ld.shared.u32 %r1, [fixed+16];
	sub.s64 %rd4, %rd3, %rd2;
	cvt.u32.u64 %r2, %rd4;
	st.global.v2.u32 [%rd1], {%r1, %r2};
	ret;
}`
	g := openGPU(t)
	f, out, one := g.function(ptx, "t"), g.alloc(8), shape{1, 1, 1}
	g.shared = 64
	if r := g.launch(f, one, one, 0, out); r != 0 {
		t.Fatal(r)
	}
	if got := download[uint32](g, out, 2); !slices.Equal(got, []uint32{5, 32}) {
		t.Errorf("got %v", got)
	}
	g.shared = 60
	g.launch(f, one, one, 0, out)
	if r := call("cuCtxSynchronize"); r != IllegalAddress {
		t.Errorf("past its end: %d, want %d", r, IllegalAddress)
	}
}

func TestCallsOfFunctions(t *testing.T) {
	ptx := header + `
.func (.param .b32 triple_result) triple(.param .b32 triple_x)
{
	.reg .pred %p<2>; .reg .b32 %r<4>;
	ld.param.u32 %r1, [triple_x];
	setp.eq.s32 %p1, %r1, 3;
	@%p1 bra ODD;
	mul.lo.s32 %r2, %r1, 3;
	st.param.b32 [triple_result+0], %r2;
	ret;
ODD:
	mov.u32 %r2, 1000;
	st.param.b32 [triple_result+0], %r2;
	ret;
}
.visible .entry t(.param .u64 t_out)
{` + registers + `
	ld.param.u64 %rd1, [t_out];
	mov.u32 %r1, %tid.x;
	{
	.reg .b32 temp_param_reg;
	.param .b32 param0;
	st.param.b32 [param0+0], %r1;
	.param .b32 retval0;
	call.uni (retval0), triple, (param0);
	ld.param.b32 %r2, [retval0+0];
	}
	{
	.param .b32 param0;
	st.param.b32 [param0+0], %r2;
	.param .b32 retval0;
	call.uni (retval0), triple, (param0);
	ld.param.b32 %r3, [retval0+0];
	}
	mul.wide.u32 %rd2, %r1, 4;
	add.s64 %rd3, %rd1, %rd2;
	st.global.u32 [%rd3], %r3;
	ret;
}`
	if got, want := run(t, ptx, shape{1, 1, 1}, shape{5, 1, 1}, 5), []uint32{0, 1000, 18, 3000, 36}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAtomics(t *testing.T) {
	// Every thread of many blocks adds to the same cells, in global and in shared memory.
	got := run(t, whole(`
	.shared .align 4 .b8 cell[4];
	mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u64 %rd2, cell;
	setp.eq.s32 %p1, %r1, 0;
	@%p1 st.shared.u32 [%rd2], 0;
	bar.sync 0;
	red.shared.add.u32 [%rd2], 2;
	red.global.add.u32 [%rd1], %r1;
	red.global.max.u32 [%rd1+4], %r1;
	atom.global.inc.u32 %r3, [%rd1+8], 9;
	atom.add.u32 %r4, [%rd1+12], 1;
	red.global.add.f32 [%rd1+16], 0f3F800000;
	atom.global.cas.b32 %r5, [%rd1+20], 0, 77;
	red.global.or.b32 [%rd1+24], %r2;
	bar.sync 0;
	ld.shared.u32 %r6, [%rd2];
	@%p1 red.global.add.u32 [%rd1+28], %r6;`), shape{50, 1, 1}, shape{64, 1, 1}, 8)
	want := []uint32{50 * 63 * 32, 63, 0, 3200, 0x45480000, 77, 63, 50 * 128}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What a kernel must not touch ends it and all that follows in its context.
func TestIllegalAccess(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        int
	}{
		{"after the allocation", "ld.global.u32 %r1, [%rd1+400];", 700},
		{"before the allocation", "st.global.u32 [%rd1+-4], %r1;", 700},
		{"across the end", "ld.global.u64 %rd2, [%rd1+396];", 716},
		{"the last byte, twice as wide", "ld.global.u16 %r1, [%rd1+399];", 716},
		{"misaligned", "ld.global.u32 %r1, [%rd1+2];", 716},
		{"null", "mov.u64 %rd2, 0; ld.global.u32 %r1, [%rd2];", 700},
		{"generic", "add.s64 %rd2, %rd1, 512; ld.u32 %r1, [%rd2];", 700},
		{"shared", ".shared .align 4 .b8 s[8]; ld.shared.u32 %r1, [s+8];", 700},
		{"local", ".local .align 4 .b8 s[8]; mov.u64 %rd2, s; st.local.u32 [%rd2+8], %r1;", 700},
		{"an atomic", "red.global.add.u32 [%rd1+400], 1;", 700},
		{"a trap", "trap;", 719},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := openGPU(t)
			f := g.function(whole(c.lines), "t")
			out := g.alloc(400)
			if r := g.launch(f, shape{1, 1, 1}, shape{1, 1, 1}, 0, out); r != 0 {
				t.Fatalf("the launch itself gives %d", r)
			}
			if r := call("cuCtxSynchronize"); r != c.want {
				t.Errorf("waiting gives %d, want %d", r, c.want)
			}
			var p uintptr
			if r := call("cuMemAlloc_v2", word(&p), 16); r != c.want {
				t.Errorf("the next call gives %d, want %d", r, c.want)
			}
		})
	}
}
