package excerpt

// resampler brings the channels of one stretch of sound to another rate. Before and
// after the stretch is silence.
type resampler struct {
	filter *filter
	// in is of each channel what later values need. Value n lies at sample
	// n*down/up; the next one is at in[center] and a fraction of phase/up.
	in    [][]float32
	phase int
	taken int64 // samples of the stretch
	made  int64 // values
}

func newResampler(from, to, channels int) *resampler {
	r := &resampler{filter: newFilter(from, to), in: make([][]float32, channels)}
	r.reset()
	return r
}

// reset begins another stretch.
func (r *resampler) reset() {
	r.phase, r.taken, r.made = 0, 0, 0
	for c := range r.in {
		r.in[c] = append(r.in[c][:0], make([]float32, r.filter.center)...)
	}
}

// room gives space for n more samples of channel c, to be written before resample.
func (r *resampler) room(c, n int) []float32 {
	r.in[c] = append(r.in[c], make([]float32, n)...)
	return r.in[c][len(r.in[c])-n:]
}

// resample appends to each channel of out what n samples more make certain.
func (r *resampler) resample(out [][]float32, n int) {
	r.taken += int64(n)
	r.run(out, -1)
}

// flush appends what is left, up to the end of the stretch: no value speaks for what
// is beyond.
func (r *resampler) flush(out [][]float32) {
	for c := range r.in {
		clear(r.room(c, r.filter.taps))
	}
	up, down := int64(r.filter.up), int64(r.filter.down)
	r.run(out, r.taken*up/down-r.made)
}

// run makes values while there are samples, at most so many; -1 is no bound.
func (r *resampler) run(out [][]float32, most int64) {
	f := r.filter
	whole, part := f.down/f.up, f.down%f.up
	at, phase, made := 0, r.phase, int64(0)
	for c, in := range r.in {
		at, phase, made = 0, r.phase, 0
		row := out[c]
		for at+f.taps <= len(in) && made != most {
			row = append(row, f.at(phase, in[at:at+f.taps]))
			made++
			at += whole
			if phase += part; phase >= f.up {
				phase -= f.up
				at++
			}
		}
		out[c] = row
	}
	r.phase, r.made = phase, r.made+made
	for c, in := range r.in {
		r.in[c] = in[:copy(in, in[at:])] // a step is never longer than the filter
	}
}
