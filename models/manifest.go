package models

import (
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Manifest is detector.yaml: everything the engine must know of a detector.
type Manifest struct {
	Name    string `yaml:"name"`    // as the folder: [a-z0-9_]+
	Version string `yaml:"version"` // semantic version
	Summary string `yaml:"summary"` // one sentence for people
	// Input is what the detector looks at: "picture", "sound", "bitstream" or
	// "clock", which is the pace of a live source and of the engine.
	Input string `yaml:"input"`
	// Measure names the closed form in engine/measure that gives the scores;
	// empty for a network.
	Measure string `yaml:"measure,omitempty"`
	// Params are the numbers of the closed form; unknown ones are refused by it.
	Params map[string]float64 `yaml:"params,omitempty"`
	// Network describes the ONNX file; nil for a closed form.
	Network *Network `yaml:"network,omitempty"`
	// Outputs are the defects that the detector scores, each with its rule.
	Outputs []Output `yaml:"outputs"`
	// Provenance says where the numbers come from: a paper, a standard, a card.
	Provenance string `yaml:"provenance"`
}

// Output is one defect that a detector scores.
type Output struct {
	Defect verdict.Defect `yaml:"defect"`
	// Score names the network's output that holds the scores of the defect; empty
	// stands for Network.Score.
	Score string `yaml:"score,omitempty"`
	Unit  string `yaml:"unit"` // of Score.Reading: "level", "LUFS", "share of the picture", ...
	Rule  Rule   `yaml:"rule"`
	// Fusion joins the network's score with hints of damage; nil: it stays as it is.
	Fusion *Fusion `yaml:"fusion,omitempty"`
	// Change compares the score with what it usually is in the scene; nil: it does not.
	Change *Change `yaml:"change,omitempty"`
}

// Rule is verdict.Rule as it is written in a manifest.
type Rule struct {
	Raise       float64       `yaml:"raise"`
	Clear       float64       `yaml:"clear"`
	MinDuration time.Duration `yaml:"min_duration"`
	MinScores   int           `yaml:"min_scores,omitempty"`
	Hold        time.Duration `yaml:"hold"`
	Merge       time.Duration `yaml:"merge,omitempty"`
	UpdateEvery time.Duration `yaml:"update_every,omitempty"`
	Major       float64       `yaml:"major,omitempty"`
	Critical    float64       `yaml:"critical,omitempty"`
}

// Network describes an ONNX model and how pictures or sound are fed to it.
type Network struct {
	File   string `yaml:"file"`   // beside the manifest
	SHA256 string `yaml:"sha256"` // of the file, hexadecimal
	// Half is the same network with its convolutions in half precision, for GPUs:
	// the same inputs and outputs, to the type. Optional; of pictures only, for
	// sound is heard on the CPU.
	Half *Half `yaml:"half,omitempty"`
	// Tensor is the one input, N dynamic: NCHW of pictures, [N, 1, window] of sound.
	Tensor TensorSpec `yaml:"tensor"`
	// Score names the output with the scores, 0..1, of the defects that name none of
	// their own. Such an output is [N] or [N,1], one score a picture; of sound it may
	// be [N,T] too: T steps of equal length over the window.
	Score string `yaml:"score,omitempty"`
	// Map names the output [N,1,h,w] that says where in the picture; optional. It is
	// about the defect whose scores are Score's.
	Map          string   `yaml:"map,omitempty"`
	MapThreshold float64  `yaml:"map_threshold,omitempty"` // from which a cell belongs to the region
	Sampling     Sampling `yaml:"sampling"`
	Batch        Batch    `yaml:"batch"`
}

// Half is a second ONNX file of a network.
type Half struct {
	File   string `yaml:"file"`   // beside the manifest
	SHA256 string `yaml:"sha256"` // of the file, hexadecimal
}

// TensorSpec is the input of a network and the preprocessing that fills it.
type TensorSpec struct {
	Name  string `yaml:"name"`
	DType string `yaml:"dtype"` // u8, f32, f16; of sound f32, full scale is 1
	// Channels is what a row holds: luma or rgb of a picture; of sound "each", one
	// channel of the track, the greatest score of the channels speaks; or "mix",
	// the mean of them all.
	Channels string `yaml:"channels"`

	// Resize is how a picture gets to the tensor's size: "none" (native
	// resolution, padded up to a multiple of Align), "area" or "bilinear".
	Resize    string     `yaml:"resize,omitempty"`
	Align     int        `yaml:"align,omitempty"`
	Width     int        `yaml:"width,omitempty"` // with area and bilinear
	Height    int        `yaml:"height,omitempty"`
	Letterbox bool       `yaml:"letterbox,omitempty"`
	Pad       float32    `yaml:"pad,omitempty"`
	Mean      [3]float32 `yaml:"mean,omitempty"`
	Std       [3]float32 `yaml:"std,omitempty"`

	// Rate is what sound is resampled to, in Hz, and Window how many samples a row
	// has. Of sound only.
	Rate   int `yaml:"rate,omitempty"`
	Window int `yaml:"window,omitempty"`
}

// Sampling is how often a network looks at a track.
type Sampling struct {
	// Every is the base rate. Of sound it is from one window to the next: each speaks
	// for so much in its middle, and the rest is context.
	Every time.Duration `yaml:"every"`
	// Suspicious is the shortest time between two looks while cheap evidence
	// (bitstream errors, grid energy, difference spikes) is suspicious; 0: never
	// sooner. Of pictures only: all sound is heard.
	Suspicious time.Duration `yaml:"suspicious,omitempty"`
	// Patience is how late a look of the base rate may be where machines have too much
	// to do; the next one is counted from it. A look that is later is left out. 0: Every,
	// and the next is counted from when it was due. Of pictures only.
	Patience time.Duration `yaml:"patience,omitempty"`
}

// Batch bounds dynamic batching, in the words of Triton.
type Batch struct {
	MaxSize int `yaml:"max_size"`
	// MaxSizeCPU is MaxSize where the CPU computes; 0 stands for MaxSize. There a batch
	// has as many rows as there are pictures, and the last bits of a score may depend on
	// that; on a GPU all rows are always run.
	MaxSizeCPU    int           `yaml:"max_size_cpu,omitempty"`
	MaxQueueDelay time.Duration `yaml:"max_queue_delay"`
}

// OnCPU is the batch where the CPU computes.
func (b Batch) OnCPU() Batch {
	if b.MaxSizeCPU > 0 {
		b.MaxSize = b.MaxSizeCPU
	}
	return b
}
