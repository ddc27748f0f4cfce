package double

import (
	"slices"
	"strings"
	"testing"
)

func replace(lines, barrier string) string { return strings.Replace(lines, "BARRIER", barrier, 1) }

// lanes runs lines for n threads of one block; they make %r20 of %r1, the thread's
// number, and the result is a word of each.
func lanes(t *testing.T, n int, lines string) []uint32 {
	t.Helper()
	return run(t, whole("\tmov.u32 %r1, %tid.x;\n"+lines+`
	mul.wide.u32 %rd30, %r1, 4;
	add.s64 %rd31, %rd1, %rd30;
	st.global.u32 [%rd31], %r20;`), shape{1, 1, 1}, shape{n, 1, 1}, n)
}

func words(n int, f func(i uint32) uint32) []uint32 {
	w := make([]uint32, n)
	for i := range w {
		w[i] = f(uint32(i))
	}
	return w
}

func TestWarps(t *testing.T) {
	const all = "0xffffffff"
	for _, c := range []struct {
		name  string
		n     int
		lines string
		want  func(i uint32) uint32
	}{
		{"bfly", 64, "mul.lo.s32 %r2, %r1, 3; shfl.sync.bfly.b32 %r20, %r2, 5, 31, " + all + ";", func(i uint32) uint32 { return (i ^ 5) * 3 }},
		{"down, and past the end its own", 32, "shfl.sync.down.b32 %r20|%p1, %r1, 4, 31, " + all + "; @!%p1 add.s32 %r20, %r20, 100;",
			func(i uint32) uint32 {
				if i+4 > 31 {
					return i + 100
				}
				return i + 4
			}},
		{"up", 32, "shfl.sync.up.b32 %r20, %r1, 1, 0, " + all + ";", func(i uint32) uint32 { return max(i, 1) - 1 }},
		{"idx in segments of 8", 32, "shfl.sync.idx.b32 %r20, %r1, 2, 0x181f, " + all + ";", func(i uint32) uint32 { return i&^7 + 2 }},
		{"from a lane that is not there", 20, "shfl.sync.idx.b32 %r20, %r1, 25, 31, 0xfffff;", func(i uint32) uint32 { return 0xcdcdcdcd }},
		{"after lanes went apart", 32, `and.b32 %r2, %r1, 1; setp.eq.s32 %p1, %r2, 0;
			@%p1 bra EVEN; mul.lo.s32 %r3, %r1, 10; bra.uni MEET;
		EVEN: add.s32 %r3, %r1, 7;
		MEET: shfl.sync.bfly.b32 %r20, %r3, 1, 31, ` + all + `;`, func(i uint32) uint32 {
			if i%2 == 0 {
				return (i + 1) * 10
			}
			return i - 1 + 7
		}},
		{"of half of a warp", 32, `setp.gt.u32 %p1, %r1, 15; mov.u32 %r20, 0;
			@%p1 bra AWAY; shfl.sync.bfly.b32 %r20, %r1, 8, 31, 0xffff;
		AWAY:`, func(i uint32) uint32 {
			if i > 15 {
				return 0
			}
			return i ^ 8
		}},
		{"without lanes that have ended", 32, `setp.lt.u32 %p1, %r1, 4; @%p1 ret;
			shfl.sync.idx.b32 %r20, %r1, 6, 31, ` + all + `;`, func(i uint32) uint32 {
			if i < 4 {
				return 0
			}
			return 6
		}},
		{"ballot", 40, `setp.gt.u32 %p1, %r1, 29; setp.lt.u32 %p2, %r1, 32; mov.u32 %r2, 0xff;
			selp.b32 %r3, 0xffffffff, %r2, %p2; vote.sync.ballot.b32 %r20, %p1, %r3;`,
			func(i uint32) uint32 {
				if i > 31 {
					return 0xff
				}
				return 3 << 30
			}},
		{"any, all, uni", 32, `setp.eq.s32 %p1, %r1, 3; vote.sync.any.pred %p2, %p1, 0xffffffff;
			vote.sync.all.pred %p3, %p1, 0xffffffff; vote.sync.uni.pred %p4, !%p1, 0xffffffff;
			selp.u32 %r2, 1, 0, %p2; selp.u32 %r3, 2, 0, %p3; selp.u32 %r4, 4, 0, %p4; or.b32 %r5, %r2, %r3;
			or.b32 %r20, %r5, %r4;`,
			func(uint32) uint32 { return 1 }},
		{"match", 32, "and.b32 %r2, %r1, 3; match.any.sync.b32 %r20, %r2, " + all + ";", func(i uint32) uint32 { return 0x11111111 << (i & 3) }},
		{"active lanes", 32, "mov.u32 %r20, 0; setp.lt.u32 %p1, %r1, 5; @!%p1 bra AWAY; activemask.b32 %r20;\nAWAY:", func(i uint32) uint32 {
			if i < 5 {
				return 31
			}
			return 0
		}},
		{"special registers", 40, `mov.u32 %r2, %laneid; mov.u32 %r3, %lanemask_lt; mov.u32 %r4, %warpid; xor.b32 %r5, %r2, %r3;
			mad.lo.s32 %r20, %r4, 7, %r5;`,
			func(i uint32) uint32 { return i/32*7 + (i%32 ^ (1<<(i%32) - 1)) }},
		{"loops of different lengths", 48, `mov.u32 %r20, 0; mov.u32 %r2, 0;
		LOOP: setp.gt.u32 %p1, %r2, %r1; @%p1 bra OUT; add.s32 %r20, %r20, %r2; add.s32 %r2, %r2, 1; bra.uni LOOP;
		OUT:`, func(i uint32) uint32 { return i * (i + 1) / 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := lanes(t, c.n, c.lines), words(c.n, c.want); !slices.Equal(got, want) {
				t.Errorf("got  %d\nwant %d", got, want)
			}
		})
	}
}

const reverse = `
	.shared .align 4 .b8 s[1024]; mov.u64 %rd2, s;
	mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3; st.shared.u32 [%rd4], %r1;
	BARRIER
	mov.u32 %r2, 255; sub.s32 %r3, %r2, %r1; mul.wide.u32 %rd5, %r3, 4; add.s64 %rd6, %rd2, %rd5; ld.shared.u32 %r20, [%rd6];`

func TestBarriers(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        func(i uint32) uint32
	}{
		{"bar.sync", replace(reverse, "bar.sync 0;"), func(i uint32) uint32 { return 255 - i }},
		{"half of the threads come by another way", replace(reverse, `
			and.b32 %r4, %r1, 1; setp.eq.s32 %p1, %r4, 0; @%p1 bra B; add.s32 %r5, %r4, 1;
		B: bar.sync 0;`), func(i uint32) uint32 { return 255 - i }},
		{"bar.red", `setp.gt.u32 %p1, %r1, 200; bar.red.popc.u32 %r2, 0, %p1; bar.red.and.pred %p2, 0, %p1;
			bar.red.or.pred %p3, 0, !%p1; selp.u32 %r3, 1000, 0, %p2; selp.u32 %r4, 500, 0, %p3;
			add.s32 %r5, %r2, %r3; add.s32 %r20, %r5, %r4;`,
			func(uint32) uint32 { return 555 }},
		{"threads that have ended are not waited for", "setp.gt.u32 %p1, %r1, 99; @%p1 ret; mov.u32 %r20, 1; bar.sync 0;",
			func(i uint32) uint32 { return truth(i < 100) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := lanes(t, 256, c.lines), words(256, c.want); !slices.Equal(got, want) {
				t.Errorf("got  %d\nwant %d", got, want)
			}
		})
	}
}

// Two threads that touch a byte of shared memory without a barrier between are an
// error even where, one after the other, they would get it right.
func TestRacesInSharedMemory(t *testing.T) {
	// %rd4 is this thread's word, %rd6 its neighbour's.
	const pair = `
		.shared .align 4 .b8 s[1024]; mov.u64 %rd2, s;
		mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3;
		xor.b32 %r2, %r1, 1; mul.wide.u32 %rd5, %r2, 4; add.s64 %rd6, %rd2, %rd5;
	`
	for _, c := range []struct {
		name, lines string
		races       bool
	}{
		{"no barrier", replace(reverse, ""), true},
		{"a barrier", replace(reverse, "bar.sync 0;"), false},
		{"a barrier of warps is too little", replace(reverse, "bar.warp.sync 0xffffffff;"), true},
		{"neighbours without a barrier", pair + "st.shared.u32 [%rd4], %r1; ld.shared.u32 %r20, [%rd6];", true},
		{"neighbours with a shuffle", pair + "st.shared.u32 [%rd4], %r1; shfl.sync.bfly.b32 %r5, %r1, 1, 31, 0xffffffff; ld.shared.u32 %r20, [%rd6];", true},
		{"neighbours with a barrier of warps", pair + "st.shared.u32 [%rd4], %r1; bar.warp.sync 0xffffffff; ld.shared.u32 %r20, [%rd6];", false},
		{"a write after reads of others", pair + "st.shared.u32 [%rd4], %r1; bar.sync 0; ld.shared.u32 %r20, [%rd6]; st.shared.u32 [%rd4], %r1;", true},
		{"a write after a read of its own", pair + "st.shared.u32 [%rd4], %r1; ld.shared.u32 %r20, [%rd4]; st.shared.u32 [%rd4], %r20;", false},
		{"bytes of one word", `.shared .align 4 .b8 s[1024]; mov.u64 %rd2, s; cvt.u64.u32 %rd3, %r1; add.s64 %rd4, %rd2, %rd3;
			st.shared.u8 [%rd4], %r1; ld.shared.u8 %r20, [%rd4];`, false},
		{"one store of many to a place", `.shared .align 4 .b8 s[4]; setp.gt.u32 %p1, %r1, 31; @%p1 bra A;
			st.shared.u32 [s], 1;
		A: bar.sync 0; ld.shared.u32 %r20, [s];`, false},
		{"stores of several warps to a place", ".shared .align 4 .b8 s[4]; st.shared.u32 [s], 1; bar.sync 0; ld.shared.u32 %r20, [s];", true},
		{"atomics among themselves", ".shared .align 4 .b8 s[4]; red.shared.add.u32 [s], 1; bar.sync 0; ld.shared.u32 %r20, [s];", false},
		{"an atomic and a read", ".shared .align 4 .b8 s[4]; red.shared.add.u32 [s], 1; ld.shared.u32 %r20, [s];", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := openGPU(t)
			f := g.function(whole("mov.u32 %r1, %tid.x;"+c.lines), "t")
			if r := g.launch(f, shape{1, 1, 1}, shape{256, 1, 1}, 0, g.alloc(4)); r != 0 {
				t.Fatal(r)
			}
			want := 0
			if c.races {
				want = LaunchFailed
			}
			if r := call("cuCtxSynchronize"); r != want {
				t.Errorf("got %d, want %d", r, want)
			}
		})
	}
}

func TestThreadsThatNeverMeet(t *testing.T) {
	for name, lines := range map[string]string{
		"a shuffle that names a lane which waits elsewhere": `setp.gt.u32 %p1, %r1, 15; @%p1 bra B;
			shfl.sync.bfly.b32 %r20, %r1, 1, 31, 0xffffffff;
		B: bar.sync 0;`,
		"a lane that its mask does not name": "shfl.sync.bfly.b32 %r20, %r1, 1, 31, 0xffff;",
		"two barriers":                       "setp.gt.u32 %p1, %r1, 31; @%p1 bra B; bar.sync 0; bra.uni C;\nB: bar.sync 1;\nC:",
	} {
		t.Run(name, func(t *testing.T) {
			g := openGPU(t)
			f := g.function(whole("mov.u32 %r1, %tid.x;"+lines), "t")
			if r := g.launch(f, shape{1, 1, 1}, shape{64, 1, 1}, 0, g.alloc(4)); r != 0 {
				t.Fatal(r)
			}
			if r := call("cuCtxSynchronize"); r != LaunchFailed {
				t.Errorf("got %d, want %d", r, LaunchFailed)
			}
		})
	}
}

func TestEndlessKernel(t *testing.T) {
	g := openGPU(t)
	Set("BUDGET", "100000")
	f := g.function(whole("L: add.s32 %r1, %r1, 1; bra.uni L;"), "t")
	if r := g.launch(f, shape{1, 1, 1}, shape{1, 1, 1}, 0, g.alloc(4)); r != 0 {
		t.Fatal(r)
	}
	if r := call("cuCtxSynchronize"); r != 702 {
		t.Errorf("got %d, want 702", r)
	}
}
