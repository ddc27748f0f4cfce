package inject

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// damagedSound is the clip's own sound through a codec, with wrong bytes. Beside
// it runs the decode of the same coding without them, to tell what is heard.
type damagedSound struct {
	ctx            context.Context
	tools          Tools
	track          SoundTrack
	clean, damaged string // files of coded sound: MP4, which tells what the codec put in front
	start          int64  // sample of theirs that is heard at the start of the span
	feeds          [2]*soundFeed
	blocks         [2][]float32
	cell           cell
	spans          []span
}

// A difference is heard where it exceeds heardLevel over heardSeconds; stretches
// that are no further apart than heardJoin are one.
const (
	heardLevel   = 0.003 // RMS: -50 dB below full scale
	heardSeconds = 0.010
	heardJoin    = 0.100
)

// damageMargin is how much sound in front of the span is coded with it, so that
// the codec has got going.
const damageMargin = 0.5

// damageSound is the substitution of codec_damage.
func damageSound(ctx context.Context, r *run, d *planned) (replacement, error) {
	track := *r.plan.media.Sound
	codec := int(d.spec.Params["codec"])
	if codec == 0 {
		codec = 1 + int(d.seed%2)
	}
	encoder := []string{"aac", "mp2", "libmp3lame", "libopus"}[codec-1]
	program, err := r.tools.withEncoders(ctx, encoder)
	if err != nil {
		return nil, err
	}
	if program == "" {
		return nil, fmt.Errorf("no ffmpeg here has the encoder %s: install one, or choose another codec", encoder)
	}
	s := &damagedSound{ctx: ctx, tools: r.tools, track: track}
	if s.clean, err = r.sideFile(".mp4"); err == nil {
		s.damaged, err = r.sideFile(".mp4")
	}
	if err != nil {
		return nil, err
	}
	from := max(d.span.start-int64(damageMargin*float64(track.RateHz)), 0)
	s.start = d.span.start - from
	if err := r.encodeSound(ctx, span{from, d.span.end}, program, []string{"-c:a", encoder, "-b:a", decimal(d.spec.Params["kbps"]) + "k", "-f", "mp4", fileURL(s.clean)}); err != nil {
		return nil, fmt.Errorf("code its sound: %w", err)
	}
	return s, s.harm(ctx, d)
}

// encodeSound writes the samples of a span of the clip, as they are, through an
// encoder into a file.
func (r *run) encodeSound(ctx context.Context, at span, program string, args []string) error {
	track := *r.plan.media.Sound
	line := []string{"-hide_banner", "-loglevel", "error", "-y", "-f", "f32le", "-ar", strconv.Itoa(track.RateHz), "-ac", strconv.Itoa(track.Channels), "-i", "pipe:0", "-flags:a", "+bitexact", "-fflags", "+bitexact"}
	enc := newChild(ctx, program, append(line, args...)...)
	in, err := enc.cmd.StdinPipe()
	if err == nil {
		err = enc.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start the encoder: %w", err)
	}
	feed := openSoundFeed(ctx, r.tools, r.input(), track, at.start)
	defer feed.close()
	fed := feed.copyTo(in, at.length(), track.Channels)
	in.Close()
	if err := enc.explain(ctx, enc.cmd.Wait()); err != nil {
		return err
	}
	return fed
}

// harm writes the coded sound with wrong bytes in some of the frames of the span.
func (s *damagedSound) harm(ctx context.Context, d *planned) error {
	packets, err := s.tools.packets(ctx, s.clean, "a:0", float64(s.track.RateHz))
	if err != nil {
		return fmt.Errorf("find the coded sound: %w", err)
	}
	file := &packetFile{path: s.clean, packets: packets}
	rng := rand.New(rand.NewPCG(d.seed, 3))
	var inside []codedPicture
	for _, p := range file.packets {
		if p.frame >= s.start && p.size > 8 {
			inside = append(inside, p)
		}
	}
	if len(inside) == 0 {
		return errNothingThere
	}
	h := &harm{flips: map[int64]byte{}}
	certain := rng.IntN(len(inside)) // at least one is hit
	for i, p := range inside {
		if rng.Float64() >= d.spec.Params["rate"] && i != certain {
			continue
		}
		for range int(d.spec.Params["bytes"]) {
			h.flips[p.at+4+rng.Int64N(p.size-4)] ^= byte(1 + rng.IntN(255))
		}
	}
	return file.damage(ctx, h, s.damaged)
}

func (s *damagedSound) sound(samples []float32, n int64) (bool, error) {
	for i, path := range []string{s.clean, s.damaged} {
		if s.feeds[i] == nil {
			s.feeds[i] = openSoundFeed(s.ctx, s.tools, input{path: path}, s.track, s.start)
			s.cell.size = int(heardSeconds * float64(s.track.RateHz))
		}
		if len(s.blocks[i]) < len(samples) {
			s.blocks[i] = make([]float32, len(samples))
		}
		if err := s.feeds[i].next(s.blocks[i][:len(samples)], s.track.Channels); err != nil {
			return false, err
		}
	}
	clean, damaged := s.blocks[0][:len(samples)], s.blocks[1][:len(samples)]
	s.compare(clean, damaged, n)
	copy(samples, damaged)
	return len(s.spans) > 0, nil
}

// cell sums up squared differences over a few milliseconds.
type cell struct {
	size, filled int
	sum          float64
	start        int64
}

func (s *damagedSound) compare(clean, damaged []float32, n int64) {
	channels := s.track.Channels
	for i := 0; i+channels <= len(clean); i += channels {
		if s.cell.filled == 0 {
			s.cell.start = n + int64(i/channels)
		}
		for ch := range channels {
			diff := float64(damaged[i+ch] - clean[i+ch])
			s.cell.sum += diff * diff
		}
		if s.cell.filled++; s.cell.filled == s.cell.size {
			s.endCell()
		}
	}
}

func (s *damagedSound) endCell() {
	rms := math.Sqrt(s.cell.sum / float64(s.cell.filled*s.track.Channels))
	at := span{s.cell.start, s.cell.start + int64(s.cell.filled)}
	s.cell.filled, s.cell.sum = 0, 0
	if !(rms > heardLevel) {
		return
	}
	join := int64(heardJoin * float64(s.track.RateHz))
	if k := len(s.spans); k > 0 && at.start-s.spans[k-1].end <= join {
		s.spans[k-1].end = at.end
		return
	}
	s.spans = append(s.spans, at)
}

// heard lists what differs from the clean coding, from the start of the span on.
func (s *damagedSound) heard() []span { return s.spans }

func (s *damagedSound) picture(*Picture, int64) (bool, error) { return false, nil }

func (s *damagedSound) close() {
	for i, f := range s.feeds {
		if f != nil {
			f.close()
			s.feeds[i] = nil
		}
	}
}
