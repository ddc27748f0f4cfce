package trial

import (
	"bytes"
	"testing"
)

// Pictures of all scenes differ, and from turn to turn where a scene moves: a network
// that mixes up rows cannot pass.
func TestPicturesDiffer(t *testing.T) {
	var file bytes.Buffer
	const w, h, n = 177, 99, 2 * len(scenes)
	if err := writePictures(&file, w, h, n); err != nil {
		t.Fatal(err)
	}
	frames := bytes.Split(file.Bytes(), []byte("FRAME\n"))[1:]
	if len(frames) != n {
		t.Fatalf("%d pictures, want %d", len(frames), n)
	}
	seen := map[string]bool{}
	for i, f := range frames {
		if len(f) != w*h+2*89*50 {
			t.Fatalf("picture %d has %d bytes", i, len(f))
		}
		seen[string(f)] = true
	}
	if len(seen) < len(scenes)+8 {
		t.Errorf("%d of %d pictures differ", len(seen), n)
	}
}

// A header of WAV says what follows it.
func TestSoundIsAsLongAsItSays(t *testing.T) {
	var file bytes.Buffer
	if err := writeSound(&file, 44100, 2, 0.5); err != nil {
		t.Fatal(err)
	}
	if want := 44 + 4*22050; file.Len() != want {
		t.Errorf("%d bytes, want %d", file.Len(), want)
	}
	loud := false
	for _, b := range file.Bytes()[44:] {
		loud = loud || b != 0
	}
	if !loud {
		t.Error("nothing is heard")
	}
}
