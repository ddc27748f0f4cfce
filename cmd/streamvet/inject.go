package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
)

// exitInterrupted is what shells expect after a Ctrl-C.
const exitInterrupted = 130

const injectHelp = `streamvet inject puts defects into a clip and writes down exactly where they are.

Usage: streamvet inject IN -o OUT --defect KIND[:PARAM=VALUE,...]@START-END ... [--truth TRUTH.json]

Examples:
  streamvet inject film.mp4 -o bad.mp4 --defect black@3-4 --defect silence@5-7 --truth bad.json
  streamvet inject film.mp4 -o bad.ts --defect packet_loss:rate=0.02@10-end --seed 7 --truth bad.json
  streamvet inject film.mp4 -o bad.mkv --defect blur:sigma=6@50f-100f --defect freeze@1m20s-1m25s
  streamvet inject --list

START and END are seconds (2.5), 1m20s, 00:01:20.5, pictures (50f); END may be "end".
START alone takes the kind's default length. Defects on the same pictures are put in in
the order given. OUT's extension names the container: .mp4 .mov .mkv .ts .webm, and
.wav .flac .m4a .mka for sound alone.

Options:
`

// defectFlags collects the --defect flags.
type defectFlags []inject.Spec

func (d *defectFlags) String() string { return "" }

func (d *defectFlags) Set(s string) error {
	spec, err := inject.ParseSpec(s)
	if err != nil {
		return err
	}
	*d = append(*d, spec)
	return nil
}

// injectOptions is what the command line says.
type injectOptions struct {
	job         inject.Job
	list, quiet bool
}

// injectCommand is `streamvet inject`. It exits with 0, or 2 after an error, or
// 130 after a Ctrl-C.
func injectCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseInject(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitClean
	case err != nil:
		fmt.Fprintf(stderr, "streamvet inject: %v\nstreamvet inject --help tells more.\n", err)
		return exitTrouble
	case o.list:
		listKinds(stdout)
		return exitClean
	}
	tools, err := inject.FindTools()
	if err != nil {
		fmt.Fprintln(stderr, "streamvet inject:", err)
		return exitTrouble
	}
	meter := &injectMeter{w: stderr, began: time.Now()}
	if !o.quiet && isTerminal(stderr) {
		o.job.Progress = meter.show
	}
	result, err := inject.Run(ctx, tools, o.job)
	meter.clear()
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "streamvet inject: interrupted; nothing was written")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(stderr, "streamvet inject:", err)
		return exitTrouble
	}
	for _, w := range result.Warnings {
		fmt.Fprintln(stderr, "streamvet inject: warning:", w)
	}
	if !o.quiet {
		tellInjected(stdout, o.job, result.Truth)
	}
	return exitClean
}

// parseInject takes flags before and after IN.
func parseInject(args []string, help io.Writer) (injectOptions, error) {
	var o injectOptions
	var specs defectFlags
	f := flag.NewFlagSet("inject", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		io.WriteString(help, injectHelp)
		f.SetOutput(help)
		f.PrintDefaults()
	}
	f.StringVar(&o.job.Out, "o", "", "`OUT`: the clip to write")
	f.Var(&specs, "defect", "`DEFECT` to put in; may be given again and again")
	f.StringVar(&o.job.TruthPath, "truth", "", "`FILE` for the truth as JSON")
	f.StringVar(&o.job.Encoder, "encoder", "", "encoder of the pictures by FFmpeg's `NAME` (libx264, libx265, mpeg4, mpeg2video, ffv1, ...); else the best that is there")
	f.StringVar(&o.job.SoundEncoder, "sound-encoder", "", "encoder of the sound by FFmpeg's `NAME` (aac, flac, pcm_s16le, ...)")
	f.Float64Var(&o.job.Quality, "quality", -1, "`Q` in the encoder's own scale: CRF for libx264, quantiser for mpeg4; lower is better; -1 is near transparent")
	f.IntVar(&o.job.GOP, "gop", 0, "`PICTURES` from one key picture to the next; 0 makes it two seconds")
	f.Uint64Var(&o.job.Seed, "seed", 1, "`NUMBER` that all random choices follow from")
	f.BoolVar(&o.job.Overwrite, "y", false, "overwrite OUT and the truth file")
	f.BoolVar(&o.list, "list", false, "list all kinds of defects with their parameters")
	f.BoolVar(&o.quiet, "quiet", false, "say nothing but errors")
	var inputs []string
	for rest := args; ; rest = f.Args()[1:] {
		if err := f.Parse(rest); err != nil {
			return o, err
		}
		if f.NArg() == 0 {
			break
		}
		inputs = append(inputs, f.Arg(0))
	}
	o.job.Specs = specs
	switch {
	case o.list:
		return o, nil
	case len(inputs) == 0:
		return o, errors.New("no input: name a clip")
	case len(inputs) > 1:
		return o, fmt.Errorf("one clip at a time, not %d (%s)", len(inputs), strings.Join(inputs, ", "))
	case o.job.Out == "":
		return o, errors.New("no output: give -o OUT")
	case len(specs) == 0:
		return o, errors.New("no defect: give at least one --defect KIND@START-END; --list shows the kinds")
	case o.job.GOP < 0:
		return o, errors.New("--gop cannot be negative")
	}
	o.job.In = inputs[0]
	return o, nil
}

func listKinds(w io.Writer) {
	var medium inject.Medium
	for _, k := range inject.Kinds() {
		if k.Medium != medium {
			medium = k.Medium
			fmt.Fprintf(w, "%s\n", map[inject.Medium]string{inject.Pictures: "Pictures", inject.Sound: "\nSound", inject.Payload: "\nBitstream, after encoding"}[medium])
		}
		fmt.Fprintf(w, "  %-15s %s\n", k.Name, k.Summary)
		for _, p := range k.Params {
			unit := p.Unit
			if unit != "" {
				unit = " " + unit
			}
			fmt.Fprintf(w, "      %-12s %s; %g..%g%s, default %g\n", p.Name, p.Help, p.Min, p.Max, unit, p.Default)
		}
		fmt.Fprintf(w, "      --defect %s\n", k.Example)
	}
}

// tellInjected prints the truth as a table.
func tellInjected(w io.Writer, job inject.Job, t inject.Truth) {
	fmt.Fprintf(w, "%s: %.3f s", job.Out, t.Duration)
	if t.Frames > 0 {
		fmt.Fprintf(w, ", %dx%d, %s pictures/s", t.Width, t.Height, t.FrameRate)
	}
	if t.SampleRate > 0 {
		fmt.Fprintf(w, ", %d Hz x %d", t.SampleRate, t.Channels)
	}
	fmt.Fprintf(w, ", %s\n", t.Encoder)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, e := range t.Defects {
		note := ""
		if e.Invisible {
			note = "leaves no mark"
		}
		fmt.Fprintf(table, "  %s\t%.3f - %.3f s\t%s\t%s\n", e.Defect, e.Start, e.End, e.Kind, note)
	}
	table.Flush()
	if job.TruthPath != "" {
		fmt.Fprintf(w, "truth: %s\n", job.TruthPath)
	}
}

// injectMeter is the progress line on a terminal.
type injectMeter struct {
	w     io.Writer
	began time.Time
	shown time.Time
	step  string
}

func (m *injectMeter) show(p inject.Progress) {
	now := time.Now()
	if p.Step != m.step {
		m.step, m.began = p.Step, now
	}
	if now.Sub(m.shown) < progressTick {
		return
	}
	m.shown = now
	of := ""
	if p.Total > 0 {
		of = fmt.Sprintf(" of %d", p.Total)
	}
	fmt.Fprintf(m.w, "\r\x1b[K%s: picture %d%s, %.0f pictures/s", p.Step, p.Pictures, of, float64(p.Pictures)/now.Sub(m.began).Seconds())
}

func (m *injectMeter) clear() {
	if !m.shown.IsZero() {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
