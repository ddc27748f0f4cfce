package inject

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Job is one injection.
type Job struct {
	In, Out   string
	TruthPath string // "" writes no truth file
	Specs     []Spec
	// Control makes the clean twin: the same encode without a defect. Specs then
	// only say what the encode must be fit for.
	Control bool

	From, Length float64 // seconds: the stretch of In to take; 0, 0: all of it
	MaxHeight    int     // higher pictures are made smaller; 0: none is

	Encoder      string  // of pictures, by FFmpeg's name; "" chooses
	SoundEncoder string  // "" chooses
	Quality      float64 // in the encoder's own scale (CRF or q); negative: its near transparent default
	GOP          int     // pictures from one key picture to the next; 0: two seconds
	Seed         uint64  // the same job with the same seed writes the same bytes on the same machine
	Overwrite    bool    // Out and TruthPath may exist

	// Progress is called often, from one goroutine at a time; nil: not at all.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Step     string // what is being done
	Pictures int64  // done in this step
	Total    int64  // about so many in all; 0: not known
}

// Result is what a run made.
type Result struct {
	Truth    Truth
	Warnings []string // what came out otherwise than wished
}

// Run puts the defects in. Out and the truth file appear when all is done; after
// an error or a cancelled ctx nothing of them is left.
func Run(ctx context.Context, tools Tools, job Job) (Result, error) {
	r := &run{tools: tools, job: job}
	defer r.cleanUp()
	if err := r.prepare(ctx); err != nil {
		return Result{}, fmt.Errorf("inject into %s: %w", job.In, err)
	}
	if err := r.make(ctx); err != nil {
		return Result{}, fmt.Errorf("inject into %s: %w", job.In, err)
	}
	return r.result, nil
}

func (r *run) input() input {
	return input{path: r.job.In, from: r.job.From, length: r.job.Length, maxHeight: r.job.MaxHeight, bare: r.bare}
}

type run struct {
	tools    Tools
	job      Job
	plan     *plan
	bare     bool // the input has no container
	encoding encoding
	partial  string   // the output while it is being made
	litter   []string // files to remove at the end, whatever happens
	result   Result
}

// prepare does all that can go wrong before the long work.
func (r *run) prepare(ctx context.Context) error {
	media, err := r.tools.probe(ctx, r.job.In)
	if err != nil {
		return err
	}
	if err := r.checkFiles(); err != nil {
		return err
	}
	r.bare = media.Bare
	if media, err = r.input().cut(media); err != nil {
		return err
	}
	specs := r.job.Specs
	if r.job.Control {
		specs = nil
	} else if len(specs) == 0 {
		return errors.New("no defect is named: give at least one --defect")
	}
	if r.plan, err = makePlan(media, specs, r.job.Seed); err != nil {
		return err
	}
	if r.encoding, err = chooseEncoding(ctx, r.tools, r.job, media); err != nil {
		return err
	}
	if r.encoding.second() && r.job.Encoder == "" {
		r.warn("no ffmpeg here has %s: the pictures are coded with %s; install one, or name its program in STREAMVET_ENCODER",
			r.encoding.container.pictures[0], r.encoding.pictures)
	}
	if r.partial, err = r.temporary(); err != nil {
		return err
	}
	return r.substitutes(ctx)
}

func (r *run) checkFiles() error {
	in, err := os.Stat(r.job.In)
	if err != nil {
		return err
	}
	for _, path := range []string{r.job.Out, r.job.TruthPath} {
		if path == "" {
			continue
		}
		there, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return err
		case os.SameFile(in, there):
			return fmt.Errorf("%s is the input: write to another name", path)
		case there.IsDir():
			return fmt.Errorf("%s is a directory: name a file in it", path)
		case !r.job.Overwrite:
			return fmt.Errorf("%s is there already: give -y to overwrite it, or another name", path)
		}
	}
	return nil
}

// temporary makes an empty file beside the output, with its extension.
func (r *run) temporary() (string, error) { return r.temporaryBeside(r.job.Out) }

func (r *run) temporaryBeside(path string) (string, error) {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(filepath.Clean(dir+"."), "."+name+".partial-*"+filepath.Ext(name))
	if err != nil {
		return "", fmt.Errorf("make the output: %w", err)
	}
	r.litter = append(r.litter, f.Name())
	return f.Name(), f.Close()
}

func (r *run) cleanUp() {
	for _, path := range r.litter {
		os.Remove(path) // what was renamed is gone already
	}
}

// make does the long work.
func (r *run) make(ctx context.Context) error {
	counts, err := transcode(ctx, r.tools, r.encoding, r.plan, r.input(), r.partial, r.progress("encode"))
	if err != nil {
		return err
	}
	if err := r.startTruth(ctx, counts); err != nil {
		return err
	}
	r.addEdits(counts)
	if err := r.addDamage(ctx); err != nil {
		return err
	}
	return r.publish()
}

func (r *run) progress(step string) func(int64) {
	total := int64(0)
	if p := r.plan.media.Picture; p != nil {
		total = int64(math.Round(r.plan.media.Duration * p.Rate.FPS()))
	}
	return func(pictures int64) {
		if r.job.Progress != nil {
			r.job.Progress(Progress{Step: step, Pictures: pictures, Total: total})
		}
	}
}

// startTruth fills in what holds for the whole file. Where its tracks begin is
// asked of the file itself.
func (r *run) startTruth(ctx context.Context, c counts) error {
	media, err := r.tools.probe(ctx, r.partial)
	if err != nil {
		return fmt.Errorf("look into the output: %w", err)
	}
	t := &r.result.Truth
	*t = Truth{Version: TruthVersion, Source: r.job.In, SourceStart: r.job.From, Media: filepath.Base(r.job.Out), Encoder: r.encoding.String(), Seed: r.job.Seed, Defects: []Entry{}}
	if p := r.plan.media.Picture; p != nil && media.Picture != nil {
		t.Width, t.Height = c.width, c.height
		t.FPS, t.FrameRate, t.Frames = p.Rate.FPS(), p.Rate.String(), c.pictures
		t.PictureStart = max(0, media.Picture.Start-media.Start)
		t.Duration = t.PictureStart + p.Rate.Seconds(c.pictures)
	}
	if s := r.plan.media.Sound; s != nil && media.Sound != nil {
		t.SampleRate, t.Channels = s.RateHz, s.Channels
		t.SoundStart = r.encoding.soundStart(t.PictureStart, media)
		t.Duration = max(t.Duration, t.SoundStart+float64(c.samples)/float64(s.RateHz))
	}
	return nil
}

// addEdits puts the changes of raw pictures and samples into the truth.
func (r *run) addEdits(c counts) {
	t := &r.result.Truth
	for _, d := range r.plan.pictures {
		if d.span.end = min(d.span.end, c.pictures); r.reached(d) {
			e := d.entry()
			e.Defect = d.spec.Kind.DefectOf(d.spec.Params, t.Rate().Seconds(d.span.length()))
			t.addPictures(e, d.span)
		}
	}
	for _, d := range r.plan.sound {
		if d.span.end = min(d.span.end, c.samples); r.reached(d) {
			r.addSound(d, c.samples)
		}
	}
	for _, d := range r.plan.stamps {
		r.addStamps(d, c.samples)
	}
	t.sort()
}

// addSound adds what is heard of a defect: all of its range, or the parts of it
// that a replacement found to differ.
func (r *run) addSound(d *planned, samples int64) {
	parts := []span{d.span}
	if picky, ok := d.other.(interface{ heard() []span }); ok && d.marked {
		parts = parts[:0]
		for _, s := range picky.heard() {
			parts = append(parts, span{d.span.start + s.start, min(d.span.start+s.end, d.span.end)})
		}
	}
	for _, part := range parts {
		e := d.entry()
		e.Defect = d.spec.Kind.DefectOf(d.spec.Params, float64(part.length())/float64(r.result.Truth.SampleRate))
		if e.Defect == verdict.AVDesync && !noticed(d.spec.Params["ms"]/1000) {
			e.Invisible = true
		}
		r.result.Truth.addSound(e, part, samples)
	}
}

// addStamps adds the stretch over which the offset is noticed: it lasts to the
// end of the file.
func (r *run) addStamps(d *planned, samples int64) {
	t := &r.result.Truth
	d.span.end = min(d.span.end, samples)
	if d.span.start >= d.span.end {
		r.warn("%s was not put in: what could be decoded ends before it", d.spec)
		return
	}
	e := d.entry()
	from, heard := noticedFrom(d, t.SampleRate)
	e.Defect, e.Invisible = d.spec.Kind.Defect, !heard
	t.addSound(e, span{from, samples}, samples)
}

// reached warns where the clip ended before the defect came, or where it left no mark.
func (r *run) reached(d *planned) bool {
	switch {
	case d.span.start >= d.span.end:
		r.warn("%s was not put in: what could be decoded ends before it", d.spec)
		return false
	case d.spec.Kind.Name == "clipping" && !d.marked:
		r.warn("%s cuts nothing off: the sound is too quiet there, raise gain", d.spec)
	case d.spec.Kind.Name == "brightness" && !d.marked:
		r.warn("%s makes nothing dark and burns nothing out there", d.spec)
	case !d.marked && !d.removes():
		r.warn("%s changes nothing: the clip is like that there", d.spec)
	}
	return true
}

func (r *run) warn(format string, args ...any) {
	r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(format, args...))
}

func (d *planned) entry() Entry {
	return Entry{Defect: d.spec.Kind.Defect, Kind: d.spec.Kind.Name, Level: d.spec.Level, Injection: d.number + 1, Params: d.spec.Params.clone(),
		Frames: d.hits(), Invisible: !d.marked && !d.removes()}
}

// publish writes the truth and gives both files their names.
func (r *run) publish() error {
	if info, err := os.Stat(r.partial); err == nil {
		r.result.Truth.MediaBytes = info.Size()
	}
	if err := r.result.Truth.Validate(); err != nil {
		return fmt.Errorf("the truth does not fit (please report this): %w", err)
	}
	if r.job.TruthPath != "" {
		data, err := r.result.Truth.encode()
		if err != nil {
			return err
		}
		part := r.job.TruthPath + ".partial"
		r.litter = append(r.litter, part)
		if err := os.WriteFile(part, data, 0o644); err != nil {
			return fmt.Errorf("write the truth: %w", err)
		}
		if err := os.Rename(part, r.job.TruthPath); err != nil {
			return fmt.Errorf("write the truth: %w", err)
		}
	}
	if err := os.Chmod(r.partial, 0o644); err != nil { // temporary files are private
		return err
	}
	if err := os.Rename(r.partial, r.job.Out); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
