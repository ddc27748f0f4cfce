package double

import "testing"

// How many instructions of how many kinds the interpreter runs in a second.
func BenchmarkInterpreter(b *testing.B) {
	for name, lines := range map[string]string{
		"arithmetic": "mad.lo.s32 %r5, %r5, 3, %r4; shr.u32 %r6, %r5, 3; xor.b32 %r5, %r5, %r6; add.s32 %r7, %r7, %r5;",
		"floats":     "mul.rn.f32 %f1, %f1, %f2; add.rn.f32 %f1, %f1, %f3; sub.rn.f32 %f2, %f1, %f2; cvt.rzi.s32.f32 %r5, %f1;",
		"loads":      "and.b32 %r5, %r2, 63; mul.wide.u32 %rd2, %r5, 4; add.s64 %rd3, %rd1, %rd2; ld.global.u32 %r6, [%rd3];",
		"apart": `add.s32 %r5, %r2, %r3; and.b32 %r6, %r5, 1; setp.eq.s32 %p2, %r6, 0;
			@%p2 bra E; add.s32 %r7, %r7, %r5; bra.uni M;
			E: sub.s32 %r7, %r7, %r5;
			M:`,
	} {
		b.Run(name, func(b *testing.B) {
			g := openGPU(b)
			f := g.function(whole("	mov.u32 %r3, %tid.x; mov.u32 %r2, 0;\nL: "+lines+`
			add.s32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 1000; @%p1 bra L;`), "t")
			out := g.alloc(256)
			Reset()
			for b.Loop() {
				if r := g.launch(f, shape{16, 1, 1}, shape{128, 1, 1}, 0, out); r != 0 {
					b.Fatal(r)
				}
				g.do("cuCtxSynchronize")
			}
			b.ReportMetric(float64(Counters().InstructionsOf["t"])/b.Elapsed().Seconds()/1e6, "Minstructions/s")
		})
	}
}
