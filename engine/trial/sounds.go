package trial

import (
	"encoding/binary"
	"io"
	"math"
)

// parts are what sound has, half a second each, as samples of -1..1 at a time; i is the
// number of the sample.
var parts = [...]func(t float64, i, channel int) float64{
	func(_ float64, i, c int) float64 { return 0.2 * (2*noise(i, c, 0) - 1) },                           // noise
	func(t float64, _, _ int) float64 { return 0.4 * math.Sin(2*math.Pi*440*t) },                        // a tone
	func(_ float64, _, _ int) float64 { return 0 },                                                      // nothing
	func(t float64, _, _ int) float64 { return min(max(3*math.Sin(2*math.Pi*330*t), -1), 1) },           // clipped
	func(t float64, i, c int) float64 { return math.Abs(math.Sin(9*t)) * (noise(i, c, 1) - 0.5) },       // like speech
	func(t float64, i, _ int) float64 { return 0.3*math.Sin(2*math.Pi*220*t) + impulse(i) },             // clicks
	func(t float64, _, _ int) float64 { return 0.1*math.Sin(2*math.Pi*50*t) + 0.2*chord(t) },            // hum
	func(t float64, _, c int) float64 { return 0.5 * chord(t) * float64(1-2*(c%2)) },                    // out of phase
	func(t float64, i, c int) float64 { return chord(t)*math.Floor(2*noise(i/960, c, 2)) + impulse(i) }, // holes
}

func chord(t float64) float64 {
	return (math.Sin(2*math.Pi*262*t) + math.Sin(2*math.Pi*330*t) + math.Sin(2*math.Pi*392*t)) / 4
}

// impulse is one sample in 4000.
func impulse(i int) float64 {
	if i%4000 == 0 {
		return 0.6
	}
	return 0
}

// writeSound writes a WAV file of 16-bit samples.
func writeSound(out io.Writer, rate, channels int, seconds float64) error {
	samples := int(float64(rate) * seconds)
	size := 2 * channels * samples
	header := []any{
		[]byte("RIFF"), uint32(36 + size), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(channels),
		uint32(rate), uint32(2 * channels * rate), uint16(2 * channels), uint16(16), []byte("data"), uint32(size),
	}
	for _, field := range header {
		if err := binary.Write(out, binary.LittleEndian, field); err != nil {
			return err
		}
	}
	block := make([]byte, 2*channels)
	for i := range samples {
		t := float64(i) / float64(rate)
		part := parts[int(2*t)%len(parts)]
		for c := range channels {
			binary.LittleEndian.PutUint16(block[2*c:], uint16(int16(32767*min(max(part(t, i, c), -1), 1))))
		}
		if _, err := out.Write(block); err != nil {
			return err
		}
	}
	return nil
}
