#include "textflag.h"

// func dot(a, b []float32) float32
TEXT ·dot(SB), NOSPLIT, $0-52
	MOVQ a_base+0(FP), SI
	MOVQ a_len+8(FP), CX
	MOVQ b_base+24(FP), DI
	MOVQ b_len+32(FP), DX
	CMPQ DX, CX
	CMOVQLT DX, CX // the shorter one
	XORPS X0, X0   // lanes 0 to 3
	XORPS X1, X1   // lanes 4 to 7
	MOVQ CX, BX
	SHRQ $3, BX
	JZ   rest

eight:
	MOVUPS (SI), X2
	MOVUPS (DI), X3
	MOVUPS 16(SI), X4
	MOVUPS 16(DI), X5
	MULPS  X3, X2
	MULPS  X5, X4
	ADDPS  X2, X0
	ADDPS  X4, X1
	ADDQ   $32, SI
	ADDQ   $32, DI
	DECQ   BX
	JNZ    eight

rest:
	ANDQ $7, CX
	JZ   lanes

one: // to lane 0
	MOVSS (SI), X2
	MULSS (DI), X2
	ADDSS X2, X0
	ADDQ  $4, SI
	ADDQ  $4, DI
	DECQ  CX
	JNZ   one

lanes:
	ADDPS  X1, X0
	MOVAPS X0, X1
	SHUFPS $0xb1, X1, X1
	ADDPS  X1, X0
	MOVAPS X0, X1
	SHUFPS $0x4e, X1, X1
	ADDSS  X1, X0
	MOVSS  X0, ret+48(FP)
	RET
