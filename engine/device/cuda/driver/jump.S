// The entry points of the driver: one jump each, through the table in driver.c.
	.section .note.GNU-stack, "", %progbits
	.text
	.set	at, 0

	.macro	jump name
	.globl	\name
	.hidden	\name
	.type	\name, %function
\name:
#if defined(__x86_64__)
	jmp	*(svc_driver_table + at)(%rip)
#elif defined(__aarch64__)
	adrp	x16, svc_driver_table + at
	ldr	x16, [x16, #:lo12:svc_driver_table + at]
	br	x16
#else
#error "no jump is written for this processor"
#endif
	.size	\name, . - \name
	.set	at, at + 8
	.endm

#define ENTRY(name) jump name
#include "entries.h"
