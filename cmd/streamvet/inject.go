package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/engine/inject"
)

// exitInterrupted is what shells expect after a Ctrl-C.
const exitInterrupted = 130

const injectHelp = `Usage: streamvet inject IN -o OUT --defect KIND[:PARAM=VALUE,...]@START-END ... [flags]
       streamvet inject --set OUTDIR [--kinds KIND,...] [--seed N] CLIP|FOLDER|LIST.tsv ... [flags]

Puts defects into a clip and writes down exactly where they are, or makes a whole
set to evaluate detectors with: clips x kinds x levels, each with its clean twin.

Examples:
  streamvet inject film.mp4 -o bad.mp4 --defect black@3-4 --defect silence@5-7 --truth bad.json
  streamvet inject film.mp4 -o bad.mp4 --defect noise:level=2@3-5 --defect freeze:level=4@8
  streamvet inject film.mp4 -o bad.ts --defect packet_loss:rate=0.02@10-end --seed 7
  streamvet inject film.mp4 -o bad.mkv --defect blur:sigma=6@50f-100f --defect freeze@1m20s-1m25s
  streamvet inject --set eval1 --kinds noise,freeze,packet_loss:2 --per-level 12 clips/
  streamvet inject --list

START and END are seconds (2.5), 1m20s, 00:01:20.5 or pictures (50f); END may be "end".
START alone takes the kind's default length. Defects on the same pictures are put in
in the order given. OUT's extension names the container: .mp4 .mov .mkv .ts .webm, and
.wav .flac .m4a .mka for sound alone. Only the first picture track and the first sound
track of IN are taken; pictures become 8-bit 4:2:0 at a constant rate.

H.264 and HEVC need an ffmpeg with libx264 or libx265: on PATH, or the program that
STREAMVET_ENCODER names. Without one, pictures are coded as MPEG-4 or MPEG-2.

A set goes on where it was left: run the same command again, after a Ctrl-C too, or
several times side by side. LIST.tsv has a first line that names its columns: path, and
group, collection and licence if you know them; clips of one group are never told apart
by streamvet eval, which measures detectors on the set.

Exit code: 0 done, 2 it could not be done, 130 after a Ctrl-C. OUT and the truth, and
each item of a set, appear when they are done, or not at all.

Flags:
`

// injectOptions is what the flags say.
type injectOptions struct {
	job         inject.Job
	defects     []string
	list, quiet bool
	inputs      []string

	set      string // folder of a set to make; "" for one clip
	plan     inject.SetPlan
	parallel int
}

// injectCommand is `streamvet inject`.
func injectCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o injectOptions
	f := o.flags()
	help := f.BoolP("help", "h", false, "this text")
	err := f.Parse(args)
	if *help || errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, injectHelp, f.FlagUsagesWrapped(helpWidth))
		return exitClean
	}
	o.inputs = f.Args()
	if err == nil && o.list {
		listKinds(stdout)
		return exitClean
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "streamvet inject: %v\n(streamvet inject --help tells how it is used)\n", err)
		return exitTrouble
	}
	if o.set != "" {
		err = o.makeSet(ctx, stdout, stderr)
	} else {
		err = o.run(ctx, stdout, stderr)
	}
	switch {
	case err != nil && ctx.Err() != nil && o.set != "":
		fmt.Fprintln(stderr, "streamvet inject: interrupted; the same command goes on from here")
		return exitInterrupted
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "streamvet inject: interrupted; nothing was written")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(stderr, "streamvet inject:", err)
		return exitTrouble
	}
	return exitClean
}

func (o *injectOptions) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("inject", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.StringVarP(&o.job.Out, "output", "o", "", "write the spoiled clip to `OUT`")
	f.StringArrayVar(&o.defects, "defect", nil, "put in `DEFECT`, KIND[:PARAM=VALUE,...]@START-END; may be given many times")
	f.StringVar(&o.job.TruthPath, "truth", "", "write what is where to `truth.json`")
	f.BoolVar(&o.list, "list", false, "list the kinds of defects with their parameters")
	f.StringVar(&o.job.Encoder, "encoder", "", "encode pictures with FFmpeg's `NAME` (libx264, mpeg4, mpeg2video, ffv1, ...; default: the best here)")
	f.StringVar(&o.job.SoundEncoder, "sound-encoder", "", "encode sound with FFmpeg's `NAME` (aac, flac, pcm_s16le, ...)")
	f.Float64Var(&o.job.Quality, "quality", -1, "quality of the pictures in the encoder's own scale, `Q`: CRF of libx264, quantiser of mpeg4; lower is better; -1 is near transparent")
	f.IntVar(&o.job.GOP, "gop", 0, "so many `PICTURES` from one key picture to the next (0: two seconds)")
	f.Uint64Var(&o.job.Seed, "seed", 1, "all random choices follow from this `NUMBER`")
	f.BoolVarP(&o.job.Overwrite, "overwrite", "y", false, "overwrite OUT and the truth file")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress line and no summary")
	f.StringVar(&o.set, "set", "", "make a set for evaluation in the folder `OUTDIR`")
	f.StringSliceVar(&o.plan.Kinds, "kinds", nil, "of a set: `KIND` for all its levels, or KIND:LEVEL; may be several with commas (default: all kinds)")
	f.IntVar(&o.plan.PerLevel, "per-level", 0, "of a set: so many `CLIPS` for each kind and level, of as many groups as there are (0: all)")
	f.Float64Var(&o.plan.Seconds, "seconds", 10, "of a set: take at most so many `SECONDS` of a clip")
	f.IntVar(&o.plan.MaxHeight, "max-height", 0, "of a set: make higher pictures smaller, to `LINES` (0: as they are)")
	f.StringVar(&o.plan.Container, "container", ".ts", "of a set: `EXTENSION` of its files")
	f.IntVarP(&o.parallel, "parallel", "j", max(runtime.NumCPU()/2, 1), "of a set: make so many items at the same time")
	return f
}

func (o *injectOptions) check() error {
	if o.set != "" {
		return o.checkSet()
	}
	switch {
	case len(o.inputs) == 0:
		return errors.New("name the clip to put defects into")
	case len(o.inputs) > 1:
		return fmt.Errorf("one clip at a time, not %d: %s", len(o.inputs), strings.Join(o.inputs, ", "))
	case o.job.Out == "":
		return errors.New("name the clip to write: -o OUT")
	case len(o.defects) == 0:
		return errors.New("name at least one defect: --defect KIND@START-END (--list shows the kinds)")
	case o.job.GOP < 0:
		return errors.New("--gop cannot be negative")
	}
	for _, d := range o.defects {
		spec, err := inject.ParseSpec(d)
		if err != nil {
			return fmt.Errorf("--defect %s: %w", d, err)
		}
		o.job.Specs = append(o.job.Specs, spec)
	}
	o.job.In = o.inputs[0]
	return nil
}

func (o *injectOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	tools, err := inject.FindTools()
	if err != nil {
		return err
	}
	meter := &injectMeter{w: stderr}
	if !o.quiet && isTerminal(stderr) {
		o.job.Progress = meter.show
	}
	result, err := inject.Run(ctx, tools, o.job)
	meter.clear()
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		fmt.Fprintln(stderr, "streamvet inject: warning:", w)
	}
	if !o.quiet {
		tellInjected(stdout, o.job, result.Truth)
	}
	return nil
}

func listKinds(w io.Writer) {
	var medium inject.Medium
	for _, k := range inject.Kinds() {
		if k.Medium != medium {
			medium = k.Medium
			fmt.Fprintf(w, "%s\n", map[inject.Medium]string{inject.Pictures: "Pictures", inject.Sound: "\nSound", inject.Timestamps: "\nTimestamps of the sound", inject.Payload: "\nBitstream, after encoding"}[medium])
		}
		fmt.Fprintf(w, "  %-15s %s\n", k.Name, k.Summary)
		for _, p := range k.Params {
			unit := p.Unit
			if unit != "" {
				unit = " " + unit
			}
			fmt.Fprintf(w, "      %-12s %s; %g..%g%s, default %g\n", p.Name, p.Help, p.Min, p.Max, unit, p.Default)
		}
		if len(k.Levels) > 0 {
			fmt.Fprintf(w, "      %-12s %s\n", "level", levels(k))
		}
		fmt.Fprintf(w, "      --defect %s\n", k.Example)
	}
}

// levels says what each level of a kind sets.
func levels(k inject.Kind) string {
	var steps []string
	for i, level := range k.Levels {
		var values []string
		for _, p := range k.Params {
			if v, ok := level[p.Name]; ok {
				values = append(values, fmt.Sprintf("%s=%g", p.Name, v))
			}
		}
		steps = append(steps, fmt.Sprintf("%d: %s", i+1, strings.Join(values, ",")))
	}
	return strings.Join(steps, "; ")
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
