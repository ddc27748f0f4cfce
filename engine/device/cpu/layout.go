package cpu

// #include "cpu.h"
import "C"

import (
	"unsafe"

	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// The C structures as Go sees them; a test compares them field by field with
// the Go ones that are passed in their place.
type (
	cMeasures = C.struct_sv_measures
	cPlan     = C.struct_sv_plan
	cPicture  = C.struct_sv_picture
)

// The build fails here when a size differs.
var (
	_ [unsafe.Sizeof(frame.Measures{})]byte  = [unsafe.Sizeof(cMeasures{})]byte{}
	_ [unsafe.Sizeof(kernels.Plan{})]byte    = [unsafe.Sizeof(cPlan{})]byte{}
	_ [unsafe.Sizeof(kernels.Picture{})]byte = [unsafe.Sizeof(cPicture{})]byte{}
)
