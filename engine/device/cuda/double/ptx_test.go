package double

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// An operation is a few lines of PTX that make %rd20 of the inputs x, y and z, and
// what they must make. The inputs are in %rd10 to %rd12, their low halves in %r10 to
// %r12, %f10 to %f12 and, still lower, %rs10 to %rs12; doubles are in %fd10 to %fd12.
type operation struct {
	name, lines string
	want        func(x, y, z uint64) uint64
}

const header = ".version 6.3\n.target sm_75\n.address_size 64\n"

const registers = `
	.reg .pred %p<20>; .reg .b16 %rs<40>; .reg .b32 %r<40>; .reg .f32 %f<40>;
	.reg .b64 %rd<40>; .reg .f64 %fd<40>;
`

// The kernel of an operation: thread i takes inputs 3i to 3i+2 and writes output i.
func (o operation) ptx() string {
	return header + `
.visible .entry t(.param .u64 t_in, .param .u64 t_out, .param .u64 t_n)
{` + registers + `
	ld.param.u64 %rd1, [t_in];
	ld.param.u64 %rd2, [t_out];
	ld.param.u64 %rd3, [t_n];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.s32 %r4, %r1, %r2, %r3;
	cvt.u64.u32 %rd4, %r4;
	setp.ge.u64 %p1, %rd4, %rd3;
	@%p1 bra END;
	mul.lo.s64 %rd5, %rd4, 24;
	add.s64 %rd6, %rd1, %rd5;
	ld.global.u64 %rd10, [%rd6];
	ld.global.u64 %rd11, [%rd6+8];
	ld.global.u64 %rd12, [%rd6+16];
	cvt.u32.u64 %r10, %rd10; cvt.u32.u64 %r11, %rd11; cvt.u32.u64 %r12, %rd12;
	cvt.u16.u64 %rs10, %rd10; cvt.u16.u64 %rs11, %rd11; cvt.u16.u64 %rs12, %rd12;
	mov.b32 %f10, %r10; mov.b32 %f11, %r11; mov.b32 %f12, %r12;
	mov.b64 %fd10, %rd10; mov.b64 %fd11, %rd11; mov.b64 %fd12, %rd12;
	{
` + o.lines + `
	}
	shl.b64 %rd7, %rd4, 3;
	add.s64 %rd8, %rd2, %rd7;
	st.global.u64 [%rd8], %rd20;
END:
	ret;
}
`
}

// check runs an operation over all triples of the inputs, a thread each.
func (o operation) check(t *testing.T, inputs []uint64) {
	t.Helper()
	g := openGPU(t)
	var in []uint64
	for _, x := range inputs {
		for _, y := range inputs {
			for _, z := range inputs {
				in = append(in, x, y, z)
			}
		}
	}
	n := len(in) / 3
	out := g.alloc(8 * n)
	f := g.function(o.ptx(), "t")
	if r := g.launch(f, shape{(n + 95) / 96, 1, 1}, shape{96, 1, 1}, 0, upload(g, in), out, uintptr(n)); r != 0 {
		t.Fatalf("launch gives %d", r)
	}
	wrong := 0
	for i, got := range download[uint64](g, out, n) {
		x, y, z := in[3*i], in[3*i+1], in[3*i+2]
		if want := o.want(x, y, z); got != want && wrong < 5 {
			wrong++
			t.Errorf("x=%#x y=%#x z=%#x: got %#x, want %#x", x, y, z, got, want)
		}
	}
}

func checkAll(t *testing.T, operations []operation, inputs []uint64) {
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) { o.check(t, inputs) })
	}
}

// in32 makes an operation whose result is in %r20.
func in32(name, lines string, want func(x, y, z uint32) uint32) operation {
	return operation{name, lines + "\n\tcvt.u64.u32 %rd20, %r20;", func(x, y, z uint64) uint64 {
		return uint64(want(uint32(x), uint32(y), uint32(z)))
	}}
}

// inF32 makes an operation on %f10 to %f12 whose result is in %f20.
func inF32(name, lines string, want func(x, y, z float32) float32) operation {
	return in32(name, lines+"\n\tmov.b32 %r20, %f20;", func(x, y, z uint32) uint32 {
		v := want(math.Float32frombits(x), math.Float32frombits(y), math.Float32frombits(z))
		if v != v {
			return 0x7fffffff
		}
		return math.Float32bits(v)
	})
}

func floats(v ...float64) []uint64 {
	var bits []uint64
	for _, x := range v {
		bits = append(bits, uint64(math.Float32bits(float32(x))))
	}
	return bits
}

// whole wraps lines into an entry of its own with one parameter, the output.
func whole(lines string) string {
	return header + ".visible .entry t(.param .u64 t_out)\n{" + registers + "\tld.param.u64 %rd1, [t_out];\n" + lines + "\n\tret;\n}\n"
}

// run launches an entry t that writes n words of 32 bits.
func run(t *testing.T, ptx string, grid, block shape, n int) []uint32 {
	t.Helper()
	g := openGPU(t)
	out := upload(g, make([]uint32, n))
	if r := g.launch(g.function(ptx, "t"), grid, block, 0, out); r != 0 {
		t.Fatalf("launch gives %d", r)
	}
	return download[uint32](g, out, n)
}

func TestPTXThatIsRefused(t *testing.T) {
	for _, c := range []struct{ name, ptx, result, log string }{
		{"unknown instruction", whole("\tfrob.u32 %r1, %r2;"), "218", "unknown instruction frob.u32"},
		{"a sum that may be contracted", whole("\tadd.f32 %f1, %f2, %f3;"), "218", "unknown instruction add.f32"},
		{"an approximation", whole("\trcp.approx.f32 %f1, %f2;"), "218", "unknown instruction rcp.approx.f32"},
		{"width", whole("\tadd.s32 %rd1, %r2, %r3;"), "218", "register %rd1 has 64 bits"},
		{"load into what is too narrow", whole("\tld.global.u64 %r1, [%rd1];"), "218", "register %r1 has 32 bits"},
		{"too few operands", whole("\tadd.s32 %r1, %r2;"), "218", "too few operands"},
		{"too many operands", whole("\tadd.s32 %r1, %r2, %r3, %r4;"), "218", "too many operands"},
		{"no such register", whole("\tadd.s32 %r1, %r2, %r99;"), "218", "unknown register %r99"},
		{"no such label", whole("\tbra NOWHERE;"), "218", "no label NOWHERE"},
		{"no such name", whole("\tmov.u64 %rd2, nothing;"), "218", "unknown name nothing"},
		{"past the parameter", whole("\tld.param.u64 %rd2, [t_out+8];"), "218", "reaches past parameter t_out"},
		{"address of 32 bits", whole("\tld.global.u32 %r1, [%r2];"), "218", "has not 64 bits"},
		{"not PTX", "hello", "218", "not PTX"},
		{"no end", strings.TrimSuffix(whole(""), "}\n"), "218", "the end inside t"},
		{"newer than the driver", strings.Replace(whole(""), "6.3", "8.6", 1), "222", "newer than the driver"},
		{"for a newer GPU", strings.Replace(whole(""), "sm_75", "sm_90", 1), "209", "newer GPU"},
		{"a cubin", "\x7fELF....", "209", "PTX only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, r, log := openGPU(t).load(c.ptx)
			if fmt.Sprint(r) != c.result || !strings.Contains(log, c.log) {
				t.Errorf("got %d %q, want %s and %q", r, log, c.result, c.log)
			}
		})
	}
}
