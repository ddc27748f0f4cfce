package models

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/streamvet/streamvet/engine/device"
)

// The rates that sound may be resampled to, in Hz, and the longest window.
const (
	minRate   = 8000
	maxRate   = 192000
	maxWindow = time.Minute
)

// maxScores bounds the defects that one network speaks of.
const maxScores = 16

func (r *report) network(n *Network, input string) {
	r.file("network", n.File, n.SHA256)
	if n.Half != nil {
		r.file("network.half", n.Half.File, n.Half.SHA256)
		r.need(n.Half.File != n.File, "network.half.file", "it is the network's own file: name the one in half precision, or leave half out")
	}
	if n.Map != "" {
		r.text(n.Map, "network.map", "name the output with the map, or none")
	}
	r.need(n.Map == "" && n.MapThreshold == 0 || n.Map != "" && n.MapThreshold > 0 && n.MapThreshold <= 1, "network.map_threshold",
		"%v: with a map it is in (0, 1], without one it is left out", n.MapThreshold)

	s, b := n.Sampling, n.Batch
	r.need(s.Every > 0 && s.Every <= maxEvery, "network.sampling.every", "%v is not in (0, %v]", s.Every, maxEvery)
	r.need(s.Suspicious >= 0 && s.Suspicious <= s.Every, "network.sampling.suspicious", "%v is not in [0, every]", s.Suspicious)
	r.need(s.Patience == 0 || s.Patience >= s.Every && s.Patience <= maxEvery, "network.sampling.patience", "%v is not in [every, %v]", s.Patience, maxEvery)
	r.need(b.MaxSize >= 1 && b.MaxSize <= maxBatch, "network.batch.max_size", "%d is not in 1..%d", b.MaxSize, maxBatch)
	r.need(b.MaxSizeCPU >= 0 && b.MaxSizeCPU <= b.MaxSize, "network.batch.max_size_cpu", "%d is not in 1..max_size", b.MaxSizeCPU)
	r.need(b.MaxQueueDelay >= 0 && b.MaxQueueDelay <= maxQueueDelay, "network.batch.max_queue_delay", "%v is not in [0, %v]", b.MaxQueueDelay, maxQueueDelay)

	r.text(n.Tensor.Name, "network.tensor.name", "name the model's input")
	if input == "sound" {
		r.soundNetwork(n)
	} else {
		r.pictureTensor(&n.Tensor)
	}
	r.batchBytes(n)
}

// scores checks which outputs of the network speak of which defects.
func (r *report) scores(m *Manifest) {
	n := m.Network
	r.need(len(m.Outputs) <= maxScores, "outputs", "there are %d, a network scores %d defects at most", len(m.Outputs), maxScores)
	seen, common := map[string]bool{}, false
	for i := range m.Outputs {
		name, field := m.ScoreOf(i)
		common = common || field == "network.score"
		r.text(name, field, "name the output with the scores")
		r.need(name == "" || name != n.Map, field, "%.70q is the map's output: name another", name)
		r.need(name == "" || !seen[name], field, "%.70q is the score of two defects: each has an output of its own", name)
		seen[name] = true
	}
	r.need(common || n.Score == "", "network.score", "every defect names a score of its own: leave it out")
	r.need(common || n.Map == "", "network.map", "it is about the defect whose score is network.score, and there is none: leave it out, or let one defect name no score")
}

// batchBytes bounds a tensor whose size is known.
func (r *report) batchBytes(n *Network) {
	t, b := &n.Tensor, n.Batch.MaxSize
	fixed := t.Width > 0 && t.Width <= maxSide && t.Height > 0 && t.Height <= maxSide || t.Window > 0 && t.Window <= maxTensorBytes
	if fixed && b >= 1 && b <= maxBatch && t.Type() != 0 {
		bytes := t.Shape(b, 0, 0).Elements() * t.Type().Bytes()
		r.need(bytes <= maxTensorBytes, "network.batch.max_size", "a batch of %d takes %d bytes, %d are the most: make it smaller", b, bytes, maxTensorBytes)
	}
}

// file checks how an ONNX file is named.
func (r *report) file(field, name, sum string) {
	r.need(r.plainFile(name), field+".file", "%.70q is no file beside the manifest: write a plain name that ends in .onnx", name)
	r.need(shaPattern.MatchString(sum), field+".sha256", "%.70q is no SHA-256 sum: write the 64 hexadecimal digits (a-f small) that sha256sum prints", sum)
}

func (r *report) pictureTensor(t *TensorSpec) {
	const field = "network.tensor"
	r.word(t.DType, field+".dtype", "u8", "f32", "f16")
	r.word(t.Channels, field+".channels", "luma", "rgb")
	r.word(t.Resize, field+".resize", "none", "area", "bilinear")
	if t.Resize == "none" {
		r.need(t.Align >= 1 && t.Align <= maxAlign && bits.OnesCount(uint(t.Align)) == 1, field+".align", "%d is no power of two in 1..%d", t.Align, maxAlign)
		r.need(t.Width == 0 && t.Height == 0, field+".width", "with resize none the picture's size is taken: leave width and height out")
		r.need(!t.Letterbox, field+".letterbox", "with resize none there is nothing to fit: leave it out")
	} else {
		r.need(t.Align == 0, field+".align", "it belongs to resize none: leave it out")
		r.need(t.Width >= 1 && t.Width <= maxSide, field+".width", "%d is not in 1..%d", t.Width, maxSide)
		r.need(t.Height >= 1 && t.Height <= maxSide, field+".height", "%d is not in 1..%d", t.Height, maxSide)
	}
	r.need(t.Pad >= 0 && t.Pad <= 255, field+".pad", "%v is not in 0..255", t.Pad)
	r.need(t.Pad == 0 || t.Letterbox, field+".pad", "it belongs to letterbox: leave it out")
	var zero [3]float32
	r.need(t.Type() != device.U8 || t.Mean == zero && t.Std == zero, field+".mean", "a u8 tensor holds the samples as they are: leave mean and std out")
	for i, s := range t.Std {
		r.need(s >= 0, fmt.Sprintf("%s.std[%d]", field, i), "%v is negative", s)
	}
	r.need(t.Rate == 0, field+".rate", "it belongs to sound: leave it out")
	r.need(t.Window == 0, field+".window", "it belongs to sound: leave it out")
}

// soundNetwork checks what a network that hears sound has of its own.
func (r *report) soundNetwork(n *Network) {
	const field = "network.tensor"
	t, every := n.Tensor, n.Sampling.Every
	r.need(n.Half == nil, "network.half", "sound is heard on the CPU, where half precision is no faster: leave it out")
	r.need(n.Map == "", "network.map", "sound has no map: leave it out")
	r.need(n.Sampling.Suspicious == 0, "network.sampling.suspicious", "all sound is heard: leave it out")
	r.need(n.Sampling.Patience == 0, "network.sampling.patience", "all sound is heard: leave it out")
	r.word(t.DType, field+".dtype", "f32")
	r.word(t.Channels, field+".channels", "each", "mix")
	pictures := t
	pictures.Name, pictures.DType, pictures.Channels, pictures.Rate, pictures.Window = "", "", "", 0, 0
	r.need(pictures == TensorSpec{}, field, "resize, align, width, height, letterbox, pad, mean and std belong to pictures: leave them out")
	r.need(t.Rate >= minRate && t.Rate <= maxRate, field+".rate", "%d Hz is not in %d..%d", t.Rate, minRate, maxRate)
	if t.Rate < minRate || t.Rate > maxRate || every <= 0 || every > maxEvery {
		return // the rest hangs on both
	}
	r.need(t.Window >= 1 && t.Window <= t.Rate*int(maxWindow/time.Second), field+".window", "%d samples are not in 1..%d, which is a minute", t.Window, t.Rate*int(maxWindow/time.Second))
	r.need(time.Duration(n.Hop())*time.Second == every*time.Duration(t.Rate), "network.sampling.every", "%v is no whole number of samples at %d Hz", every, t.Rate)
	r.need(n.Hop() <= t.Window, "network.sampling.every", "%v is longer than the window of %d samples at %d Hz: some sound would not be heard", every, t.Window, t.Rate)
}
