package double

import "fmt"

// CUresults that faults can give.
const (
	OutOfMemory    = 2
	ECCError       = 214
	IllegalAddress = 700
	OutOfResources = 701
	LaunchFailed   = 719
)

// FailAllocation lets the n-th allocation from now on fail, of device memory or of
// pinned host memory.
func FailAllocation(n int) { Set("FAIL_ALLOC", fmt.Sprint(n)) }

// LimitMemory sets how much memory the device has; what decoders hold counts.
func LimitMemory(bytes int64) { Set("MEMORY", fmt.Sprint(bytes)) }

// FailLaunch lets the n-th launch of an entry ("*" for any) give code at once.
func FailLaunch(entry string, n, code int) {
	Set("FAIL_LAUNCH", fmt.Sprintf("%s:%d:%d", entry, n, code))
}

// FaultKernel lets the n-th launch of an entry fail when it runs, with code for that
// and every later call in the context.
func FaultKernel(entry string, n, code int) {
	Set("FAULT_KERNEL", fmt.Sprintf("%s:%d:%d", entry, n, code))
}

// LoseDevice lets the n-th call of the driver from now on find the device lost. It and
// every later call give code, until Restore.
func LoseDevice(n, code int) { Set("LOSE_DEVICE", fmt.Sprintf("%d:%d", n, code)) }

// NoDevice lets cuInit find none.
func NoDevice() { Set("NO_DEVICE", "1") }

// OldDriver makes the driver one that knows CUDA major.minor and the PTX of that time.
func OldDriver(major, minor int) { Set("DRIVER_VERSION", fmt.Sprint(major*1000+minor*10)) }

// Devices sets how many devices there are.
func Devices(n int) { Set("DEVICES", fmt.Sprint(n)) }

// RefuseDecoder lets decoders fail to be made that have all words: of a codec (h264,
// hevc, mpeg2, vp9, ...), a bit depth (8, 10, 12), a chroma format (400, 420, 422,
// 444), a coded size (1920x1088); "*" is any. Parts separated by ';' are alternatives.
func RefuseDecoder(words string) { Set("REFUSE_DECODER", words) }

// LimitSurfaces sets how many output surfaces of a decoder can be mapped at a time.
func LimitSurfaces(n int) { Set("MAP_LIMIT", fmt.Sprint(n)) }

// FailMap lets the n-th map of a decoded picture fail.
func FailMap(n int) { Set("FAIL_MAP", fmt.Sprint(n)) }

// FailDecode lets the n-th picture given to a decoder fail.
func FailDecode(n int) { Set("FAIL_DECODE", fmt.Sprint(n)) }

// DecodeSmall lifts the smallest sizes of NVDEC (144x144 for HEVC, 128x128 for VP9 and
// AV1), so that small test clips can be decoded.
func DecodeSmall() { Set("SMALL", "1") }

// Tapes names the folder whose tapes decoders play.
func Tapes(folder string) { Set("TAPES", folder) }
