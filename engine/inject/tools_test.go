package inject

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoFFmpegIsToldWithTheRemedy(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("STREAMVET_FFMPEG", "")
	t.Setenv("STREAMVET_CACHE", empty)
	t.Setenv("PATH", empty)
	if _, err := FindTools(); err == nil || !strings.Contains(err.Error(), "run make setup") {
		t.Errorf("error %v", err)
	}
	t.Setenv("STREAMVET_FFMPEG", filepath.Join(empty, "ffmpeg"))
	if _, err := FindTools(); err == nil || !strings.Contains(err.Error(), "STREAMVET_FFMPEG names") {
		t.Errorf("error %v", err)
	}
}

func TestProgramsOfTheCacheAreFound(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("STREAMVET_FFMPEG", "")
	t.Setenv("STREAMVET_CACHE", cache)
	t.Setenv("PATH", "")
	for _, build := range []string{"ffmpeg-7.1.5-abc", "ffmpeg-7.1.6-abc.partial"} {
		dir := filepath.Join(cache, build, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ffmpeg", "ffprobe"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	found, err := FindTools()
	if err != nil || len(found.Programs) != 1 || !strings.Contains(found.Programs[0], "7.1.5") || !strings.Contains(found.Probe, "7.1.5") {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestRateIsChosen(t *testing.T) {
	for _, test := range []struct{ declared, average, want string }{
		{"25/1", "25/1", "25"},
		{"30000/1001", "30000/1001", "30000/1001"},
		{"50/1", "25/1", "25"},              // fields counted as pictures
		{"90000/1", "359/12", "30000/1001"}, // variable
		{"1200000/1", "0/0", ""},            // no rate at all
		{"1000/1", "24/1", "24"},
		{"25/1", "0/0", "25"},                // not measured
		{"1000/1", "12345/1000", "2469/200"}, // unusual: kept as it is
	} {
		rate, err := probeStream{RFrameRate: test.declared, AvgFrameRate: test.average}.rate()
		switch {
		case test.want == "":
			if err == nil {
				t.Errorf("%s, %s: %v", test.declared, test.average, rate)
			}
		case err != nil || rate.FPS() != parseRate(test.want+rateTail(test.want)).FPS():
			t.Errorf("%s, %s: %v, %v; want %s", test.declared, test.average, rate, err, test.want)
		}
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"codec_type":"video","width":64,"height":48,"r_frame_rate":"25/1","avg_frame_rate":"25/1","start_time":"0.02"},{"codec_type":"audio","channels":2,"sample_rate":"48000"}],"format":{"duration":"10.0"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseProbe(data)
		if err == nil && m.Picture != nil && !m.Picture.Rate.Valid() {
			t.Fatalf("rate %v", m.Picture.Rate)
		}
	})
}

func FuzzParsePackets(f *testing.F) {
	f.Add([]byte("0.000000,1000,48\n0.080000,500,1048,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parsePackets(data, 25)
		if err == nil && len(list) == 0 {
			t.Fatal("no packets and no error")
		}
	})
}

func FuzzSlices(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x67, 1, 0, 0, 0, 20, 0x65, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range slicesOf(func(h byte) bool { return h&31 == 5 })(data) {
			if s.start < 4+protectBytes || s.end > int64(len(data)) {
				t.Fatalf("%+v of %d bytes", s, len(data))
			}
		}
	})
}

func FuzzY4M(f *testing.F) {
	f.Add([]byte("YUV4MPEG2 W4 H2 F25:1 It A1:1 C420jpeg XYSCSS=420JPEG\nFRAME\n0123456789abFRAME\n0123456789ab"))
	f.Fuzz(func(t *testing.T, data []byte) {
		y, err := newY4MReader(bytes.NewReader(data))
		if err != nil || y.width*y.height > 1<<16 {
			return
		}
		p := newPicture(y.width, y.height)
		for y.next(p) == nil {
		}
	})
}
