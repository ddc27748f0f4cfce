package inject

import (
	"bytes"
	"image/jpeg"
	"testing"
)

func TestAMomentIsShown(t *testing.T) {
	out, _ := spoil(t, clip(t), "out.mkv", nil, "solid_color:y=200,u=128,v=128@2-2.2", "silence@2-3")
	for seconds, white := range map[float64]bool{1.5: false, 2.1: true, 3.9: false} {
		data, err := tools(t).Still(t.Context(), out, seconds, 100)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		size := picture.Bounds()
		if size.Dx() != 100 || size.Dy() != 56 {
			t.Errorf("%v", size)
		}
		flat := true
		for x := range size.Dx() {
			r, _, _, _ := picture.At(x, 28).RGBA()
			flat = flat && r>>8 > 190
		}
		if flat != white {
			t.Errorf("at %v s: one colour is %v", seconds, flat)
		}
	}
	peaks, err := tools(t).SoundPeaks(t.Context(), out, 1.5, 1, 10)
	if err != nil || len(peaks) != 10 || peaks[2][1] < 0.1 || peaks[2][0] > -0.1 || peaks[7][1] > 0.01 {
		t.Errorf("%v, %v", peaks, err)
	}
	if _, err := tools(t).Still(t.Context(), out, 100, 100); err == nil {
		t.Error("there is a picture behind the end")
	}
	if _, err := tools(t).SoundPeaks(t.Context(), "nowhere.mkv", 0, 1, 10); err == nil {
		t.Error("there is sound of no file")
	}
}
