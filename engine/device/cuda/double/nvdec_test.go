package double

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// logOf decodes a clip to surfaces, with the libraries in folder, and gives what
// FFmpeg and the double complain of.
func logOf(t *testing.T, folder, clip, option string) string {
	t.Helper()
	f, err := probe(clip)
	if err != nil {
		t.Fatal(err)
	}
	cmd := f.onDouble(clip, "null", option)
	cmd.Env = append(cmd.Env, pathVariable+"="+folder)
	cmd.Run() // what it says tells more than its status
	return fmt.Sprint(cmd.Stderr)
}

func TestDecodersThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		clip    string
		folder  string
		options string
		log     string // what FFmpeg or the double says; none if it decodes
	}{
		"all is well":                {"h264.mp4", Folder(), "", ""},
		"refused by codec":           {"h264.mp4", Folder(), "REFUSE_DECODER=hevc;h264 8", "cuvidCreateDecoder"},
		"another codec is refused":   {"h264.mp4", Folder(), "REFUSE_DECODER=hevc;h264 10", ""},
		"refused by size":            {"h264.mp4", Folder(), "REFUSE_DECODER=160x96", "cuvidCreateDecoder"},
		"too small":                  {"hevc.mp4", Folder(), "SMALL=", "not within range"},
		"no memory for surfaces":     {"h264.mp4", Folder(), "MEMORY=300K", "CUDA_ERROR_OUT_OF_MEMORY"},
		"a picture is not taken":     {"h264.mp4", Folder(), "FAIL_DECODE=3:999", "cuvidDecodePicture"},
		"a picture cannot be mapped": {"h264.mp4", Folder(), "FAIL_MAP=3", "cuvidMapVideoFrame"},
		"no surface can be mapped":   {"h264.mp4", Folder(), "MAP_LIMIT=0", "cuvidMapVideoFrame"},
		"no decoder library":         {"h264.mp4", CUDAOnly(), "", "libnvcuvid.so.1"},
		"no device":                  {"h264.mp4", Folder(), "NO_DEVICE=1", "CUDA_ERROR_NO_DEVICE"},
		"the device is lost":         {"h264.mp4", Folder(), "LOSE_DEVICE=60:214", "CUDA_ERROR_ECC_UNCORRECTABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := logOf(t, c.folder, clips+c.clip, "STREAMVET_DOUBLE_"+c.options)
			if c.log == "" && log != "" || !strings.Contains(log, c.log) {
				t.Errorf("got %q, want %q in it", log, c.log)
			}
		})
	}
}

// Pictures of a tape that was written come in the order of decoding, whatever the clip
// holds; after them comes what is in the clip.
func TestWrittenTape(t *testing.T) {
	clip, folder := generated(t, "mpeg2video"), t.TempDir()
	const taped = 5
	n := 0
	err := WriteTape(folder, "mpeg2", 176, 144, func() (Picture, error) {
		if n == taped {
			return Picture{}, io.EOF
		}
		n++
		p := Picture{Width: 176, Height: 144}
		p.Data = bytes.Repeat([]byte{byte(n)}, p.bytes())
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := probe(clip)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = pictures(f.onDouble(clip, "rawvideo", "STREAMVET_DOUBLE_TAPES="+folder), f.bytes(), func(data []byte) error {
		seen++
		uniform := bytes.Equal(data, bytes.Repeat(data[:1], len(data)))
		if seen <= taped && (!uniform || data[0] != byte(seen)) || seen > taped && uniform {
			t.Errorf("picture %d begins with %d, uniform: %v", seen, data[0], uniform)
		}
		return nil
	})
	if err != nil || seen != 25 {
		t.Errorf("%d pictures: %v", seen, err)
	}
}

func TestPictureOfAnotherSizeIsRefused(t *testing.T) {
	folder := t.TempDir()
	err := WriteTape(folder, "h264", 64, 64, func() (Picture, error) { return Picture{Width: 64, Height: 64, Data: []byte{1}}, nil })
	if err == nil || !strings.Contains(err.Error(), "picture 0") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
