package inject

import (
	"fmt"
	"strconv"
	"strings"
)

// Damage is what damage to the bitstream did to the decoded pictures, macroblock
// by macroblock, against the clean decode of the same encode.
type Damage struct {
	Block   int            `json:"block"` // side of a macroblock in luma samples
	Columns int            `json:"columns"`
	Rows    int            `json:"rows"`
	Rule    string         `json:"rule"`   // when a macroblock, and a picture, counts as visibly damaged
	Frames  []DamagedFrame `json:"frames"` // those that differ, in order
}

// DamageRule is Damage.Rule in force.
const DamageRule = "a macroblock is seen where it differs by more than 5 levels on average, in luma or chroma, and has a new edge of more than 8 levels at a side, " +
	"or differs by more than 25; hidden where it differs otherwise. A picture is visibly damaged with max(3, 0.2 %) macroblocks that have a new edge, or max(3, 5 %) that differ by more than 25."

// DamagedFrame is one picture that differs from the clean decode. Its text form is
// "FRAME visible|hidden|stale [seen RUNS] [hidden RUNS]".
type DamagedFrame struct {
	Frame   int64
	Visible bool   // the picture as a whole is visibly damaged
	Stale   bool   // it is an earlier picture again, whole
	Seen    Blocks // macroblocks whose damage shows
	Hidden  Blocks // macroblocks that differ without showing it
}

// BlockRun is Length macroblocks from Start on, row by row.
type BlockRun struct{ Start, Length int }

// Blocks is a set of macroblocks as runs, which are in order and do not overlap.
// Their text form is "START+LENGTH,START+LENGTH".
type Blocks []BlockRun

// add appends one macroblock; they must come in order.
func (r *Blocks) add(block int) {
	if n := len(*r); n > 0 && (*r)[n-1].Start+(*r)[n-1].Length == block {
		(*r)[n-1].Length++
		return
	}
	*r = append(*r, BlockRun{block, 1})
}

// Count is how many macroblocks these are.
func (r Blocks) Count() int {
	n := 0
	for _, one := range r {
		n += one.Length
	}
	return n
}

func (r Blocks) String() string {
	var b strings.Builder
	for i, one := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(one.Start) + "+" + strconv.Itoa(one.Length))
	}
	return b.String()
}

func parseBlocks(s string) (Blocks, error) {
	var out Blocks
	for part := range strings.SplitSeq(s, ",") {
		a, b, _ := strings.Cut(part, "+")
		start, err1 := strconv.ParseUint(a, 10, 31)
		count, err2 := strconv.ParseUint(b, 10, 31)
		if err1 != nil || err2 != nil || count == 0 {
			return nil, fmt.Errorf("%q is no run of macroblocks (START+LENGTH)", part)
		}
		if n := len(out); n > 0 && int(start) <= out[n-1].Start+out[n-1].Length-1 {
			return nil, fmt.Errorf("run %q is out of order", part)
		}
		out = append(out, BlockRun{int(start), int(count)})
	}
	return out, nil
}

// MarshalText implements encoding.TextMarshaler.
func (f DamagedFrame) MarshalText() ([]byte, error) {
	state := "hidden"
	switch {
	case f.Stale:
		state = "stale"
	case f.Visible:
		state = "visible"
	}
	out := strconv.FormatInt(f.Frame, 10) + " " + state
	if f.Seen != nil {
		out += " seen " + f.Seen.String()
	}
	if f.Hidden != nil {
		out += " hidden " + f.Hidden.String()
	}
	return []byte(out), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *DamagedFrame) UnmarshalText(text []byte) error {
	words := strings.Fields(string(text))
	if len(words) < 2 || len(words)%2 != 0 {
		return fmt.Errorf("damaged frame %.60q: want FRAME visible|hidden|stale [seen RUNS] [hidden RUNS]", text)
	}
	frame, err := strconv.ParseUint(words[0], 10, 62)
	if err != nil {
		return fmt.Errorf("damaged frame %.60q: %q is no picture number", text, words[0])
	}
	*f = DamagedFrame{Frame: int64(frame), Visible: words[1] == "visible", Stale: words[1] == "stale"}
	if !f.Visible && !f.Stale && words[1] != "hidden" {
		return fmt.Errorf("damaged frame %d: %.20q is none of visible, hidden, stale", frame, words[1])
	}
	for i := 2; i < len(words); i += 2 {
		runs, err := parseBlocks(words[i+1])
		if err != nil {
			return fmt.Errorf("damaged frame %d: %w", frame, err)
		}
		switch {
		case words[i] == "seen" && f.Seen == nil:
			f.Seen = runs
		case words[i] == "hidden" && f.Hidden == nil:
			f.Hidden = runs
		default:
			return fmt.Errorf("damaged frame %d: %.20q is none of seen, hidden, or comes twice", frame, words[i])
		}
	}
	return nil
}

// validate says what does not fit pictures of a size and a number of them.
func (d *Damage) validate(width, height int, frames int64) error {
	if d.Block < 1 || d.Columns != (width+d.Block-1)/d.Block || d.Rows != (height+d.Block-1)/d.Block {
		return fmt.Errorf("%d x %d macroblocks of %d do not make %dx%d pictures", d.Columns, d.Rows, d.Block, width, height)
	}
	last := int64(-1)
	for _, f := range d.Frames {
		if f.Frame <= last || f.Frame >= frames {
			return fmt.Errorf("damaged frame %d is out of order or beyond the %d pictures", f.Frame, frames)
		}
		last = f.Frame
		for _, runs := range []Blocks{f.Seen, f.Hidden} {
			if n := len(runs); n > 0 && runs[n-1].Start+runs[n-1].Length > d.Columns*d.Rows {
				return fmt.Errorf("damaged frame %d: macroblock %d of %d", f.Frame, runs[n-1].Start+runs[n-1].Length-1, d.Columns*d.Rows)
			}
		}
	}
	return nil
}
