package media

/*
#cgo pkg-config: libavcodec libavformat libavutil libswscale libavfilter
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
*/
import "C"

import "fmt"

// Library is one that is linked in.
type Library struct{ Name, Version string }

// Versions lists FFmpeg and its libraries as they run, not as they were compiled against.
func Versions() []Library {
	v := func(name string, n C.uint) Library {
		return Library{name, fmt.Sprintf("%d.%d.%d", n>>16, n>>8&255, n&255)}
	}
	return []Library{
		{"FFmpeg", C.GoString(C.av_version_info()) + ", " + C.GoString(C.avcodec_license())},
		v("libavutil", C.avutil_version()), v("libavcodec", C.avcodec_version()), v("libavformat", C.avformat_version()),
		v("libavfilter", C.avfilter_version()), v("libswscale", C.swscale_version()),
	}
}
